//! From a path to a reply, whatever brought the request here.

use crate::{
    body::Body,
    guard,
    layer::Layers,
    message::{Request, Response},
    routes::Route,
    status::{Code, Result, Status},
};
use std::{
    collections::{HashMap, HashSet},
    future::poll_fn,
};

/// Every route of a server, and the layers before them.
#[derive(Default)]
pub(crate) struct Dispatch {
    routes: HashMap<&'static str, Route>,
    services: HashSet<&'static str>,
    pub(crate) layers: Layers,
}

impl Dispatch {
    /// Adds a service; `false` if one of its name is there already.
    pub(crate) fn add(&mut self, name: &'static str, routes: Vec<Route>) -> bool {
        let new = self.services.insert(name);
        for route in routes {
            self.routes.insert(route.method.path(), route);
        }
        new
    }

    pub(crate) fn services(&self) -> impl Iterator<Item = &'static str> {
        self.services.iter().copied()
    }

    pub(crate) fn find(&self, path: &str) -> Result<&Route> {
        self.routes.get(path).ok_or_else(|| self.unknown(path))
    }

    fn unknown(&self, path: &str) -> Status {
        let mut parts = path.strip_prefix('/').unwrap_or(path).splitn(2, '/');
        let service = parts.next().unwrap_or_default();
        Status::unimplemented(match parts.next() {
            Some(method) if self.services.contains(service) => {
                format!("service `{service}` has no method `{method}`")
            }
            Some(_) => format!("no service `{service}` is served here"),
            None => format!("`{path}` is no method: it reads `/package.Service/Method`"),
        })
    }

    /// Runs the layers and the handler until they reply, the deadline passes or
    /// one of them panics. Dropping the future drops the handler.
    pub(crate) fn call(
        &self,
        route: &Route,
        request: Request<Body>,
    ) -> impl Future<Output = Result<Response<Body>>> + Send + use<> {
        let deadline = request.deadline();
        let mut reply = self
            .layers
            .run(route.method, request, route.handler.clone());
        let contained =
            poll_fn(move |cx| guard::contain(|| reply.as_mut().poll(cx)).map(Result::flatten));
        async move {
            let ended = guard::until(deadline, contained).await;
            ended.map_err(|status| match status.code() {
                Code::Ok => Status::internal("the handler ended with OK and no reply"),
                _ => status,
            })
        }
    }
}
