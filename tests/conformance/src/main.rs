//! The server that the conformance suite of Connect calls: it reads from standard input
//! what it should be, serves that, and says where.

mod payload;
mod service;
mod streams;

use cordial::{Bound, Limits, Pem, Server, ServerTls, shutdown_signal};
use pb::{ServerCompatRequest, ServerCompatResponse, TlsCreds, conformance_service_server};
use prost::Message;
use std::{error::Error, process::ExitCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt, stdin, stdout};

mod pb {
    cordial::include_protos!("connectrpc.conformance.v1");
}

/// What is read from standard input is a certificate, a key and some numbers.
const REQUEST_BYTES_MAX: u32 = 1 << 20;

#[tokio::main]
async fn main() -> ExitCode {
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("conformance: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let wanted = read().await?;
    let mut server = Server::new()
        .add(conformance_service_server(service::Conformance))
        .shutdown_on(shutdown_signal());
    if wanted.message_receive_limit > 0 {
        let bytes = wanted.message_receive_limit as usize;
        server = server.limits(Limits::default().with_message_bytes_max(bytes));
    }
    let mut certificate = Vec::new();
    if wanted.use_tls {
        let TlsCreds { cert, key } = wanted.server_creds.ok_or("TLS without a certificate")?;
        let own = (Pem::from(&cert), Pem::from(&key));
        server = server.tls(match &wanted.client_tls_cert[..] {
            [] => ServerTls::new(own.0, own.1)?,
            clients => ServerTls::mutual(own.0, own.1, Pem::from(clients))?,
        });
        certificate = cert;
    }
    let bound = server.bind("127.0.0.1:0").await?;
    tell(&bound, certificate).await?;
    bound.serve().await;
    Ok(())
}

async fn read() -> Result<ServerCompatRequest, Box<dyn Error>> {
    let mut stdin = stdin();
    let length = stdin.read_u32().await?;
    if length > REQUEST_BYTES_MAX {
        return Err(format!("a request of {length} bytes is over {REQUEST_BYTES_MAX}").into());
    }
    let mut request = vec![0; length as usize];
    stdin.read_exact(&mut request).await?;
    Ok(ServerCompatRequest::decode(&request[..])?)
}

async fn tell(bound: &Bound, pem_cert: Vec<u8>) -> Result<(), Box<dyn Error>> {
    let (host, port) = bound.address().rsplit_once(':').ok_or("no port")?;
    let response = ServerCompatResponse {
        host: host.into(),
        port: port.parse()?,
        pem_cert,
    };
    let response = response.encode_to_vec();
    let mut stdout = stdout();
    stdout.write_u32(u32::try_from(response.len())?).await?;
    stdout.write_all(&response).await?;
    Ok(stdout.flush().await?)
}
