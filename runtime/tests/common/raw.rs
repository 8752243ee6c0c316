//! HTTP/2 without us: a client and a server by the `h2` crate, and bare frames.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, Response};
use std::{
    future::{Future, poll_fn},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A message with the prefix gRPC puts before it.
pub fn frame(flag: u8, message: &[u8]) -> Bytes {
    frame_of(flag, message.len() as u32, message)
}

/// The same with a length of its own.
pub fn frame_of(flag: u8, length: u32, message: &[u8]) -> Bytes {
    let mut frame = BytesMut::from(&[flag][..]);
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(message);
    frame.freeze()
}

/// What came back for one request.
#[derive(Debug)]
pub struct Answer {
    pub head: http::response::Parts,
    pub data: Bytes,
    pub trailers: HeaderMap,
}

impl Answer {
    /// `grpc-status`, wherever it stands.
    pub fn code(&self) -> i32 {
        let status = self.trailers.get("grpc-status");
        let status = status.or_else(|| self.head.headers.get("grpc-status"));
        status.map_or(-1, |status| status.to_str().unwrap().parse().unwrap())
    }
}

/// A client that sends what it is told.
pub struct RawClient {
    pub send: h2::client::SendRequest<Bytes>,
    task: JoinHandle<()>,
}

impl RawClient {
    pub async fn connect(address: &str) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap()).await
    }

    pub async fn over(io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Self {
        let (send, connection) = h2::client::handshake(io).await.unwrap();
        let task = tokio::spawn(async {
            let _ = connection.await;
        });
        Self { send, task }
    }

    pub async fn open(
        &self,
        request: Request<()>,
        end: bool,
    ) -> (h2::client::ResponseFuture, h2::SendStream<Bytes>) {
        let mut send = self.send.clone().ready().await.unwrap();
        send.send_request(request, end).unwrap()
    }

    /// Sends `body` in one piece and waits for the whole answer.
    pub async fn call(&self, request: Request<()>, body: &[u8]) -> Result<Answer, h2::Error> {
        let (response, mut stream) = self.open(request, false).await;
        // The server may have answered already, and want no body.
        let _ = stream.send_data(Bytes::copy_from_slice(body), true);
        answer(response.await?).await
    }
}

pub async fn answer(response: Response<h2::RecvStream>) -> Result<Answer, h2::Error> {
    let (head, mut body) = response.into_parts();
    let mut data = BytesMut::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk?;
        let _ = body.flow_control().release_capacity(chunk.len());
        data.extend_from_slice(&chunk);
    }
    let trailers = body.trailers().await?.unwrap_or_default();
    Ok(Answer {
        head,
        data: data.freeze(),
        trailers,
    })
}

impl Drop for RawClient {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One request at a raw server.
pub struct Asked {
    /// Which connection it came on, from 0.
    pub connection: usize,
    pub request: Request<h2::RecvStream>,
    pub respond: h2::server::SendResponse<Bytes>,
    /// What the connection should do.
    pub orders: tokio::sync::mpsc::Sender<Order>,
}

/// What becomes of a connection.
#[derive(Debug)]
pub enum Order {
    /// Say GOAWAY, and let the calls in flight end.
    GoAway,
    /// Close at once.
    Break,
    /// Stay open, and neither read nor write any more.
    Hang,
}

/// A server that answers as it is told, on a free port.
pub struct RawServer {
    pub uri: String,
    task: JoinHandle<()>,
}

impl RawServer {
    pub async fn start<F>(answer: impl Fn(Asked) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}", listener.local_addr().unwrap());
        let answer = Arc::new(answer);
        let connections = AtomicUsize::new(0);
        let task = tokio::spawn(async move {
            let mut serving = tokio::task::JoinSet::new();
            while let Ok((tcp, _)) = listener.accept().await {
                let connection = connections.fetch_add(1, Ordering::SeqCst);
                serving.spawn(serve(tcp, connection, answer.clone()));
            }
        });
        Self { uri, task }
    }
}

async fn serve<F>(tcp: TcpStream, connection: usize, answer: Arc<impl Fn(Asked) -> F>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut http = h2::server::handshake(tcp).await.unwrap();
    let (orders, mut ordered) = tokio::sync::mpsc::channel(1);
    loop {
        tokio::select! {
            accepted = http.accept() => match accepted {
                Some(Ok((request, respond))) => {
                    let orders = orders.clone();
                    tokio::spawn(answer(Asked { connection, request, respond, orders }));
                }
                _ => return,
            },
            Some(order) = ordered.recv() => match order {
                Order::GoAway => http.graceful_shutdown(),
                Order::Break => return,
                Order::Hang => std::future::pending().await,
            },
        }
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Bare HTTP/2 frames on a socket.
pub struct Frames(pub TcpStream);

#[derive(Debug, PartialEq)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;

impl Frames {
    /// A connection that has said hello.
    pub async fn connect(address: &str) -> Self {
        let mut frames = Self(TcpStream::connect(address).await.unwrap());
        frames.0.write_all(PREFACE).await.unwrap();
        frames.send(SETTINGS, 0, 0, &[]).await;
        frames
    }

    /// The bytes of a frame.
    pub fn framed(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let mut frame = (payload.len() as u32).to_be_bytes()[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend_from_slice(payload);
        frame
    }

    /// The bytes that begin a call of `path`, whose request stays open.
    pub fn opening(stream: u32, path: &str) -> Vec<u8> {
        let mut block = Vec::new();
        for (name, value) in [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", path),
            (":authority", "x"),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
        ] {
            // A literal that is not indexed and not Huffman-coded.
            block.push(0);
            for text in [name, value] {
                block.push(text.len() as u8);
                block.extend_from_slice(text.as_bytes());
            }
        }
        Self::framed(HEADERS, END_HEADERS, stream, &block)
    }

    pub async fn write(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    pub async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.write(&Self::framed(kind, flags, stream, payload))
            .await;
    }

    pub async fn begin(&mut self, stream: u32, path: &str) {
        self.write(&Self::opening(stream, path)).await;
    }

    /// The next frame; `None` at the end of the connection.
    pub async fn next(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).await.ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        self.0.read_exact(&mut payload).await.ok()?;
        Some(Frame {
            kind: head[3],
            flags: head[4],
            stream: u32::from_be_bytes([head[5], head[6], head[7], head[8]]),
            payload,
        })
    }

    /// The next frame of a kind, the others skipped.
    pub async fn next_of(&mut self, kind: u8) -> Option<Frame> {
        loop {
            match self.next().await {
                Some(frame) if frame.kind != kind => continue,
                found => return found,
            }
        }
    }
}

/// Ends when the peer resets the stream.
pub async fn reset(stream: &mut h2::SendStream<Bytes>) -> h2::Reason {
    poll_fn(|cx| stream.poll_reset(cx)).await.unwrap()
}
