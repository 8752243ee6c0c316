//! Which part of a server answers an HTTP request.

use crate::{
    dispatch::Dispatch,
    engine::{Answer, HttpBody},
    guard,
    http_service::{HttpLayer, HttpService},
    protocol::{self, Outgoing},
};
use std::{collections::HashMap, future::poll_fn, pin::pin, sync::Arc};

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
    outgoing: Outgoing,
}

impl Answering {
    pub(crate) fn new(
        dispatch: Dispatch,
        mounted: HashMap<&'static str, HttpService>,
        outgoing: Outgoing,
    ) -> Self {
        let core = Arc::new(Core {
            dispatch,
            mounted,
            outgoing,
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
                Box::pin(core.answer(request))
            });
            self.layered = Some(layers.into_iter().fold(inner, |inner, layer| layer(inner)));
        }
        self
    }
}

impl Core {
    fn answer(
        &self,
        request: http::Request<HttpBody>,
    ) -> impl Future<Output = http::Response<HttpBody>> + Send + use<> {
        let answering = if !self.mounted.is_empty()
            // An authority-form target (CONNECT) has no path at all.
            && let Some(path) = request.uri().path().strip_prefix('/')
            && let Some(service) = path.split('/').next()
            && let Some(mounted) = self.mounted.get(service)
        {
            let mounted = mounted.clone();
            let answer = move |request| mounted.answer(request);
            Err(Box::pin(protocol::answer_in_time(request, answer)))
        } else {
            Ok(protocol::answer(&self.dispatch, self.outgoing, request))
        };
        async move {
            match answering {
                Ok(answering) => answering.await,
                Err(mounted) => mounted.await,
            }
        }
    }
}

impl Answer for Answering {
    fn answer(
        &self,
        request: http::Request<HttpBody>,
    ) -> impl Future<Output = http::Response<HttpBody>> + Send + use<> {
        let started = guard::contain_now(|| match &self.layered {
            None => Ok(self.core.answer(request)),
            Some(service) => Err(service.answer(request)),
        });
        async move {
            let mut answer = pin!(async {
                match started? {
                    Ok(core) => Ok(core.await),
                    Err(layered) => Ok(layered.await),
                }
            });
            poll_fn(|cx| guard::contain(|| answer.as_mut().poll(cx)))
                .await
                .flatten()
                .unwrap_or_else(|status| protocol::respond_status(&status))
        }
    }
}
