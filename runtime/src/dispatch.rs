//! From a path to a reply, whatever brought the request here.

use crate::{
    admission::Admission,
    body::Body,
    concurrency_limit::Entry,
    context::Context,
    guard,
    layer::Layers,
    message::{Request, Response},
    method::Method,
    retry,
    routes::Route,
    status::{Code, Result, Status},
};
use std::{
    collections::{HashMap, HashSet},
    future::poll_fn,
    pin::pin,
};

/// Every route of a server, and the layers before them.
#[derive(Default)]
pub(crate) struct Dispatch {
    routes: HashMap<&'static str, Route>,
    services: HashSet<&'static str>,
    pub(crate) layers: Layers,
    pub(crate) admission: Admission,
    /// The metadata that calls hand on to those made while they are answered.
    pub(crate) propagated: Vec<Box<str>>,
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

    /// Every method that is served.
    pub(crate) fn methods(&self) -> impl Iterator<Item = Method> {
        self.routes.values().map(|route| route.method)
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
    /// one of them panics, unless there are too many calls. Dropping the future
    /// drops the handler.
    pub(crate) fn call(
        &self,
        route: &Route,
        mut request: Request<Body>,
    ) -> impl Future<Output = Result<Response<Body>>> + Send + use<> {
        let deadline = request.deadline();
        let admitted = self.admission.admit(route.method, &mut request);
        let admitted = admitted.map_err(Box::new).map(|admitted| {
            let handler = route.handler.clone();
            let of_retry = retry::is_of_retry(request.metadata());
            let context = Context::of(&request, admitted.priority, &self.propagated);
            let context = context.of_retry(of_retry);
            let reply = context.enter(|| self.layers.run(route.method, request, handler));
            (admitted, context, reply)
        });
        async move {
            let (admitted, context, reply) = admitted.map_err(|status| *status)?;
            let place = match admitted.entry {
                Some(Entry::Waiting(waiting)) => {
                    // In a box: most calls do not wait.
                    let turn = Box::pin(guard::until(deadline, waiting.turn()));
                    Some(turn.await?)
                }
                Some(Entry::Open(place)) => Some(place),
                None => None,
            };
            let mut reply = pin!(context.clone().scope(reply));
            let contained =
                poll_fn(|cx| guard::contain(|| reply.as_mut().poll(cx)).map(Result::flatten));
            match guard::until(deadline, contained).await {
                Ok(response) => {
                    if let Some(place) = place {
                        place.answered();
                    }
                    Ok(response.map(|body| body.counted(admitted.counted).within(context)))
                }
                Err(status) if status.code() == Code::Ok => {
                    Err(Status::internal("the handler ended with OK and no reply"))
                }
                Err(status) => Err(status),
            }
        }
    }
}
