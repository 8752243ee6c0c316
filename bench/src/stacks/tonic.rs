//! Stock tonic, as it comes.

use super::caller::Caller;
use crate::{
    Result,
    echo::{self, Echo, Repetition},
};
use std::pin::Pin;
use stub::{echoes_client::EchoesClient, echoes_server};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::{
    Request, Response, Status, Streaming,
    transport::{Channel, Endpoint, Server, server::TcpIncoming},
};

#[allow(missing_docs, unreachable_pub, clippy::all)]
mod stub {
    include!(concat!(env!("OUT_DIR"), "/bench.v1.Echoes.rs"));
}

struct Echoes;

type Reply<T> = std::result::Result<Response<T>, Status>;
type Echoing = Pin<Box<dyn Stream<Item = std::result::Result<Echo, Status>> + Send>>;

#[tonic::async_trait]
impl echoes_server::Echoes for Echoes {
    type RepeatStream = Echoing;
    type FeedStream = Echoing;
    type PingPongStream = Echoing;

    async fn echo(&self, request: Request<Echo>) -> Reply<Echo> {
        Ok(Response::new(request.into_inner()))
    }

    async fn wait(&self, request: Request<Echo>) -> Reply<Echo> {
        tokio::time::sleep(echo::WAIT).await;
        Ok(Response::new(request.into_inner()))
    }

    async fn compute(&self, request: Request<Echo>) -> Reply<Echo> {
        echo::compute();
        Ok(Response::new(request.into_inner()))
    }

    async fn repeat(&self, request: Request<Repetition>) -> Reply<Echoing> {
        let echoes = request.into_inner().echoes().map(Ok);
        Ok(Response::new(Box::pin(tokio_stream::iter(echoes))))
    }

    async fn feed(&self, request: Request<Repetition>) -> Reply<Echoing> {
        let (sender, echoes) = mpsc::channel(echo::FED);
        tokio::spawn(async move {
            for echo in request.into_inner().echoes() {
                sender.send(Ok(echo)).await?;
            }
            Result::Ok(())
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(echoes))))
    }

    async fn ping_pong(&self, request: Request<Streaming<Echo>>) -> Reply<Echoing> {
        Ok(Response::new(Box::pin(request.into_inner())))
    }
}

pub(super) async fn serve(listener: TcpListener) -> Result {
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
