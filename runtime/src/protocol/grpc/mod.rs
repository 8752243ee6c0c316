//! gRPC over HTTP/2, on both sides.

mod client;
mod headers;
mod server;
mod timed;

pub(crate) use client::{read_response, request, response, stamp};
pub(super) use headers::{ACCEPT_ENCODING, ENCODING, is_grpc, is_grpc_json};
pub(crate) use server::{announced, respond_status};
pub(super) use server::{answer, ending, read_deadline};
pub(crate) use timed::answer_in_time;
