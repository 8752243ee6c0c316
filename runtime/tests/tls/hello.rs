//! Hellos that come slowly, in pieces, or not to their end.

use crate::{
    Authority, by_name, call, certificates,
    common::{raw::*, *},
    echo, proves, trusts,
};
use cordial_runtime::{Limit, Limits};
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

const SHORT: Duration = Duration::from_millis(60);

/// What a stock client says first.
async fn hello(authority: &Authority) -> Vec<u8> {
    let (near, mut far) = tokio::io::duplex(64 << 10);
    let shaking = tokio::spawn(shake(authority, near));
    let mut hello = vec![0; 64 << 10];
    let length = far.read(&mut hello).await.unwrap();
    hello.truncate(length);
    shaking.abort();
    hello
}

fn shake<T>(authority: &Authority, io: T) -> impl Future<Output = io::Result<TlsStream<T>>> + use<T>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut config = certificates::client(authority);
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsConnector::from(Arc::new(config)).connect("localhost".try_into().unwrap(), io)
}

/// Sends one byte at a time.
struct Drip(TcpStream);

impl AsyncRead for Drip {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Drip {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, &buf[..buf.len().min(1)])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn a_hello_in_pieces_is_understood() {
    let authority = Authority::new();
    let serving = Serving::start(echo(proves(&authority.server("localhost")))).await;
    let tcp = TcpStream::connect(serving.address()).await.unwrap();
    tcp.set_nodelay(true).unwrap();
    let tls = within(shake(&authority, Drip(tcp))).await.unwrap();
    let client = RawClient::over(tls).await;
    let request = http::Request::post(format!("https://localhost{}", UNARY.path()))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(())
        .unwrap();
    let answer = within(client.call(request, &frame(0, b""))).await.unwrap();
    assert_eq!(answer.code(), 0, "{answer:?}");
}

/// Nothing, the start of a record, and half of a real hello.
#[tokio::test]
async fn a_handshake_may_not_take_for_ever() {
    let authority = Authority::new();
    let hello = hello(&authority).await;
    let limits = Limits::default().with_handshake_timeout(SHORT);
    let server = echo(proves(&authority.server("localhost"))).limits(limits);
    let metrics = server.metrics();
    let serving = Serving::start(server).await;
    for (count, said) in [&b""[..], b"\x16\x03\x01", &hello[..hello.len() / 2]]
        .iter()
        .enumerate()
    {
        let mut tcp = TcpStream::connect(serving.address()).await.unwrap();
        tcp.write_all(said).await.unwrap();
        let mut heard = Vec::new();
        let _ = within(tcp.read_to_end(&mut heard)).await;
        assert_eq!(heard, b"", "{said:?}");
        let timeouts = metrics.times_reached(Limit::HandshakeTimeout);
        assert_eq!(timeouts, 1 + count as u64);
    }
}

/// One that has said its hello and not more holds a place; others wait for it.
/// Those that have said less hold none.
#[tokio::test]
async fn handshakes_beyond_the_limit_wait() {
    let authority = Authority::new();
    let hello = hello(&authority).await;
    let limits = Limits::default().with_handshakes_max(1);
    let server = echo(proves(&authority.server("localhost"))).limits(limits);
    let metrics = server.metrics();
    let serving = Serving::start(server).await;
    let mut half = TcpStream::connect(serving.address()).await.unwrap();
    half.write_all(&hello[..hello.len() / 2]).await.unwrap();
    call(&by_name(&serving, trusts(&authority))).await.unwrap();
    assert_eq!(metrics.times_reached(Limit::HandshakesMax), 0);

    let mut holder = TcpStream::connect(serving.address()).await.unwrap();
    holder.write_all(&hello).await.unwrap();
    // It is answered, so it is in.
    within(holder.read_exact(&mut [0; 1])).await.unwrap();
    let waiting = by_name(&serving, trusts(&authority));
    let waiting = tokio::spawn(async move { call(&waiting).await });
    within(async {
        while metrics.times_reached(Limit::HandshakesMax) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert!(!waiting.is_finished());
    drop(holder);
    within(waiting).await.unwrap().unwrap();
}
