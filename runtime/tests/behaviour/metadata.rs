//! Metadata before and after the messages, both ways.

use crate::{Over, common::*, over_each};
use cordial_runtime::{
    Code, Request, Response, Status,
    metadata::{MetadataMap, MetadataValue},
};
use futures_util::{StreamExt, stream};

over_each! {
    a_request_carries_metadata
    a_reply_carries_metadata
    trailers_follow_a_reply
    trailers_follow_a_stream
    an_ok_status_brings_trailers
    an_ok_status_may_come_first
    reserved_keys_never_leak_to_the_handler
    reserved_keys_never_leak_to_the_caller
    keys_that_cannot_travel_are_refused
    extensions_never_travel
}

/// Every reserved key, with a value that would do harm.
const RESERVED: [&str; 12] = [
    "te",
    "content-type",
    "content-length",
    "connection",
    "transfer-encoding",
    "host",
    "grpc-timeout",
    "grpc-encoding",
    "grpc-accept-encoding",
    "grpc-status",
    "grpc-message",
    "keep-alive",
];

fn poison(metadata: &mut MetadataMap) {
    for key in RESERVED {
        metadata.insert(key, "7".parse().unwrap());
    }
    metadata.insert_bin("grpc-status-details-bin", MetadataValue::from_bytes(b"x"));
    metadata.insert("x-mine", "kept".parse().unwrap());
}

fn is_clean(metadata: &MetadataMap) -> bool {
    assert_eq!(metadata.get("x-mine").unwrap(), "kept");
    let details = metadata.get_bin("grpc-status-details-bin");
    RESERVED.iter().all(|key| metadata.get(*key).is_none()) && details.is_none()
}

fn bytes() -> Vec<u8> {
    (0..=255).collect()
}

async fn a_request_carries_metadata(over: Over) {
    let probe = Probe::echo().unary(|request| async move {
        let metadata = request.metadata();
        assert_eq!(metadata.get("x-one").unwrap(), "1");
        let colours: Vec<_> = metadata.get_all("x-colour").iter().collect();
        assert_eq!(colours, ["red", "blue"]);
        let raw: Vec<_> = metadata.get_all_bin("x-raw-bin").iter().collect();
        assert_eq!(raw[0].to_bytes().unwrap(), bytes());
        assert_eq!(raw[1].to_bytes().unwrap(), "");
        Ok(note("seen").into())
    });
    let channel = over.probe(probe).await;
    let call = channel
        .unary(UNARY, note(""))
        .metadata("x-one", "1")
        .metadata("x-colour", "red")
        .metadata("x-colour", "blue")
        .metadata_bin("x-raw-bin", &bytes())
        .metadata_bin("x-raw-bin", b"");
    assert_eq!(call.await.unwrap().into_inner().text, "seen");
}

async fn a_reply_carries_metadata(over: Over) {
    let fill = |metadata: &mut MetadataMap| {
        metadata.append("x-colour", "red".parse().unwrap());
        metadata.append("x-colour", "blue".parse().unwrap());
        metadata.insert_bin("x-raw-bin", MetadataValue::from_bytes(&bytes()));
    };
    let probe = Probe::echo()
        .unary(move |request| async move {
            let mut response = Response::new(request.into_inner());
            fill(response.metadata_mut());
            Ok(response)
        })
        .server_streaming(move |_| async move {
            let mut response = Response::new(stream::pending().boxed());
            fill(response.metadata_mut());
            Ok(response)
        });
    let check = |metadata: &MetadataMap| {
        let colours: Vec<_> = metadata.get_all("x-colour").iter().collect();
        assert_eq!(colours, ["red", "blue"]);
        let raw = metadata.get_bin("x-raw-bin").unwrap();
        assert_eq!(raw.to_bytes().unwrap(), bytes());
    };
    let channel = over.probe(probe).await;
    let reply = channel.unary(UNARY, note("")).await.unwrap();
    check(reply.metadata());
    assert!(reply.trailers().is_empty());
    // It comes before the first message, which here never comes.
    let replies = channel
        .server_streaming(SERVER_STREAMING, note(""))
        .await
        .unwrap();
    check(replies.metadata());
}

async fn trailers_follow_a_reply(over: Over) {
    let probe = Probe::echo().unary(|request| async {
        let mut response = Response::new(request.into_inner());
        response
            .trailers_mut()
            .append("x-cost", "1".parse().unwrap());
        response
            .trailers_mut()
            .append("x-cost", "2".parse().unwrap());
        Ok(response)
    });
    let channel = over.probe(probe).await;
    let reply = channel.unary(UNARY, note("")).await.unwrap();
    let costs: Vec<_> = reply.trailers().get_all("x-cost").iter().collect();
    assert_eq!(costs, ["1", "2"]);
    assert!(reply.metadata().get("x-cost").is_none());
}

async fn trailers_follow_a_stream(over: Over) {
    let probe = Probe::echo().server_streaming(|_| async {
        let notes = stream::iter([Ok(note("a")), Ok(note("b"))]);
        let mut response = Response::new(notes.boxed());
        let value = MetadataValue::from_bytes(&bytes());
        response.trailers_mut().insert_bin("x-sum-bin", value);
        Ok(response)
    });
    let channel = over.probe(probe).await;
    let replies = channel
        .server_streaming(SERVER_STREAMING, note(""))
        .await
        .unwrap();
    let mut replies = replies.into_inner();
    assert_eq!(replies.message().await.unwrap().unwrap().text, "a");
    // Waits for the end, and discards what is not yet read.
    let trailers = replies.trailers().await.unwrap();
    assert_eq!(
        trailers.get_bin("x-sum-bin").unwrap().to_bytes().unwrap(),
        bytes()
    );
    assert_eq!(replies.message().await.unwrap(), None);
}

fn well(key: &'static str) -> Status {
    let mut metadata = MetadataMap::new();
    metadata.insert(key, "yes".parse().unwrap());
    Status::with_metadata(Code::Ok, "", metadata)
}

async fn an_ok_status_brings_trailers(over: Over) {
    let probe = Probe::echo().bidi(|_| async {
        let notes = stream::iter([Ok(note("a")), Err(well("x-late")), Ok(note("never"))]);
        let mut response = Response::new(notes.boxed());
        response
            .trailers_mut()
            .insert("x-early", "yes".parse().unwrap());
        Ok(response)
    });
    let channel = over.probe(probe).await;
    let replies = channel.bidi_streaming(BIDI, stream::empty()).await.unwrap();
    let mut replies = replies.into_inner();
    assert_eq!(replies.message().await.unwrap().unwrap().text, "a");
    assert_eq!(replies.message().await.unwrap(), None);
    let trailers = replies.trailers().await.unwrap();
    assert_eq!(trailers.get("x-early").unwrap(), "yes");
    assert_eq!(trailers.get("x-late").unwrap(), "yes");
}

async fn an_ok_status_may_come_first(over: Over) {
    let probe = Probe::echo().server_streaming(|_| async { Err(well("x-only")) });
    let channel = over.probe(probe).await;
    let replies = channel
        .server_streaming(SERVER_STREAMING, note(""))
        .await
        .unwrap();
    let mut replies = replies.into_inner();
    assert_eq!(replies.message().await.unwrap(), None);
    assert_eq!(
        replies.trailers().await.unwrap().get("x-only").unwrap(),
        "yes"
    );
}

async fn reserved_keys_never_leak_to_the_handler(over: Over) {
    let probe = Probe::echo().unary(|request| async move {
        assert!(is_clean(request.metadata()), "{:?}", request.metadata());
        let left = request.deadline().map(|deadline| deadline.remaining());
        let default = std::time::Duration::from_secs(50);
        assert!(left > Some(default), "metadata set the deadline: {left:?}");
        Ok(request.into_inner().into())
    });
    let channel = over.probe(probe).await;
    let mut request = Request::new(note("in"));
    poison(request.metadata_mut());
    assert_eq!(
        channel
            .unary(UNARY, request)
            .await
            .unwrap()
            .into_inner()
            .text,
        "in"
    );
}

async fn reserved_keys_never_leak_to_the_caller(over: Over) {
    let probe = Probe::echo()
        .unary(|request| async {
            let mut response = Response::new(request.into_inner());
            poison(response.metadata_mut());
            poison(response.trailers_mut());
            Ok(response)
        })
        .server_streaming(|_| async {
            let mut status = Status::not_found("none");
            poison(status.metadata_mut());
            Err(status)
        })
        .bidi(|_| async {
            let mut status = Status::not_found("none");
            poison(status.metadata_mut());
            Ok(Response::new(stream::iter([Err(status)]).boxed()))
        });
    let channel = over.probe(probe).await;
    let reply = channel.unary(UNARY, note("out")).await.unwrap();
    assert!(is_clean(reply.metadata()), "{:?}", reply.metadata());
    assert!(is_clean(reply.trailers()), "{:?}", reply.trailers());
    let refused = channel
        .server_streaming(SERVER_STREAMING, note(""))
        .await
        .unwrap_err();
    let replies = channel.bidi_streaming(BIDI, stream::empty()).await.unwrap();
    let ended = replies.into_inner().message().await.unwrap_err();
    for status in [refused, ended] {
        assert_eq!((status.code(), status.message()), (Code::NotFound, "none"));
        assert_eq!(status.details(), b"");
        assert!(is_clean(status.metadata()), "{:?}", status.metadata());
    }
}

async fn keys_that_cannot_travel_are_refused(over: Over) {
    let channel = over.probe(Probe::echo()).await;
    let call = || channel.unary(UNARY, note(""));
    for (call, word) in [
        (call().metadata("x y", "1"), "`x y`"),
        (call().metadata("x-bin", "1"), "`x-bin`"),
        (call().metadata("x", "a\nb"), "`x`"),
        (call().metadata_bin("x", b"1"), "`-bin`"),
    ] {
        let status = call.await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().contains(word), "{status:?}");
    }
}

#[derive(Clone)]
struct Secret;

async fn extensions_never_travel(over: Over) {
    let probe = Probe::echo().unary(|request| async move {
        assert!(request.extensions().get::<Secret>().is_none());
        let mut response = Response::new(request.into_inner());
        response.extensions_mut().insert(Secret);
        Ok(response)
    });
    let channel = over.probe(probe).await;
    let mut request = Request::new(note(""));
    request.extensions_mut().insert(Secret);
    let reply = channel.unary(UNARY, request).await.unwrap();
    assert!(reply.extensions().get::<Secret>().is_none());
}
