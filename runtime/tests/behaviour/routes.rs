//! Which handler a call reaches, and what it hears if there is none.

use crate::{Over, common::*, over_each};
use cordial_runtime::{Code, Method, Request, Response, Result, Routes, Server, Streaming};
use futures_util::{StreamExt, stream};

over_each! {
    an_unknown_method_is_unimplemented
    an_unknown_service_is_unimplemented
    a_server_may_serve_nothing
    two_services_are_two
    the_ends_may_have_types_of_their_own
}

async fn an_unknown_method_is_unimplemented(over: Over) {
    let channel = over.probe(Probe::echo()).await;
    let none: Method<Note, Note> = Method::unary("/test.v1.Probe/None");
    let status = channel.unary(none, note("")).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    assert_eq!(
        status.message(),
        "service `test.v1.Probe` has no method `None`"
    );
}

async fn an_unknown_service_is_unimplemented(over: Over) {
    let channel = over.probe(Probe::echo()).await;
    let none: Method<Note, Note> = Method::bidi_streaming("/test.v2.Probe/Bidi");
    let status = channel
        .bidi_streaming(none, stream::pending())
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    assert_eq!(
        status.message(),
        "no service `test.v2.Probe` is served here"
    );
}

async fn a_server_may_serve_nothing(over: Over) {
    let channel = over.reach(Server::new()).await;
    let status = channel.unary(UNARY, note("")).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
}

struct Other;

impl Other {
    async fn unary(&self, _: Request<Note>) -> Result<Response<Note>> {
        Ok(note("other").into())
    }
}

const OTHER: Method<Note, Note> = Method::unary("/test.v1.Other/Unary");

async fn two_services_are_two(over: Over) {
    let server = Server::new()
        .add(Probe::echo().routes())
        .add(Routes::new("test.v1.Other", Other).unary(OTHER, Other::unary));
    let channel = over.reach(server).await;
    let one = channel.unary(UNARY, note("probe")).await.unwrap();
    let two = channel.unary(OTHER, note("probe")).await.unwrap();
    assert_eq!(
        (&*one.get_ref().text, &*two.get_ref().text),
        ("probe", "other")
    );
}

/// As another crate would have made it from the same .proto.
#[derive(Clone, PartialEq, prost::Message)]
struct Twin {
    #[prost(string, tag = "1")]
    text: String,
    #[prost(uint64, tag = "2")]
    number: u64,
}

async fn the_ends_may_have_types_of_their_own(over: Over) {
    let channel = over.probe(Probe::echo()).await;
    let twin = |number| Twin {
        text: "twin".into(),
        number,
    };
    let unary: Method<Twin, Twin> = Method::unary(UNARY.path());
    let reply = channel.unary(unary, twin(7)).await.unwrap();
    assert_eq!(reply.into_inner(), twin(7));
    let bidi: Method<Twin, Twin> = Method::bidi_streaming(BIDI.path());
    let replies = channel.bidi_streaming(bidi, stream::iter([twin(1), twin(2)]));
    let replies: Vec<_> = replies.await.unwrap().into_inner().collect().await;
    let replies: Vec<_> = replies.into_iter().map(Result::unwrap).collect();
    assert_eq!(replies, [twin(1), twin(2)]);
}

/// A handler is a function: no server is needed to test one.
#[tokio::test]
async fn a_handler_can_be_called_directly() {
    struct Sum;
    impl Sum {
        async fn sum(&self, request: Request<Streaming<Note>>) -> Result<Response<Note>> {
            let mut notes = request.into_inner();
            let mut number = 0;
            while let Some(note) = notes.message().await? {
                number += note.number;
            }
            Ok(Note {
                number,
                ..Note::default()
            }
            .into())
        }
    }
    let numbered = |number| Note {
        number,
        ..Note::default()
    };
    let notes = Streaming::new(stream::iter([Ok(numbered(2)), Ok(numbered(3))]));
    let reply = Sum.sum(Request::new(notes)).await.unwrap();
    assert_eq!(reply.into_inner().number, 5);
    let broken = cordial_runtime::Status::cancelled("the client went away");
    let notes = Streaming::new(stream::iter([Ok(numbered(2)), Err(broken)]));
    let status = Sum.sum(Request::new(notes)).await.unwrap_err();
    assert_eq!(status.code(), Code::Cancelled);
}
