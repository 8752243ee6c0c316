//! The other end of whoever is measured: bare `h2` on one thread, so that it
//! is not what limits a measurement, and the same for both who are measured.

use super::{caller::Caller, message::Echo};
use crate::Result;
use bytes::{Bytes, BytesMut};
use h2::{RecvStream, client::SendRequest, server::SendResponse};
use http::{HeaderMap, HeaderValue, Request, Response, header};
use prost::Message;
use tokio::net::{TcpListener, TcpStream};

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

#[derive(Clone)]
pub(crate) struct Lean {
    connection: SendRequest<Bytes>,
    request: Request<()>,
    data: Bytes,
    payload_bytes: usize,
}

impl Lean {
    pub(crate) async fn to(address: &str, payload_bytes: usize) -> Result<Self> {
        let tcp = TcpStream::connect(address).await?;
        tcp.set_nodelay(true)?;
        let (connection, driver) = h2::client::Builder::new()
            .initial_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .handshake::<_, Bytes>(tcp)
            .await?;
        tokio::spawn(driver);

        let request = Request::post(format!("http://{address}/bench.v1.Echoes/Echo"))
            .version(http::Version::HTTP_2)
            .header(header::CONTENT_TYPE, GRPC)
            .header(header::TE, "trailers")
            .header(header::USER_AGENT, "grpc-bench/0.1")
            .body(())?;
        let message = Echo::of(payload_bytes).encode_to_vec();
        let mut data = Vec::with_capacity(PREFIX_BYTES + message.len());
        data.push(0);
        data.extend(u32::try_from(message.len())?.to_be_bytes());
        data.extend(message);
        Ok(Self {
            connection,
            request,
            data: data.into(),
            payload_bytes,
        })
    }
}

impl Caller for Lean {
    async fn call(&mut self) -> Result<usize> {
        self.connection = self.connection.clone().ready().await?;
        let (response, mut body) = self.connection.send_request(self.request.clone(), false)?;
        body.send_data(self.data.clone(), true)?;
        let (data, trailers) = read(response.await?.into_body()).await?;
        let status = trailers.as_ref().and_then(|all| all.get("grpc-status"));
        if status.is_none_or(|status| status != "0") {
            return Err(format!("the call ended with grpc-status {status:?}").into());
        }
        if data != self.data {
            return Err(format!("{} bytes came back, not the same", data.len()).into());
        }
        Ok(self.payload_bytes)
    }
}
