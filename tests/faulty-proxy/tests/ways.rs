//! Each fault, as the two ends of a connection see it.

use faulty_proxy::{Break, Faults, Proxy, Way};
use std::{
    io::ErrorKind,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

const HANG: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_millis(100);
const HELLO: &[u8] = b"0123456789";

/// Both ends of a connection through a proxy.
async fn pair(faults: Faults) -> (Proxy, TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let proxy = Proxy::start_with(address, faults).await.unwrap();
    let client = TcpStream::connect(proxy.address()).await.unwrap();
    let (server, _) = timeout(HANG, listener.accept()).await.unwrap().unwrap();
    (proxy, client, server)
}

fn to_server(way: Way) -> Faults {
    Faults {
        to_server: way,
        ..Faults::default()
    }
}

async fn read(from: &mut TcpStream, bytes: usize) -> Vec<u8> {
    let mut read = vec![0; bytes];
    let reading = timeout(HANG, from.read_exact(&mut read)).await;
    reading.unwrap().unwrap();
    read
}

async fn is_quiet(from: &mut TcpStream) -> bool {
    timeout(SHORT, from.read(&mut [0])).await.is_err()
}

/// Everything up to the end, and how it ended.
async fn rest(from: &mut TcpStream) -> (Vec<u8>, Option<ErrorKind>) {
    let mut read = Vec::new();
    let ended = timeout(HANG, from.read_to_end(&mut read)).await.unwrap();
    (read, ended.err().map(|error| error.kind()))
}

#[tokio::test]
async fn without_faults_everything_passes_both_ways() {
    let (proxy, mut client, mut server) = pair(Faults::default()).await;
    client.write_all(HELLO).await.unwrap();
    assert_eq!(read(&mut server, HELLO.len()).await, HELLO);
    server.write_all(&HELLO[..3]).await.unwrap();
    assert_eq!(read(&mut client, 3).await, &HELLO[..3]);
    assert_eq!(proxy.carried(), (10, 3));
    client.shutdown().await.unwrap();
    assert_eq!(rest(&mut server).await, (vec![], None));
    server.write_all(HELLO).await.unwrap();
    drop(server);
    assert_eq!(rest(&mut client).await, (HELLO.to_vec(), None));
}

#[tokio::test]
async fn a_reset_reaches_both_ends_after_so_many_bytes() {
    let (proxy, mut client, mut server) = pair(to_server(Way::broken(Break::Reset, 4))).await;
    client.write_all(HELLO).await.unwrap();
    // What was not read yet when a reset arrives may be lost: that is TCP.
    let (read, ended) = rest(&mut server).await;
    assert!(HELLO[..4].starts_with(&read), "{read:?}");
    assert_eq!(ended, Some(ErrorKind::ConnectionReset));
    assert_eq!(rest(&mut client).await.1, Some(ErrorKind::ConnectionReset));
    assert_eq!(proxy.carried(), (4, 0));
}

#[tokio::test]
async fn a_reset_that_comes_later_reaches_who_is_quiet() {
    let (proxy, mut client, mut server) = pair(Faults::default()).await;
    assert!(is_quiet(&mut client).await);
    proxy.set(to_server(Way::broken(Break::Reset, 0)));
    assert_eq!(rest(&mut client).await.1, Some(ErrorKind::ConnectionReset));
    assert_eq!(rest(&mut server).await.1, Some(ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn silence_holds_what_comes_until_it_is_over() {
    let (proxy, mut client, mut server) = pair(to_server(Way::broken(Break::Silence, 4))).await;
    client.write_all(HELLO).await.unwrap();
    assert_eq!(read(&mut server, 4).await, &HELLO[..4]);
    assert!(is_quiet(&mut server).await);
    server.write_all(b"!").await.unwrap();
    assert_eq!(read(&mut client, 1).await, b"!");
    proxy.set(Faults::default());
    assert_eq!(read(&mut server, 6).await, &HELLO[4..]);
}

#[tokio::test]
async fn a_half_close_ends_one_direction_alone() {
    let (_proxy, mut client, mut server) = pair(to_server(Way::broken(Break::HalfClose, 4))).await;
    client.write_all(HELLO).await.unwrap();
    assert_eq!(rest(&mut server).await, (HELLO[..4].to_vec(), None));
    server.write_all(HELLO).await.unwrap();
    assert_eq!(read(&mut client, HELLO.len()).await, HELLO);
    client.write_all(HELLO).await.unwrap();
    drop(server);
    assert_eq!(rest(&mut client).await, (vec![], None));
}

#[tokio::test]
async fn delay_and_jitter_keep_the_order() {
    let way = Way {
        jitter: Duration::from_millis(40),
        ..Way::delayed(Duration::from_millis(30))
    };
    let (_proxy, mut client, mut server) = pair(to_server(way)).await;
    let began = Instant::now();
    for byte in HELLO {
        client.write_all(&[*byte]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(read(&mut server, HELLO.len()).await, HELLO);
    assert!(
        began.elapsed() >= Duration::from_millis(40),
        "30 and 10 of writing"
    );
}

#[tokio::test]
async fn a_slow_line_takes_its_time() {
    let way = Way {
        bytes_per_second: Some(100_000),
        ..Way::default()
    };
    let (_proxy, mut client, mut server) = pair(to_server(way)).await;
    let began = Instant::now();
    client.write_all(&[7; 20_000]).await.unwrap();
    assert_eq!(read(&mut server, 20_000).await, [7; 20_000]);
    assert!(
        began.elapsed() >= Duration::from_millis(190),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_server_that_is_not_there_is_not_there_through_a_proxy() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let proxy = Proxy::start(nobody).await.unwrap();
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(rest(&mut client).await.1, Some(ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn dropping_it_cuts_what_goes_through_it() {
    let (proxy, mut client, mut server) = pair(Faults::default()).await;
    drop(proxy);
    rest(&mut client).await;
    rest(&mut server).await;
}
