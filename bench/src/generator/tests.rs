//! The generator counts what is right, and nothing else.

use super::{Generator, Load, Plan, Shape, Source, drive::Tally};
use crate::{
    Result,
    echo::Method,
    http2::{
        frame::{self, Frame},
        hpack,
    },
    measure::{Beside, Payload, Workload},
    stacks::Stack,
};
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    time::Duration,
};

/// Serves `stack` in this process; its address.
fn serve(stack: Stack) -> String {
    let (address, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = bench_host::Threads::Current.runtime().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            address.send(listener.local_addr().unwrap()).unwrap();
            stack.serve_here(listener).await.unwrap();
        });
    });
    told.recv().unwrap().to_string()
}

const SHORT: Duration = Duration::from_millis(50);

/// Goes on until `enough`; a machine may be busy with something else.
fn run_until(generator: &mut Generator, enough: impl Fn(&Tally) -> bool) -> Result {
    for _ in 0..1_000 {
        generator.run(SHORT)?;
        if generator.tallies.iter().all(&enough) {
            return Ok(());
        }
    }
    Err("nothing came of it for a minute".into())
}

#[test]
fn every_workload_runs_against_stock_tonic() {
    let address = serve(Stack::Tonic);
    let loads = [Load::InFlight(300), Load::PerSecond(1_000.0)];
    let unary = loads.map(|load| [Payload::Small, Payload::Kibi64].map(|size| (load, size)));
    let mut workloads: Vec<_> = unary
        .into_iter()
        .flatten()
        .map(|(load, size)| Workload::of(Method::Echo, size, load))
        .collect();
    for method in [Method::Repeat, Method::Feed, Method::PingPong] {
        for payload in [Payload::Small, Payload::Kibi] {
            workloads.push(Workload::of(method, payload, Load::InFlight(2)));
        }
    }
    workloads.push(Workload {
        connections: 3,
        beside: Some(Beside {
            method: Method::Wait,
            load: Load::PerSecond(1_000.0),
            same_connection: true,
        }),
        ..workloads[0]
    });
    for workload in workloads {
        let mut generator = Generator::new(&address, &workload.sources().unwrap()).unwrap();
        let run = run_until(&mut generator, |tally| tally.messages > 0);
        run.unwrap_or_else(|error| panic!("{}: {error}", workload.name()));
        generator.count_unfinished();
        for tally in &generator.tallies {
            assert_eq!(tally.failed, 0, "{}", workload.name());
        }
    }
}

#[test]
fn the_floor_answers_as_a_server_does() {
    let address = serve(Stack::Floor);
    for payload in [Payload::Small, Payload::Kibi64] {
        let workload = Workload::of(Method::Echo, payload, Load::InFlight(64));
        let mut generator = Generator::new(&address, &workload.sources().unwrap()).unwrap();
        run_until(&mut generator, |tally| tally.messages > 64).unwrap();
    }
}

#[test]
fn calls_that_never_end_count_with_the_time_they_took() {
    let address = scripted(|_| Vec::new());
    let mut generator = generator(&address, Load::PerSecond(1_000.0)).unwrap();
    generator.run(SHORT).unwrap();
    assert_eq!(generator.tallies[0].latencies.len(), 0);
    generator.count_unfinished();
    let latencies = &generator.tallies[0].latencies;
    assert!(latencies.len() >= 50, "{}", latencies.len());
    assert!(latencies.max() >= 49_000_000, "{}", latencies.max());
}

const MESSAGE: &[u8] = b"\0\0\0\0\x04abcd";

fn generator(address: &str, load: Load) -> Result<Generator> {
    let plan = Plan {
        path: "/a.B/C",
        shape: Shape::Replies { count: 1 },
        request: MESSAGE.to_vec(),
        reply: MESSAGE.to_vec(),
    };
    let source = Source {
        plan,
        load,
        connections: 0..1,
    };
    Generator::new(address, &[source])
}

/// A server of one connection that answers each request with what `answer`
/// makes of its stream; its address.
fn scripted(answer: impl Fn(u32) -> Vec<u8> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || converse(listener.accept().unwrap().0, answer));
    address
}

/// Goes on until the client has heard enough.
fn converse(mut socket: TcpStream, answer: impl Fn(u32) -> Vec<u8>) -> Option<()> {
    let mut settings = Vec::new();
    frame::settings(&mut settings, &[]);
    socket.write_all(&settings).ok()?;
    let mut input = Vec::new();
    let mut preface = [0; frame::PREFACE.len()];
    socket.read_exact(&mut preface).ok()?;
    loop {
        let mut output = Vec::new();
        while let Some((frame, length)) = Frame::first(&input) {
            if frame.kind == frame::DATA && frame.has(frame::END_STREAM) {
                output.extend(answer(frame.stream));
            }
            input.drain(..length);
        }
        socket.write_all(&output).ok()?;
        let mut chunk = [0; 1_000];
        let count = socket.read(&mut chunk).ok().filter(|count| *count > 0)?;
        input.extend_from_slice(&chunk[..count]);
    }
}

/// Headers, one message and trailers, as told.
fn reply(stream: u32, status: &str, message: &[u8], grpc_status: &str) -> Vec<u8> {
    let mut output = Vec::new();
    let mut fields = |flags, name, value| {
        let mut block = Vec::new();
        hpack::literal(&mut block, name, value);
        frame::head(&mut output, block.len(), frame::HEADERS, flags, stream);
        output.extend(block);
        std::mem::take(&mut output)
    };
    let headers = fields(frame::END_HEADERS, ":status", status);
    let last = frame::END_HEADERS | frame::END_STREAM;
    let trailers = fields(last, "grpc-status", grpc_status);
    let mut data = Vec::new();
    frame::head(&mut data, message.len(), frame::DATA, 0, stream);
    data.extend_from_slice(message);
    [headers, data, trailers].concat()
}

/// Calls that ended well, and calls that failed.
fn outcome(answer: impl Fn(u32) -> Vec<u8> + Send + 'static) -> Result<(u64, u64)> {
    let mut generator = generator(&scripted(answer), Load::InFlight(4))?;
    run_until(&mut generator, |tally| tally.messages + tally.failed > 4)?;
    let tally = &generator.tallies[0];
    Ok((tally.messages, tally.failed))
}

#[test]
fn only_a_right_reply_is_a_success() {
    let (right, failed) = outcome(|stream| reply(stream, "200", MESSAGE, "0")).unwrap();
    assert!(right > 4 && failed == 0, "{right} {failed}");
    let (right, failed) = outcome(|stream| reply(stream, "200", b"", "14")).unwrap();
    assert!(right == 0 && failed > 4, "{right} {failed}");
}

#[test]
fn a_wrong_reply_ends_the_measurement() {
    let error = |answer: fn(u32) -> Vec<u8>| outcome(answer).unwrap_err().to_string();
    let short = error(|stream| reply(stream, "200", &MESSAGE[..8], "0"));
    assert_eq!(short, "a call ended well after 8 bytes");
    let other = error(|stream| reply(stream, "200", b"\0\0\0\0\x04abcx", "0"));
    assert_eq!(other, "a reply is not what it must be");
    let http = error(|stream| reply(stream, "503", MESSAGE, "0"));
    assert!(http.contains("503"), "{http}");
    let cut = error(|stream| {
        let mut output = Vec::new();
        frame::head(&mut output, 4, frame::RST_STREAM, 0, stream);
        output.extend(2u32.to_be_bytes());
        output
    });
    assert_eq!(cut, "the server reset a call with code 2");
}

#[test]
fn a_refused_call_fails_alone() {
    let (right, failed) = outcome(|stream| {
        let mut output = Vec::new();
        frame::head(&mut output, 4, frame::RST_STREAM, 0, stream);
        output.extend(frame::REFUSED_STREAM.to_be_bytes());
        output
    })
    .unwrap();
    assert!(right == 0 && failed > 4, "{right} {failed}");
}
