//! The HTTP/2 engine as its peers see it: what they may do without harm, and
//! what becomes of those who harm.

#[path = "../common/mod.rs"]
mod common;

mod ends;
mod fairness;
mod honest;
mod house;
mod windows;
mod writing;

use common::{raw::*, *};
use cordial_runtime::{Limits, Response, Server};
use std::time::Duration;

const DATA: u8 = 0;
const WINDOW_UPDATE: u8 = 8;
const ACK: u8 = 1;

const HEADER_TABLE_SIZE: u16 = 1;
const INITIAL_WINDOW_SIZE: u16 = 4;
const MAX_FRAME_SIZE: u16 = 5;

const WINDOW_MAX: u32 = i32::MAX as u32;
const WINDOW_DEFAULT: u32 = 65_535;

/// ENHANCE_YOUR_CALM, as RST_STREAM and GOAWAY spell it.
const CALM: [u8; 4] = [0, 0, 0, 11];

const SHORT: Duration = Duration::from_millis(60);

fn limits() -> Limits {
    Limits::default()
}

async fn serve(limits: Limits, probe: Probe) -> Serving {
    Serving::start(Server::new().limits(limits).add(probe.routes())).await
}

/// Unary calls are answered with as many bytes as their number says.
fn sized() -> Probe {
    Probe::echo().unary(|request| async move {
        let payload = vec![1; request.into_inner().number as usize];
        Ok(Response::new(Note {
            payload,
            ..Note::default()
        }))
    })
}

/// Bytes of the frames of a note of `payload` bytes.
fn reply_bytes(payload: usize) -> usize {
    let note = Note {
        payload: vec![1; payload],
        ..Note::default()
    };
    5 + prost::Message::encoded_len(&note)
}

fn settings(settings: &[(u16, u32)]) -> Vec<u8> {
    let mut payload = Vec::new();
    for (id, value) in settings {
        payload.extend(id.to_be_bytes());
        payload.extend(value.to_be_bytes());
    }
    Frames::framed(SETTINGS, 0, 0, &payload)
}

fn window_update(stream: u32, bytes: u32) -> Vec<u8> {
    Frames::framed(WINDOW_UPDATE, 0, stream, &bytes.to_be_bytes())
}

/// A whole call of a method that takes one note: it asks for `number`.
fn asking(stream: u32, path: &str, number: u64) -> Vec<u8> {
    let note = Note {
        number,
        ..Note::default()
    };
    let message = frame(0, &prost::Message::encode_to_vec(&note));
    let mut call = Frames::opening(stream, path);
    call.extend(Frames::framed(DATA, END_STREAM, stream, &message));
    call
}

/// A client whose windows are `stream` for each call and `connection` for all.
async fn connect(serving: &Serving, stream: u32, connection: u32) -> Frames {
    let mut frames = Frames::connect(serving.address()).await;
    frames.0.set_nodelay(true).unwrap();
    frames
        .write(&settings(&[(INITIAL_WINDOW_SIZE, stream)]))
        .await;
    if connection > WINDOW_DEFAULT {
        let more = connection - WINDOW_DEFAULT;
        frames.write(&window_update(0, more)).await;
    }
    frames
}

/// Reads until `stream` has ended; the bytes of its data.
async fn whole(frames: &mut Frames, stream: u32) -> usize {
    let mut bytes = 0;
    loop {
        let frame = within(frames.next()).await.expect("the connection goes on");
        assert_ne!(frame.kind, GOAWAY, "{frame:?}");
        if frame.stream != stream {
            continue;
        }
        assert_ne!(frame.kind, RST_STREAM, "{frame:?}");
        if frame.kind == DATA {
            bytes += frame.payload.len();
        }
        if frame.flags & END_STREAM != 0 {
            return bytes;
        }
    }
}

/// What was sent before has been read once this is answered.
async fn pong(frames: &mut Frames) {
    frames.send(PING, 0, 0, b"are you?").await;
    loop {
        let frame = within(frames.next()).await.expect("the connection goes on");
        assert_ne!(frame.kind, GOAWAY, "{frame:?}");
        if frame.kind == PING && frame.payload == b"are you?" {
            return assert_eq!(frame.flags, ACK);
        }
    }
}
