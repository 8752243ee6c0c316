//! Stock tonic, as it comes.

use super::{caller::Caller, message::Echo};
use crate::Result;
use stub::{echoes_client::EchoesClient, echoes_server};
use tokio::net::TcpListener;
use tonic::{
    Request, Response, Status,
    transport::{Channel, Endpoint, Server, server::TcpIncoming},
};

#[allow(missing_docs, unreachable_pub, clippy::all)]
mod stub {
    include!(concat!(env!("OUT_DIR"), "/bench.v1.Echoes.rs"));
}

struct Echoes;

#[tonic::async_trait]
impl echoes_server::Echoes for Echoes {
    async fn echo(&self, request: Request<Echo>) -> std::result::Result<Response<Echo>, Status> {
        Ok(Response::new(request.into_inner()))
    }
}

pub(crate) async fn serve(listener: TcpListener) -> Result {
    // What `Server::serve` does with a listener of its own.
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let service = echoes_server::EchoesServer::new(Echoes);
    let server = Server::builder().add_service(service);
    Ok(server.serve_with_incoming(incoming).await?)
}

#[derive(Clone)]
pub(crate) struct Theirs {
    client: EchoesClient<Channel>,
    message: Echo,
}

impl Theirs {
    pub(crate) fn to(address: &str, payload_bytes: usize) -> Result<Self> {
        let channel = Endpoint::from_shared(format!("http://{address}"))?.connect_lazy();
        Ok(Self {
            client: EchoesClient::new(channel),
            message: Echo::of(payload_bytes),
        })
    }
}

impl Caller for Theirs {
    async fn call(&mut self) -> Result<usize> {
        let reply = self.client.echo(self.message.clone()).await?;
        Ok(reply.into_inner().payload.len())
    }
}
