//! Services made with stock tonic stubs, and `tower` layers around everything.

use crate::common::{probe::SERVICE, *};
use cordial_runtime::{Channel, Code, ErrorKind, HttpBody, Method, Server};
use futures_util::{StreamExt, stream};
use std::{
    convert::Infallible,
    future::{Ready, ready},
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};
use tonic::{
    body::Body,
    server::{Grpc, NamedService, StreamingService, UnaryService},
};
use tonic_prost::ProstCodec;

/// What tonic-build generates for a service of two methods, by hand.
#[derive(Clone)]
struct Stock;

impl NamedService for Stock {
    const NAME: &'static str = "stock.v1.Stock";
}

type Replying<T> = Pin<Box<dyn Future<Output = Result<tonic::Response<T>, tonic::Status>> + Send>>;
type Notes = Pin<Box<dyn tokio_stream::Stream<Item = Result<Note, tonic::Status>> + Send>>;

impl UnaryService<Note> for Stock {
    type Response = Note;
    type Future = Replying<Note>;
    fn call(&mut self, request: tonic::Request<Note>) -> Self::Future {
        Box::pin(async move {
            if request.get_ref().text == "refuse" {
                return Err(tonic::Status::already_exists("stock says no"));
            }
            let mut response = tonic::Response::new(request.into_inner());
            response
                .metadata_mut()
                .insert("x-stock", "yes".parse().unwrap());
            Ok(response)
        })
    }
}

impl StreamingService<Note> for Stock {
    type Response = Note;
    type ResponseStream = Notes;
    type Future = Replying<Notes>;
    fn call(&mut self, request: tonic::Request<tonic::Streaming<Note>>) -> Self::Future {
        Box::pin(async move { Ok(tonic::Response::new(request.into_inner().boxed() as Notes)) })
    }
}

impl tower::Service<http::Request<Body>> for Stock {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            let mut grpc = Grpc::new(ProstCodec::<Note, Note>::default());
            Ok(match request.uri().path() {
                "/stock.v1.Stock/Unary" => grpc.unary(Self, request).await,
                "/stock.v1.Stock/Bidi" => grpc.streaming(Self, request).await,
                _ => tonic::Status::unimplemented("stock has no such method").into_http(),
            })
        })
    }
}

const STOCK_UNARY: Method<Note, Note> = Method::unary("/stock.v1.Stock/Unary");
const STOCK_BIDI: Method<Note, Note> = Method::bidi_streaming("/stock.v1.Stock/Bidi");

fn both() -> Server {
    Server::new().add(Probe::echo().routes()).add_tonic(Stock)
}

#[tokio::test]
async fn a_stock_service_is_served_beside_ours() {
    let serving = Serving::start(both()).await;
    let channel = serving.channel();
    let reply = within(channel.unary(STOCK_UNARY, note("hi")).into_future())
        .await
        .unwrap();
    assert_eq!(reply.metadata().get("x-stock").unwrap(), "yes");
    assert_eq!(reply.into_inner().text, "hi");
    let status = channel
        .unary(STOCK_UNARY, note("refuse"))
        .await
        .unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (Code::AlreadyExists, "stock says no")
    );
    let notes = stream::iter([note("a"), note("b")]);
    let replies = channel.bidi_streaming(STOCK_BIDI, notes).await.unwrap();
    assert_eq!(within(replies.into_inner().count()).await, 2);
    let none: Method<Note, Note> = Method::unary("/stock.v1.Stock/None");
    let status = channel.unary(none, note("")).await.unwrap_err();
    assert_eq!(status.message(), "stock has no such method");
    assert_eq!(
        channel
            .unary(UNARY, note("ours"))
            .await
            .unwrap()
            .into_inner()
            .text,
        "ours"
    );
}

#[test]
fn a_stock_service_counts_as_served() {
    #[derive(Clone)]
    struct Twin;
    impl NamedService for Twin {
        const NAME: &'static str = SERVICE;
    }
    impl tower::Service<http::Request<Body>> for Twin {
        type Response = http::Response<Body>;
        type Error = Infallible;
        type Future = Ready<Result<Self::Response, Infallible>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }
        fn call(&mut self, _: http::Request<Body>) -> Self::Future {
            ready(Ok(http::Response::new(Body::empty())))
        }
    }
    let ours = || Probe::echo().routes();
    for server in [
        Server::new().add(ours()).add_tonic(Twin),
        Server::new().add_tonic(Twin).add(ours()),
        Server::new().add_tonic(Twin).add_tonic(Twin),
    ] {
        let error = server.in_process().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Duplicate);
        assert!(error.to_string().contains(SERVICE), "{error}");
    }
}

type Seen = Arc<Mutex<Vec<String>>>;

/// Writes down every path, and adds a header to every request.
fn mark(
    name: &'static str,
    seen: &Seen,
) -> impl tower::Layer<
    cordial_runtime::HttpService,
    Service: tower::Service<
        http::Request<HttpBody>,
        Response = http::Response<HttpBody>,
        Error = Infallible,
        Future: Send,
    > + Clone
                 + Send
                 + Sync
                 + 'static,
> + Send
+ 'static {
    let seen = seen.clone();
    tower::util::MapRequestLayer::new(move |mut request: http::Request<HttpBody>| {
        seen.lock()
            .unwrap()
            .push(format!("{name} {}", request.uri().path()));
        request
            .headers_mut()
            .append("x-mark", name.parse().unwrap());
        request
    })
}

#[tokio::test]
async fn tower_layers_see_everything_from_the_outside_in() {
    let seen = Seen::default();
    let probe = Probe::echo().unary(|request| async move {
        let marks = request.metadata().get_all("x-mark").iter();
        let marks: Vec<_> = marks.map(|mark| mark.to_str().unwrap()).collect();
        Ok(note(&marks.join(",")).into())
    });
    let server = Server::new()
        .http_layer(mark("inner", &seen))
        .http_layer(mark("outer", &seen))
        .add(probe.routes())
        .add_tonic(Stock);
    let serving = Serving::start(server).await;
    let channel = serving.channel();
    let reply = within(channel.unary(UNARY, note("")).into_future())
        .await
        .unwrap();
    assert_eq!(reply.into_inner().text, "outer,inner");
    channel.unary(STOCK_UNARY, note("")).await.unwrap();
    let whole = [
        "outer /test.v1.Probe/Unary",
        "inner /test.v1.Probe/Unary",
        "outer /stock.v1.Stock/Unary",
        "inner /stock.v1.Stock/Unary",
    ];
    assert_eq!(*seen.lock().unwrap(), whole);
}

/// Answers some requests itself and fails on others.
#[derive(Clone)]
struct Picky<S>(S);

impl<S> tower::Service<http::Request<HttpBody>> for Picky<S>
where
    S: tower::Service<http::Request<HttpBody>, Response = http::Response<HttpBody>>,
    S::Future: Send + 'static,
    S::Error: Into<Infallible>,
{
    type Response = http::Response<HttpBody>;
    type Error = &'static str;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, &'static str>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<HttpBody>) -> Self::Future {
        match request.headers().get("x-do").map(|value| value.as_bytes()) {
            Some(b"fail") => Box::pin(ready(Err("the secret reason"))),
            Some(b"panic") => panic!("the secret reason"),
            Some(b"answer") => {
                let mut response = http::Response::new(HttpBody::empty());
                *response.status_mut() = http::StatusCode::FORBIDDEN;
                Box::pin(ready(Ok(response)))
            }
            _ => {
                let inner = self.0.call(request);
                Box::pin(
                    async move { Ok(inner.await.unwrap_or_else(|never| match never.into() {})) },
                )
            }
        }
    }
}

#[tokio::test]
async fn a_tower_layer_may_answer_fail_or_panic() {
    let server = both().http_layer(tower::layer::layer_fn(Picky));
    let serving = Serving::start(server).await;
    let channel = serving.channel();
    let told = async |channel: &Channel, what: &str| {
        let call = channel.unary(UNARY, note("")).metadata("x-do", what);
        within(call.into_future()).await
    };
    for (what, code) in [
        ("answer", Code::PermissionDenied),
        ("fail", Code::Internal),
        ("panic", Code::Internal),
    ] {
        let status = told(&channel, what).await.unwrap_err();
        assert_eq!(status.code(), code, "{status:?}");
        assert!(!status.message().contains("secret"), "{status:?}");
    }
    told(&channel, "pass").await.unwrap();
}
