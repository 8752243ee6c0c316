//! `tower` services over HTTP, with their type forgotten.

use crate::{
    engine::{BoxError, BoxFuture, HttpBody},
    protocol,
    status::Status,
};
use std::{
    convert::Infallible,
    fmt,
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
};
use tower_service::Service;

/// What a `tower` layer at the outside of a server wraps.
#[derive(Clone)]
pub struct HttpService(Arc<dyn Fn(http::Request<HttpBody>) -> Answered + Send + Sync>);

/// The future of a response.
pub(crate) type Answered = BoxFuture<http::Response<HttpBody>>;

/// A layer that was given to a server.
pub(crate) type HttpLayer = Box<dyn FnOnce(HttpService) -> HttpService + Send>;

impl HttpService {
    pub(crate) fn new(
        answer: impl Fn(http::Request<HttpBody>) -> Answered + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(answer))
    }

    pub(crate) fn answer(&self, request: http::Request<HttpBody>) -> Answered {
        (self.0)(request)
    }

    pub(crate) fn of_tonic<S>(service: S) -> Self
    where
        S: Service<
                http::Request<tonic::body::Body>,
                Response = http::Response<tonic::body::Body>,
                Error = Infallible,
            > + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        Self::erase(service, |request| request.map(tonic::body::Body::new))
    }

    pub(crate) fn layered<L, B>(layer: &L, inner: Self) -> Self
    where
        L: tower_layer::Layer<Self>,
        L::Service: Service<http::Request<HttpBody>, Response = http::Response<B>>
            + Clone
            + Send
            + Sync
            + 'static,
        <L::Service as Service<http::Request<HttpBody>>>::Error: fmt::Display,
        <L::Service as Service<http::Request<HttpBody>>>::Future: Send,
        B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self::erase(layer.layer(inner), |request| request)
    }

    fn erase<S, In, Out>(
        service: S,
        convert: fn(http::Request<HttpBody>) -> http::Request<In>,
    ) -> Self
    where
        S: Service<http::Request<In>, Response = http::Response<Out>>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Error: fmt::Display,
        S::Future: Send,
        In: Send + 'static,
        Out: http_body::Body<Data = bytes::Bytes> + Send + 'static,
        Out::Error: Into<BoxError>,
    {
        Self::new(move |request| {
            let mut service = service.clone();
            let request = convert(request);
            Box::pin(async move {
                let answered = async {
                    poll_fn(|cx| service.poll_ready(cx)).await?;
                    service.call(request).await
                };
                match answered.await {
                    Ok(response) => response.map(HttpBody::new),
                    Err(error) => {
                        tracing::error!(%error, "an HTTP layer failed");
                        let status = Status::internal("the server failed to answer");
                        protocol::respond_status(&status)
                    }
                }
            })
        })
    }
}

impl Service<http::Request<HttpBody>> for HttpService {
    type Response = http::Response<HttpBody>;
    type Error = Infallible;
    type Future = BoxFuture<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<HttpBody>) -> Self::Future {
        let response = self.answer(request);
        Box::pin(async move { Ok(response.await) })
    }
}

impl fmt::Debug for HttpService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpService").finish_non_exhaustive()
    }
}
