//! The other end of whoever is measured: bare `h2` on one thread, so that it
//! is not what limits a measurement, and the same for both who are measured.

use super::message::Echo;
use crate::Result;
use bytes::{Bytes, BytesMut};
use h2::{RecvStream, server::SendResponse};
use http::{HeaderMap, HeaderValue, Response, header};
use prost::Message;
use tokio::net::TcpListener;

/// What hyper allows a peer too.
const WINDOW_BYTES: u32 = 1 << 20;
const STREAMS_MAX: u32 = 1_000;
const PREFIX_BYTES: usize = 5;
const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");

/// Sends every request's bytes back as they are.
pub(crate) async fn serve(listener: TcpListener) -> Result {
    loop {
        let (tcp, _) = listener.accept().await?;
        tcp.set_nodelay(true)?;
        tokio::spawn(async move {
            let mut builder = h2::server::Builder::new();
            builder
                .initial_window_size(WINDOW_BYTES)
                .initial_connection_window_size(WINDOW_BYTES)
                .max_concurrent_streams(STREAMS_MAX);
            let mut connection = builder.handshake::<_, Bytes>(tcp).await?;
            while let Some(accepted) = connection.accept().await {
                let (request, respond) = accepted?;
                tokio::spawn(answer(request.into_body(), respond));
            }
            Result::Ok(())
        });
    }
}

async fn answer(body: RecvStream, mut respond: SendResponse<Bytes>) -> Result {
    let (data, _) = read(body).await?;
    let mut response = Response::new(());
    response.headers_mut().insert(header::CONTENT_TYPE, GRPC);
    let mut reply = respond.send_response(response, false)?;
    reply.send_data(data, false)?;
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    reply.send_trailers(trailers)?;
    Ok(())
}

/// All of a body, and the trailers after it; copied only if it came in pieces.
async fn read(mut body: RecvStream) -> Result<(Bytes, Option<HeaderMap>)> {
    let mut whole = Bytes::new();
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        whole = match whole.is_empty() {
            true => data,
            false => {
                let mut more = BytesMut::from(whole);
                more.extend_from_slice(&data);
                more.freeze()
            }
        };
    }
    Ok((whole, body.trailers().await?))
}

/// One message on the wire, its length prefix included.
pub(super) fn message(payload_bytes: usize) -> Result<Vec<u8>> {
    let message = Echo::of(payload_bytes).encode_to_vec();
    let length = u32::try_from(message.len())?;
    let mut framed = Vec::with_capacity(PREFIX_BYTES + message.len());
    framed.push(0);
    framed.extend(length.to_be_bytes());
    framed.extend(message);
    Ok(framed)
}
