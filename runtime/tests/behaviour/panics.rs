//! A panic ends the call it happens in with INTERNAL, and nothing else.

use crate::{Over, common::*, over_each};
use cordial_runtime::{Code, Response, Server, Status};
use futures_util::{StreamExt, stream};

over_each! {
    a_handler_may_panic
    a_stream_may_panic
    a_layer_may_panic
    a_panic_says_nothing_to_the_caller
}

fn is_contained(status: &Status) {
    assert_eq!(status.code(), Code::Internal, "{status:?}");
    assert!(!status.message().contains("secret"), "{status:?}");
}

async fn a_handler_may_panic(over: Over) {
    let probe = Probe::echo()
        .unary(|request| async move {
            assert_ne!(request.get_ref().text, "panic", "secret");
            Ok(request.into_inner().into())
        })
        .bidi(|_| async { panic!("secret") });
    let channel = over.probe(probe).await;
    is_contained(&channel.unary(UNARY, note("panic")).await.unwrap_err());
    is_contained(
        &channel
            .bidi_streaming(BIDI, stream::pending())
            .await
            .unwrap_err(),
    );
    let next = channel.unary(UNARY, note("next")).await.unwrap();
    assert_eq!(next.into_inner().text, "next");
}

async fn a_stream_may_panic(over: Over) {
    let probe = Probe::echo().server_streaming(|_| async {
        let replies = stream::iter(0..).map(|turn| match turn {
            0 => Ok(note("first")),
            _ => panic!("secret {turn}"),
        });
        Ok(Response::new(replies.boxed()))
    });
    let channel = over.probe(probe).await;
    for _ in 0..2 {
        let replies = channel
            .server_streaming(SERVER_STREAMING, note(""))
            .await
            .unwrap();
        let mut replies = replies.into_inner();
        assert_eq!(replies.message().await.unwrap().unwrap().text, "first");
        is_contained(&replies.message().await.unwrap_err());
    }
}

async fn a_layer_may_panic(over: Over) {
    let server = Server::new()
        .layer(|_, _| async { panic!("secret") })
        .add(Probe::echo().routes());
    let channel = over.reach(server).await;
    for _ in 0..2 {
        is_contained(&channel.unary(UNARY, note("")).await.unwrap_err());
    }
}

async fn a_panic_says_nothing_to_the_caller(over: Over) {
    let probe = Probe::echo().client_streaming(|_| async {
        std::panic::panic_any(42);
    });
    let channel = over.probe(probe).await;
    let status = channel
        .client_streaming(CLIENT_STREAMING, stream::empty())
        .await
        .unwrap_err();
    is_contained(&status);
    assert_eq!(status.message(), "the handler panicked");
}
