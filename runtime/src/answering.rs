//! Which part of a server answers an HTTP request.

use crate::{
    cors::{Crossed, Crossing},
    dispatch::Dispatch,
    engine::{Answer, HttpBody},
    guard,
    http_service::{Answered, HttpLayer, HttpService},
    priority::Priority,
    protocol::{self, Exchange},
};
use http::{HeaderMap, header::VARY};
use std::{
    collections::HashMap,
    future::{poll_fn, ready},
    sync::Arc,
};

/// A server as its connections see it.
#[derive(Clone)]
pub(crate) struct Answering {
    core: Arc<Core>,
    /// The whole stack, where there are layers around the core.
    layered: Option<HttpService>,
}

struct Core {
    dispatch: Dispatch,
    mounted: HashMap<&'static str, HttpService>,
    exchange: Exchange,
    crossing: Option<Crossing>,
}

impl Answering {
    pub(crate) fn new(
        dispatch: Dispatch,
        mounted: HashMap<&'static str, HttpService>,
        exchange: Exchange,
        crossing: Option<Crossing>,
    ) -> Self {
        let core = Arc::new(Core {
            dispatch,
            mounted,
            exchange,
            crossing,
        });
        Self {
            core,
            layered: None,
        }
    }

    pub(crate) fn with_http_layers(mut self, layers: Vec<HttpLayer>) -> Self {
        if !layers.is_empty() {
            let core = self.core.clone();
            let inner = HttpService::new(move |request| {
                let core = core.clone();
                core.answer(request)
            });
            self.layered = Some(layers.into_iter().fold(inner, |inner, layer| layer(inner)));
        }
        self
    }
}

impl Core {
    fn answer(&self, request: http::Request<HttpBody>) -> Answered {
        if !self.mounted.is_empty()
            // An authority-form target (CONNECT) has no path at all.
            && let Some(path) = request.uri().path().strip_prefix('/')
            && let Some(service) = path.split('/').next()
            && let Some(mounted) = self.mounted.get(service)
        {
            return self.answer_mounted(mounted.clone(), request);
        }
        protocol::answer(&self.dispatch, &self.exchange, request)
    }

    fn answer_mounted(&self, mounted: HttpService, request: http::Request<HttpBody>) -> Answered {
        let priority = Priority::of_http(&request);
        match self.dispatch.admission.count(priority) {
            Ok(counted) => {
                let answer = move |request| mounted.answer(request);
                Box::pin(protocol::answer_in_time(request, counted, answer))
            }
            Err(status) => Box::pin(ready(protocol::respond_status(&status))),
        }
    }
}

impl Answer for Answering {
    fn announced(&self, first: &[u8]) -> usize {
        protocol::announced(first, self.core.exchange.inbound.message_bytes_max)
    }

    fn answer(
        &self,
        request: http::Request<HttpBody>,
    ) -> impl Future<Output = http::Response<HttpBody>> + Send + use<> {
        let crossed = self.core.crossing.as_ref();
        let (crossed, headers) = match crossed.map(|crossing| crossing.look(&request)) {
            None => (None, None),
            Some(Crossed::Answer(response)) => (Some(response), None),
            Some(Crossed::Add(headers)) => (None, Some(headers)),
        };
        let started = guard::contain_now(|| match (crossed, &self.layered) {
            (Some(response), _) => Box::pin(ready(*response)) as Answered,
            (None, None) => self.core.answer(request),
            (None, Some(service)) => service.answer(request),
        });
        async move {
            let answered = match started {
                Ok(mut answer) => poll_fn(|cx| guard::contain(|| answer.as_mut().poll(cx))).await,
                Err(status) => Err(status),
            };
            let mut response = answered.unwrap_or_else(|status| protocol::respond_status(&status));
            if let Some(headers) = headers {
                add(*headers, response.headers_mut());
            }
            response
        }
    }
}

/// A handler may have said on its own what its answer depends on.
fn add(added: HeaderMap, headers: &mut HeaderMap) {
    for (name, value) in &added {
        if name == VARY {
            headers.append(name, value.clone());
        } else {
            headers.insert(name, value.clone());
        }
    }
}
