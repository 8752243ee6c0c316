//! How calls end badly: code, message, details and metadata arrive as sent.

use crate::{Over, common::*, over_each};
use cordial_runtime::{Code, Response, Status};
use futures_util::{StreamExt, stream};

over_each! {
    every_code_arrives
    every_message_arrives
    details_and_metadata_arrive
    each_kind_can_refuse
    a_stream_can_fail_after_messages
    a_failed_stream_brings_its_trailers
    a_handler_can_fail_while_it_reads
    ok_without_a_reply_is_internal
}

async fn every_code_arrives(over: Over) {
    let probe = Probe::echo().unary(|request| async move {
        let code = Code::from(request.get_ref().number as i32);
        Err(Status::new(code, request.into_inner().text))
    });
    let channel = over.probe(probe).await;
    for number in 1..=16 {
        let asked = Note {
            number,
            ..note("because")
        };
        let status = channel.unary(UNARY, asked).await.unwrap_err();
        assert_eq!(status.code(), Code::from(number as i32));
        assert_eq!(status.message(), "because");
    }
}

async fn every_message_arrives(over: Over) {
    let probe = Probe::echo()
        .unary(|request| async move { Err(Status::aborted(request.into_inner().text)) });
    let channel = over.probe(probe).await;
    for text in [
        "",
        "a, b; c=\"d\"",
        "100%",
        "%zz %41",
        "line one\nline two\r\n\ttab",
        "Grüße, 世界 🦀",
        "\u{0}\u{7f}",
        &"long ".repeat(500),
    ] {
        let status = channel.unary(UNARY, note(text)).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::Aborted, text));
    }
}

async fn details_and_metadata_arrive(over: Over) {
    let details: Vec<u8> = (0..=255).collect();
    let sent = details.clone();
    let probe = Probe::echo().unary(move |_| {
        let mut status = Status::with_details(Code::Internal, "broken", sent.clone().into());
        status
            .metadata_mut()
            .append("x-why", "one".parse().unwrap());
        status
            .metadata_mut()
            .append("x-why", "two".parse().unwrap());
        async move { Err(status) }
    });
    let channel = over.probe(probe).await;
    let status = channel.unary(UNARY, note("")).await.unwrap_err();
    assert_eq!(status.details(), details);
    let why: Vec<_> = status.metadata().get_all("x-why").iter().collect();
    assert_eq!(why, ["one", "two"]);
}

async fn each_kind_can_refuse(over: Over) {
    let refused = || Status::with_details(Code::DataLoss, "gone ✗", "why".into());
    let probe = Probe::echo()
        .unary(move |_| async move { Err(refused()) })
        .server_streaming(move |_| async move { Err(refused()) })
        .client_streaming(move |_| async move { Err(refused()) })
        .bidi(move |_| async move { Err(refused()) });
    let channel = over.probe(probe).await;
    let notes = || stream::iter([note("a")]);
    for status in [
        channel.unary(UNARY, note("")).await.unwrap_err(),
        channel
            .server_streaming(SERVER_STREAMING, note(""))
            .await
            .unwrap_err(),
        channel
            .client_streaming(CLIENT_STREAMING, notes())
            .await
            .unwrap_err(),
        channel.bidi_streaming(BIDI, notes()).await.unwrap_err(),
    ] {
        assert_eq!(
            (status.code(), status.message()),
            (Code::DataLoss, "gone ✗")
        );
        assert_eq!(status.details(), b"why");
    }
}

async fn a_stream_can_fail_after_messages(over: Over) {
    let failing = || {
        let failed = Status::with_details(Code::OutOfRange, "no more: 50 %", "d".into());
        stream::iter([Ok(note("a")), Ok(note("b")), Err(failed), Ok(note("never"))]).boxed()
    };
    let probe = Probe::echo()
        .server_streaming(move |_| async move { Ok(Response::new(failing())) })
        .bidi(move |_| async move { Ok(Response::new(failing())) });
    let channel = over.probe(probe).await;
    let one = channel
        .server_streaming(SERVER_STREAMING, note(""))
        .await
        .unwrap();
    let two = channel
        .bidi_streaming(BIDI, stream::pending())
        .await
        .unwrap();
    for mut replies in [one.into_inner(), two.into_inner()] {
        assert_eq!(replies.message().await.unwrap().unwrap().text, "a");
        assert_eq!(replies.message().await.unwrap().unwrap().text, "b");
        let status = replies.message().await.unwrap_err();
        assert_eq!(
            (status.code(), status.message()),
            (Code::OutOfRange, "no more: 50 %")
        );
        assert_eq!(status.details(), b"d");
        assert_eq!(
            replies.message().await.unwrap(),
            None,
            "a status is said once"
        );
    }
}

async fn a_failed_stream_brings_its_trailers(over: Over) {
    let probe = Probe::echo().server_streaming(|_| async {
        let mut status = Status::unavailable("later");
        status
            .metadata_mut()
            .insert("x-of-status", "1".parse().unwrap());
        let mut response = Response::new(stream::iter([Err(status)]).boxed());
        response
            .trailers_mut()
            .insert("x-of-reply", "1".parse().unwrap());
        Ok(response)
    });
    let channel = over.probe(probe).await;
    let replies = channel
        .server_streaming(SERVER_STREAMING, note(""))
        .await
        .unwrap();
    let status = replies.into_inner().trailers().await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(status.metadata().get("x-of-status").unwrap(), "1");
    assert_eq!(status.metadata().get("x-of-reply").unwrap(), "1");
}

async fn a_handler_can_fail_while_it_reads(over: Over) {
    let probe = Probe::echo().client_streaming(|request| async {
        let mut notes = request.into_inner();
        while let Some(note) = notes.message().await? {
            if note.text == "bad" {
                return Err(Status::invalid_argument("`bad` is bad"));
            }
        }
        Ok(note("fine").into())
    });
    let channel = over.probe(probe).await;
    let notes = stream::iter([note("good"), note("bad")]).chain(stream::pending());
    let status = channel
        .client_streaming(CLIENT_STREAMING, notes)
        .await
        .unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (Code::InvalidArgument, "`bad` is bad")
    );
}

async fn ok_without_a_reply_is_internal(over: Over) {
    let probe = Probe::echo()
        .unary(|_| async { Err(Status::ok("fine")) })
        .client_streaming(|_| async { Err(Status::ok("")) });
    let channel = over.probe(probe).await;
    let status = channel.unary(UNARY, note("")).await.unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    let status = channel
        .client_streaming(CLIENT_STREAMING, stream::empty())
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Internal);
}
