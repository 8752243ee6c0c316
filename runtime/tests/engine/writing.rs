//! What is read while much is written, and headers that follow resizes.

use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

const LARGE: usize = 8 << 20;

/// The socket is full of one reply; what comes meanwhile is heard all the same.
#[tokio::test]
async fn a_peer_speaks_while_a_large_reply_is_written() {
    let serving = serve(limits(), sized()).await;
    let mut frames = connect(&serving, WINDOW_MAX, WINDOW_MAX).await;
    frames
        .write(&settings(&[(MAX_FRAME_SIZE, (1 << 24) - 1)]))
        .await;
    frames.write(&asking(1, UNARY.path(), LARGE as u64)).await;
    assert_eq!(within(frames.next_of(HEADERS)).await.unwrap().stream, 1);
    // More than one read of the server takes.
    for stream in (3..43).step_by(2) {
        let call = Frames::opening(stream, CLIENT_STREAMING.path());
        let note = note(&"x".repeat(5_000));
        let message = frame(0, &prost::Message::encode_to_vec(&note));
        let data = Frames::framed(DATA, END_STREAM, stream, &message);
        frames.write(&[call, data].concat()).await;
    }
    frames.write(&asking(43, UNARY.path(), LARGE as u64)).await;
    let (mut bytes, mut ended) = ([0; 44], 0);
    while ended < 22 {
        let frame = within(frames.next()).await.unwrap();
        assert!(![GOAWAY, RST_STREAM].contains(&frame.kind), "{frame:?}");
        assert!(frame.payload.len() <= 64 << 10, "others would wait for it");
        let stream = frame.stream as usize;
        if frame.kind == DATA {
            bytes[stream] += frame.payload.len();
        }
        ended += usize::from(stream > 0 && frame.flags & END_STREAM != 0);
    }
    assert_eq!(bytes[1], reply_bytes(LARGE));
    assert_eq!(bytes[43], reply_bytes(LARGE));
    assert!((3..43).step_by(2).all(|stream| bytes[stream] > 5_000));
    pong(&mut frames).await;
}

/// So much waits to be written that nothing more is read, for a while.
#[tokio::test]
async fn what_was_not_read_is_read_later() {
    const PINGS: usize = 60_000;
    let limits = limits().with_ping_strikes_max(u32::MAX);
    let serving = serve(limits, sized()).await;
    let mut frames = connect(&serving, WINDOW_MAX, WINDOW_MAX).await;
    frames.write(&asking(1, UNARY.path(), LARGE as u64)).await;
    within(frames.next_of(HEADERS)).await.unwrap();
    let (read, mut write) = frames.0.split();
    let mut read = tokio::io::BufReader::new(read);
    let speak = async {
        let ping = Frames::framed(PING, 0, 0, &[7; 8]);
        write.write_all(&ping.repeat(PINGS)).await.unwrap();
        let call = asking(3, UNARY.path(), 1_000);
        write.write_all(&call).await.unwrap();
    };
    let listen = async {
        let (mut bytes, mut pongs, mut ended) = (0, 0, 0);
        while ended < 2 {
            let frame = next(&mut read).await.expect("the connection goes on");
            let (kind, flags, stream) = (frame[3], frame[4], frame[8]);
            assert_ne!(kind, GOAWAY);
            pongs += usize::from(kind == PING && flags == ACK);
            if stream == 1 && kind == DATA {
                bytes += frame.len() - 9;
            }
            ended += usize::from(stream > 0 && flags & END_STREAM != 0);
        }
        // The last PING came before the last call.
        (bytes, pongs)
    };
    let (_, heard) = within(async { tokio::join!(speak, listen) }).await;
    assert_eq!(heard, (reply_bytes(LARGE), PINGS));
}

/// Passes bytes on between a client and a server, and says SETTINGS of its own
/// to the server, whose ACK the client does not see.
struct Between {
    client: tokio::io::ReadHalf<DuplexStream>,
    server: tokio::net::tcp::OwnedWriteHalf,
}

impl Between {
    async fn start(serving: &Serving) -> (Self, DuplexStream) {
        let tcp = tokio::net::TcpStream::connect(serving.address())
            .await
            .unwrap();
        let (client, ours) = tokio::io::duplex(64 << 10);
        let (from_client, mut to_client) = tokio::io::split(ours);
        let (mut from_server, server) = tcp.into_split();
        tokio::spawn(async move {
            let mut acknowledged = 0;
            while let Some(frame) = next(&mut from_server).await {
                if frame[3] == SETTINGS && frame[4] == ACK {
                    acknowledged += 1;
                    if acknowledged > 1 {
                        continue;
                    }
                }
                if to_client.write_all(&frame).await.is_err() {
                    return;
                }
            }
        });
        let between = Self {
            client: from_client,
            server,
        };
        (between, client)
    }

    /// Says what it is told to each time, before the client's next request.
    fn say_before_requests(mut self, says: Vec<Vec<u8>>) {
        let mut says = says.into_iter();
        tokio::spawn(async move {
            let mut preface = [0; PREFACE.len()];
            self.client.read_exact(&mut preface).await.unwrap();
            self.server.write_all(&preface).await.unwrap();
            while let Some(frame) = next(&mut self.client).await {
                if frame[3] == HEADERS
                    && let Some(said) = says.next()
                {
                    self.server.write_all(&said).await.unwrap();
                }
                self.server.write_all(&frame).await.unwrap();
            }
        });
    }
}

/// The bytes of the next frame.
async fn next(io: &mut (impl tokio::io::AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let mut frame = vec![0; 9];
    io.read_exact(&mut frame).await.ok()?;
    let length = u32::from_be_bytes([0, frame[0], frame[1], frame[2]]) as usize;
    frame.resize(9 + length, 0);
    io.read_exact(&mut frame[9..]).await.ok()?;
    Some(frame)
}

/// A decoder that is not ours follows every size the table had.
#[tokio::test]
async fn header_tables_of_every_size() {
    let serving = serve(limits(), Probe::echo()).await;
    let (between, io) = Between::start(&serving).await;
    let size = |bytes| (HEADER_TABLE_SIZE, bytes);
    between.say_before_requests(vec![
        // Nothing at first: the table fills.
        Vec::new(),
        settings(&[size(0), size(4_096)]),
        settings(&[size(0)]),
        Vec::new(),
        settings(&[size(4_096)]),
        [settings(&[size(0)]), settings(&[size(100)])].concat(),
        settings(&[size(44), size(4_000), size(60)]),
        settings(&[size(u32::MAX)]),
    ]);
    let client = RawClient::over(io).await;
    for round in 0..12 {
        let request = http::Request::post(format!("http://x{}", UNARY.path()))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(())
            .unwrap();
        let answer = within(client.call(request, &frame(0, b""))).await;
        let answer = answer.unwrap_or_else(|error| panic!("round {round}: {error}"));
        assert_eq!(answer.head.headers["content-type"], "application/grpc");
        assert_eq!(answer.trailers["grpc-status"], "0", "round {round}");
    }
}
