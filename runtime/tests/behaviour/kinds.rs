//! The four kinds of methods, and streams that are empty, long, large or short.

use crate::{Over, common::*, over_each};
use cordial_runtime::{Peer, PeerAddress, Response};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::sync::Arc;
use tokio::sync::{Barrier, mpsc};
use tokio_stream::wrappers::ReceiverStream;

over_each! {
    a_unary_call_echoes
    a_server_streams
    a_client_streams
    bidi_streams_take_turns
    streams_may_be_empty
    messages_may_be_empty
    messages_may_be_large
    streams_may_be_long
    a_handler_may_reply_before_it_has_read
    a_handler_may_refuse_before_it_has_read
    a_handler_sees_the_end_of_the_request
    many_calls_share_a_channel
    the_peer_is_known
}

async fn a_unary_call_echoes(over: Over) {
    let channel = over.probe(Probe::echo()).await;
    let reply = channel.unary(UNARY, note("hello")).await.unwrap();
    assert_eq!(reply.into_inner(), note("hello"));
}

async fn a_server_streams(over: Over) {
    let channel = over.probe(Probe::echo()).await;
    let asked = Note {
        number: 3,
        ..note("again")
    };
    let replies = channel.server_streaming(SERVER_STREAMING, asked.clone());
    let replies: Vec<_> = replies
        .await
        .unwrap()
        .into_inner()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(replies, [asked.clone(), asked.clone(), asked]);
}

async fn a_client_streams(over: Over) {
    let channel = over.probe(Probe::echo()).await;
    let notes = stream::iter([note("a"), note("b"), note("c")]);
    let reply = channel
        .client_streaming(CLIENT_STREAMING, notes)
        .await
        .unwrap();
    assert_eq!(reply.into_inner().text, "a,b,c");
}

async fn bidi_streams_take_turns(over: Over) {
    let channel = over.probe(Probe::echo()).await;
    let (say, said) = mpsc::channel(1);
    let heard = channel.bidi_streaming(BIDI, ReceiverStream::new(said));
    let mut heard = heard.await.unwrap().into_inner();
    for turn in 0..10 {
        say.send(note(&turn.to_string())).await.unwrap();
        let reply = heard.message().await.unwrap().unwrap();
        assert_eq!(reply.text, turn.to_string());
    }
    drop(say);
    assert_eq!(heard.message().await.unwrap(), None);
    assert_eq!(
        heard.message().await.unwrap(),
        None,
        "the end stays the end"
    );
}

async fn streams_may_be_empty(over: Over) {
    let channel = over.probe(Probe::echo()).await;
    let reply = channel
        .client_streaming(CLIENT_STREAMING, stream::empty())
        .await
        .unwrap();
    assert_eq!(reply.into_inner().text, "");
    let replies = channel
        .server_streaming(SERVER_STREAMING, Note::default())
        .await
        .unwrap();
    assert_eq!(replies.into_inner().count().await, 0);
    let replies = channel.bidi_streaming(BIDI, stream::empty()).await.unwrap();
    assert_eq!(replies.into_inner().count().await, 0);
}

async fn messages_may_be_empty(over: Over) {
    let channel = over.probe(Probe::echo()).await;
    let reply = channel.unary(UNARY, Note::default()).await.unwrap();
    assert_eq!(reply.into_inner(), Note::default());
    let notes = stream::iter([Note::default(), Note::default()]);
    let replies = channel.bidi_streaming(BIDI, notes).await.unwrap();
    let replies: Vec<_> = replies.into_inner().try_collect().await.unwrap();
    assert_eq!(replies, [Note::default(), Note::default()]);
}

async fn messages_may_be_large(over: Over) {
    let channel = over.probe(Probe::echo()).await;
    let large = Note {
        payload: (0..3_000_000u32).map(|i| i as u8).collect(),
        ..Note::default()
    };
    let reply = channel.unary(UNARY, large.clone()).await.unwrap();
    assert!(reply.into_inner() == large);
    let notes = stream::iter([large.clone(), note("small"), large.clone()]);
    let replies = channel.bidi_streaming(BIDI, notes).await.unwrap();
    let replies: Vec<_> = replies.into_inner().try_collect().await.unwrap();
    assert!(replies == [large.clone(), note("small"), large]);
}

async fn streams_may_be_long(over: Over) {
    let channel = over.probe(Probe::echo()).await;
    let numbered = |number| Note {
        number,
        ..Note::default()
    };
    let replies = channel.bidi_streaming(BIDI, stream::iter((0..5_000).map(numbered)));
    let mut replies = replies.await.unwrap().into_inner();
    for expected in 0..5_000 {
        assert_eq!(replies.message().await.unwrap().unwrap().number, expected);
    }
    assert_eq!(replies.message().await.unwrap(), None);
}

async fn a_handler_may_reply_before_it_has_read(over: Over) {
    let probe = Probe::echo().client_streaming(|_| async { Ok(note("enough").into()) });
    let channel = over.probe(probe).await;
    let (alive, gone) = alive();
    let endless = stream::repeat_with(move || {
        let _held = &alive;
        Note {
            payload: vec![0; 10_000],
            ..Note::default()
        }
    });
    let reply = channel
        .client_streaming(CLIENT_STREAMING, endless)
        .await
        .unwrap();
    assert_eq!(reply.into_inner().text, "enough");
    gone.wait().await;
}

async fn a_handler_may_refuse_before_it_has_read(over: Over) {
    let refused = || cordial_runtime::Status::permission_denied("not you");
    let probe = Probe::echo()
        .client_streaming(move |_| async move { Err(refused()) })
        .bidi(move |_| async move { Err(refused()) });
    let channel = over.probe(probe).await;
    let silent = || stream::pending::<Note>();
    let status = channel
        .client_streaming(CLIENT_STREAMING, silent())
        .await
        .unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (refused().code(), "not you")
    );
    let status = channel.bidi_streaming(BIDI, silent()).await.unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (refused().code(), "not you")
    );
}

async fn a_handler_sees_the_end_of_the_request(over: Over) {
    let probe = Probe::echo().bidi(|request| async {
        let mut notes = request.into_inner();
        let mut count = 0;
        while notes.message().await?.is_some() {
            count += 1;
        }
        let last = Note {
            number: count,
            ..Note::default()
        };
        Ok(Response::new(stream::iter([Ok(last)]).boxed()))
    });
    let channel = over.probe(probe).await;
    let notes = stream::iter([note("a"), note("b")]);
    let mut replies = channel
        .bidi_streaming(BIDI, notes)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(replies.message().await.unwrap().unwrap().number, 2);
}

/// All hundred handlers must run at once, or none ends.
async fn many_calls_share_a_channel(over: Over) {
    let all = Arc::new(Barrier::new(100));
    let probe = Probe::echo().unary(move |request| {
        let all = all.clone();
        async move {
            all.wait().await;
            Ok(request.into_inner().into())
        }
    });
    let channel = over.probe(probe).await;
    let calls = (0..100u64).map(|number| {
        let channel = channel.clone();
        tokio::spawn(async move {
            let asked = Note {
                number,
                ..Note::default()
            };
            channel
                .unary(UNARY, asked)
                .await
                .unwrap()
                .into_inner()
                .number
        })
    });
    for (expected, call) in calls.collect::<Vec<_>>().into_iter().enumerate() {
        assert_eq!(call.await.unwrap(), expected as u64);
    }
}

async fn the_peer_is_known(over: Over) {
    let probe = Probe::echo().unary(move |request| async move {
        match (over, request.peer().map(Peer::address)) {
            (Over::Wire, Some(PeerAddress::Tcp(address))) if address.ip().is_loopback() => {}
            (Over::InProcess | Over::Name, Some(PeerAddress::InProcess)) => {}
            (_, peer) => panic!("{peer:?}"),
        }
        Ok(request.into_inner().into())
    });
    let channel = over.probe(probe).await;
    channel.unary(UNARY, note("who")).await.unwrap();
}
