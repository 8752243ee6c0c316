//! Layers, on the server and on the channel.

use crate::{Over, common::*, over_each};
use cordial_runtime::{
    Body, Code, Extension, Idempotency, Layer, Method, MethodKind, Next, Request, Response, Result,
    Routes, Server, Status,
};
use futures_util::{StreamExt, stream};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

over_each! {
    layers_run_in_order
    a_layer_sees_the_method
    a_layer_may_refuse
    a_layer_may_change_metadata
    a_layer_leaves_extensions_for_the_handler
    a_layer_may_call_twice
    a_layer_may_reply_itself
    a_layer_may_wait
    a_servers_layer_may_set_a_timeout
    a_channels_layer_may_set_a_timeout
    a_layer_is_dropped_with_its_call
}

type Log = Arc<Mutex<Vec<&'static str>>>;

/// Writes its name on the way in and on the way out.
struct Logged(&'static str, &'static str, Log);

impl Layer for Logged {
    async fn call(&self, request: Request<Body>, next: Next) -> Result<Response<Body>> {
        self.2.lock().unwrap().push(self.0);
        let response = next.run(request).await;
        self.2.lock().unwrap().push(self.1);
        response
    }
}

async fn layers_run_in_order(over: Over) {
    let log = Log::default();
    let inner = log.clone();
    let probe = Probe::echo().unary(move |request| {
        inner.lock().unwrap().push("handler");
        async { Ok(request.into_inner().into()) }
    });
    let server = Server::new()
        .layer(Logged("s1>", "<s1", log.clone()))
        .add(probe.routes())
        .layer(Logged("s2>", "<s2", log.clone()));
    let reached = over.reach(server).await;
    let plain = reached.channel.clone();
    let channel = plain
        .clone()
        .layer(Logged("c1>", "<c1", log.clone()))
        .layer(Logged("c2>", "<c2", log.clone()));
    channel.unary(UNARY, note("")).await.unwrap();
    let whole = [
        "c1>", "c2>", "s1>", "s2>", "handler", "<s2", "<s1", "<c2", "<c1",
    ];
    assert_eq!(std::mem::take(&mut *log.lock().unwrap()), whole);
    plain.unary(UNARY, note("")).await.unwrap();
    assert_eq!(log.lock().unwrap().len(), 5, "a clone's layers are its own");
}

/// 50001: "admin", 50002: 7
const OPTIONS: &[u8] = b"\x8a\xb5\x18\x05admin\x90\xb5\x18\x07";
const ROLE: Extension<String> = Extension::string(50_001);
const COST: Extension<u32> = Extension::uint32(50_002);
const DESCRIBED: Method<Note, Note> = Method::unary("/test.v1.Described/Do")
    .no_side_effects()
    .options(OPTIONS)
    .service_options(OPTIONS);

struct Described;

impl Described {
    async fn run(&self, request: Request<Note>) -> Result<Response<Note>> {
        Ok(request.into_inner().into())
    }
}

async fn a_layer_sees_the_method(over: Over) {
    let check = |request: Request<Body>, next: Next| async move {
        let method = next.method();
        assert_eq!(method.path(), "/test.v1.Described/Do");
        assert_eq!(
            (method.service(), method.name()),
            ("test.v1.Described", "Do")
        );
        assert_eq!(method.kind(), MethodKind::Unary);
        assert_eq!(method.idempotency(), Idempotency::NoSideEffects);
        assert_eq!(method.option(ROLE).as_deref(), Some("admin"));
        assert_eq!(method.option(COST), Some(7));
        assert_eq!(method.service_option(ROLE).as_deref(), Some("admin"));
        assert_eq!(method.option(Extension::bool(1)), None);
        next.run(request).await
    };
    let routes = Routes::new("test.v1.Described", Described).unary(DESCRIBED, Described::run);
    let channel = over.reach(Server::new().layer(check).add(routes)).await;
    let channel = channel.channel.clone().layer(check);
    channel.unary(DESCRIBED, note("")).await.unwrap();
}

async fn a_layer_may_refuse(over: Over) {
    let probe = Probe::echo().unary(|_| async { panic!("refused calls come no further") });
    let gate = |request: Request<Body>, next: Next| async move {
        match request.metadata().get("authorization") {
            Some(_) => next.run(request).await,
            None => Err(Status::unauthenticated(next.method().name())),
        }
    };
    let channel = over
        .reach(Server::new().layer(gate).add(probe.routes()))
        .await;
    let status = channel.unary(UNARY, note("")).await.unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (Code::Unauthenticated, "Unary")
    );
    let notes = stream::iter([note("a")]);
    let call = channel
        .bidi_streaming(BIDI, notes)
        .metadata("authorization", "me");
    assert_eq!(call.await.unwrap().into_inner().count().await, 1);
}

async fn a_layer_may_change_metadata(over: Over) {
    let probe = Probe::echo().unary(|request| async move {
        let seen = request.metadata().get_all("x-via").iter();
        let seen: Vec<_> = seen.map(|via| via.to_str().unwrap()).collect();
        Ok(note(&seen.join(",")).into())
    });
    let stamp = |name: &'static str| {
        move |mut request: Request<Body>, next: Next| async move {
            request
                .metadata_mut()
                .append("x-via", name.parse().unwrap());
            let mut response = next.run(request).await?;
            response
                .metadata_mut()
                .append("x-back", name.parse().unwrap());
            Ok(response)
        }
    };
    let reached = over
        .reach(Server::new().layer(stamp("server")).add(probe.routes()))
        .await;
    let channel = reached.channel.clone().layer(stamp("channel"));
    let reply = channel.unary(UNARY, note("")).await.unwrap();
    assert_eq!(reply.get_ref().text, "channel,server");
    let back: Vec<_> = reply.metadata().get_all("x-back").iter().collect();
    assert_eq!(back, ["server", "channel"]);
}

#[derive(Clone)]
struct User(&'static str);

async fn a_layer_leaves_extensions_for_the_handler(over: Over) {
    let probe = Probe::echo().unary(|request| async move {
        Ok(note(request.extensions().get::<User>().unwrap().0).into())
    });
    let log_in = |mut request: Request<Body>, next: Next| async move {
        request.extensions_mut().insert(User("ada"));
        next.run(request).await
    };
    let channel = over
        .reach(Server::new().layer(log_in).add(probe.routes()))
        .await;
    let reply = channel.unary(UNARY, note("")).await.unwrap();
    assert_eq!(reply.into_inner().text, "ada");
}

/// A body moves, so a second call has to bring its own.
async fn a_layer_may_call_twice(over: Over) {
    let tries = Arc::new(Mutex::new(0));
    let probe = Probe::echo().unary(move |request| {
        let first = {
            let mut tries = tries.lock().unwrap();
            *tries += 1;
            *tries % 2 == 1
        };
        async move {
            match first {
                true => Err(Status::unavailable("once more")),
                false => Ok(request.into_inner().into()),
            }
        }
    });
    let retry = |request: Request<Body>, next: Next| async move {
        let failed = next.clone().run(request).await.unwrap_err();
        assert_eq!(failed.message(), "once more");
        next.run(Request::new(Body::one(note("second")))).await
    };
    let reached = over.probe(probe).await;
    let channel = reached.channel.clone().layer(retry);
    let reply = channel.unary(UNARY, note("first")).await.unwrap();
    assert_eq!(reply.into_inner().text, "second");
}

async fn a_layer_may_reply_itself(over: Over) {
    let cached = |request: Request<Body>, next: Next| async move {
        match next.method().kind() {
            MethodKind::Unary => Ok(Response::new(Body::one(note("cached")))),
            MethodKind::ServerStreaming => {
                let notes = stream::iter([Ok(note("one")), Ok(note("two"))]);
                Ok(Response::new(Body::many(notes.boxed())))
            }
            // Two messages where one is due.
            MethodKind::ClientStreaming => {
                let notes = stream::iter([Ok(note("one")), Ok(note("two"))]);
                Ok(Response::new(Body::many(notes.boxed())))
            }
            MethodKind::BidiStreaming => next.run(request).await,
        }
    };
    let server = Server::new().layer(cached).add(Probe::echo().routes());
    let channel = over.reach(server).await;
    let reply = channel.unary(UNARY, note("")).await.unwrap();
    assert_eq!(reply.into_inner().text, "cached");
    let replies = channel
        .server_streaming(SERVER_STREAMING, note(""))
        .await
        .unwrap();
    assert_eq!(replies.into_inner().count().await, 2);
    let status = channel
        .client_streaming(CLIENT_STREAMING, stream::empty())
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented, "{status:?}");
}

async fn a_layer_may_wait(over: Over) {
    let slow = |request: Request<Body>, next: Next| async move {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let response = next.run(request).await;
        tokio::task::yield_now().await;
        response
    };
    let reached = over
        .reach(Server::new().layer(slow).add(Probe::echo().routes()))
        .await;
    let channel = reached.channel.clone().layer(slow);
    let reply = channel.unary(UNARY, note("late")).await.unwrap();
    assert_eq!(reply.into_inner().text, "late");
}

/// Gives calls 60 ms.
async fn in_time(mut request: Request<Body>, next: Next) -> Result<Response<Body>> {
    request.set_timeout(Duration::from_millis(60));
    next.run(request).await
}

fn slow() -> Probe {
    Probe::echo()
        .unary(|request| async move {
            assert!(request.deadline().is_some());
            std::future::pending().await
        })
        .server_streaming(|_| async { Ok(Response::new(stream::pending().boxed())) })
}

async fn is_ended(channel: &cordial_runtime::Channel) {
    let status = channel.unary(UNARY, note("")).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    let replies = channel
        .server_streaming(SERVER_STREAMING, note(""))
        .await
        .unwrap();
    let status = replies.into_inner().message().await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
}

async fn a_servers_layer_may_set_a_timeout(over: Over) {
    is_ended(
        &*over
            .reach(Server::new().layer(in_time).add(slow().routes()))
            .await,
    )
    .await;
}

async fn a_channels_layer_may_set_a_timeout(over: Over) {
    let reached = over.probe(slow()).await;
    is_ended(&reached.channel.clone().layer(in_time)).await;
}

async fn a_layer_is_dropped_with_its_call(over: Over) {
    let (alive, gone) = alive();
    let alive = Mutex::new(Some(alive));
    let (started, mut starting) = tokio::sync::mpsc::channel(1);
    let held = move |request: Request<Body>, next: Next| {
        let alive = alive.lock().unwrap().take();
        let started = started.clone();
        async move {
            let _held = alive;
            started.send(()).await.unwrap();
            next.run(request).await
        }
    };
    let probe = Probe::echo().unary(|_| std::future::pending());
    let channel = over
        .reach(Server::new().layer(held).add(probe.routes()))
        .await;
    let mut call = channel.unary(UNARY, note("")).into_future();
    tokio::select! {
        _ = &mut call => unreachable!("the handler never replies"),
        started = starting.recv() => started.unwrap(),
    }
    drop(call);
    gone.wait().await;
}
