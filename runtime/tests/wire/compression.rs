//! Who compresses what, and only if the other end can read it.

use crate::{
    UNARY, call_of,
    common::{raw::*, *},
    raw,
};
use cordial_runtime::{Compression, Request, Response, Server, Status};
use futures_util::{StreamExt, TryStreamExt, stream};
use prost::Message;

fn long() -> Note {
    note(&"all work and no play ".repeat(500))
}

/// What a server with gzip by default sends to a client that reads `accept`.
async fn sent(server: Server, accept: &[&'static str]) -> (Option<String>, u8) {
    let (_serving, client) = raw(server).await;
    let mut request = call_of(UNARY);
    for list in accept {
        request
            .headers_mut()
            .append("grpc-accept-encoding", list.parse().unwrap());
    }
    let answer = within(client.call(request, &frame(0, &long().encode_to_vec())))
        .await
        .unwrap();
    assert_eq!(answer.code(), 0);
    let encoding = answer.head.headers.get("grpc-encoding");
    (
        encoding.map(|name| name.to_str().unwrap().into()),
        answer.data[0],
    )
}

fn gzips() -> Server {
    Server::new()
        .compression(Compression::Gzip)
        .add(Probe::echo().routes())
}

#[tokio::test]
async fn a_server_compresses_only_what_the_client_reads() {
    let gzip = (Some("gzip".into()), 1);
    assert_eq!(sent(gzips(), &["gzip"]).await, gzip);
    assert_eq!(sent(gzips(), &["identity,deflate , gzip"]).await, gzip);
    assert_eq!(sent(gzips(), &["identity", "gzip"]).await, gzip);
    for cannot in [&[][..], &["identity"], &["zstd,deflate"], &["gzip2"], &[""]] {
        assert_eq!(sent(gzips(), cannot).await, (None, 0), "{cannot:?}");
    }
}

#[tokio::test]
async fn a_server_compresses_only_when_told() {
    let plain = Server::new().add(Probe::echo().routes());
    assert_eq!(sent(plain, &["gzip"]).await, (None, 0));
}

#[tokio::test]
async fn a_handler_may_choose() {
    let server = |choice| {
        let probe = Probe::echo().unary(move |request: Request<Note>| async move {
            Ok(Response::new(request.into_inner()).with_compression(choice))
        });
        Server::new()
            .compression(Compression::Gzip)
            .add(probe.routes())
    };
    assert_eq!(sent(server(None), &["gzip"]).await, (None, 0));
    let zstd = Some(Compression::Zstd);
    assert_eq!(
        sent(server(zstd), &["gzip,zstd"]).await,
        (Some("zstd".into()), 1)
    );
    assert_eq!(sent(server(zstd), &["gzip"]).await, (None, 0));
}

#[tokio::test]
async fn both_ends_compress_every_way() {
    for compression in [Compression::Gzip, Compression::Deflate, Compression::Zstd] {
        let probe = Probe::echo().unary(move |request| async move {
            match request.compression() == Some(compression) {
                true => Ok(request.into_inner().into()),
                false => Err(Status::internal(format!("{:?}", request.compression()))),
            }
        });
        let server = Server::new().compression(compression).add(probe.routes());
        let serving = Serving::start(server).await;
        let channel = serving.channel().with_compression(compression);
        let reply = within(channel.unary(UNARY_METHOD, long()).into_future())
            .await
            .unwrap();
        assert_eq!(reply.compression(), Some(compression));
        assert_eq!(reply.into_inner(), long());
        let notes = stream::iter([long(), note(""), long()]);
        let replies = channel.bidi_streaming(BIDI, notes).await.unwrap();
        let replies = replies
            .into_inner()
            .map_ok(|note| note.text.len())
            .collect::<Vec<_>>();
        let replies: Vec<_> = within(replies)
            .await
            .into_iter()
            .map(Result::unwrap)
            .collect();
        assert_eq!(replies, [long().text.len(), 0, long().text.len()]);
    }
}

use crate::common::UNARY as UNARY_METHOD;

#[tokio::test]
async fn a_call_may_leave_its_message_as_it_is() {
    let probe = Probe::echo().unary(|request| async move {
        assert_eq!(request.compression(), None);
        Ok(request.into_inner().into())
    });
    let serving = Serving::start(Server::new().add(probe.routes())).await;
    let channel = serving.channel().with_compression(Compression::Gzip);
    let call = channel.unary(UNARY_METHOD, long()).compression(None);
    assert_eq!(
        within(call.into_future()).await.unwrap().into_inner(),
        long()
    );
}
