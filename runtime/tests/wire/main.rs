//! What goes over the wire, bit by bit: `h2` talks to our server, and answers
//! our channel, as no peer of ours would.

#[path = "../common/mod.rs"]
mod common;

mod channel_hears;
mod channel_sends;
mod compression;
mod connections;
mod server_messages;
mod server_requests;

use common::{Serving, raw::RawClient};
use cordial_runtime::Server;
use http::{Method, Request, Uri, uri::PathAndQuery};

/// A request that is a call of `path`.
fn call_of(path: &str) -> Request<()> {
    let path: PathAndQuery = path.parse().unwrap();
    let mut parts = Uri::from_static("http://localhost/").into_parts();
    parts.path_and_query = Some(path);
    let mut request = Request::new(());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = Uri::from_parts(parts).unwrap();
    let headers = request.headers_mut();
    headers.insert("content-type", "application/grpc".parse().unwrap());
    headers.insert("te", "trailers".parse().unwrap());
    request
}

/// The same with one more header.
fn call_with(path: &str, name: &'static str, value: &str) -> Request<()> {
    let mut request = call_of(path);
    request.headers_mut().append(name, value.parse().unwrap());
    request
}

/// The compressions that a message may come in.
const ACCEPTED: &str = match cfg!(feature = "br") {
    true => "gzip,deflate,zstd,br,identity",
    false => "gzip,deflate,zstd,identity",
};

const UNARY: &str = "/test.v1.Probe/Unary";

/// A server and a raw client of it.
async fn raw(server: Server) -> (Serving, RawClient) {
    let serving = Serving::start(server).await;
    let client = RawClient::connect(serving.address()).await;
    (serving, client)
}
