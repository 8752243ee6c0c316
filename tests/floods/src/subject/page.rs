//! A page for tools that know HTTP and nothing of gRPC.

use bytes::Bytes;
use cordial_runtime::{HttpBody, HttpService};
use futures_util::future::BoxFuture;
use http_body_util::{BodyExt, Full};
use std::{
    convert::Infallible,
    task::{Context, Poll},
};
use tonic::body::Body;
use tower::{Layer, Service};

const PAGE: &[u8] = b"floods: a page to read\n";

/// Answers every request with the page, in place of the service within.
#[derive(Clone, Debug)]
pub(super) struct PageLayer;

#[derive(Clone, Debug)]
pub(super) struct Page;

impl Layer<HttpService> for PageLayer {
    type Service = Page;

    fn layer(&self, _: HttpService) -> Page {
        Page
    }
}

impl Service<http::Request<HttpBody>> for Page {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<HttpBody>) -> Self::Future {
        Box::pin(async move {
            let mut body = request.into_body();
            while let Some(Ok(_)) = body.frame().await {}
            let page = Full::new(Bytes::from_static(PAGE));
            Ok(http::Response::new(Body::new(page)))
        })
    }
}
