//! gRPC over HTTP/2: bytes into typed messages and back, on both sides.

mod client;
mod encode;
mod headers;
mod server;
mod timed;

pub(crate) use client::{read_response, request, response, stamp};
pub(crate) use server::{Exchange, announced, answer, respond_status};
pub(crate) use timed::answer_in_time;
