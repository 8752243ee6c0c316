//! Cordial, as it comes.

use super::caller::Caller;
use crate::{Result, echo};
use cordial::{BoxStream, Channel, Request, Response, Server, Streaming};
use pb::{EchoesClient, Message, Repetition};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_stream::wrappers::ReceiverStream;

mod pb {
    cordial::include_protos!("bench.v1");
}

struct Echoes;

type Reply<T> = cordial::Result<Response<T>>;

impl pb::Echoes for Echoes {
    async fn echo(&self, request: Request<Message>) -> Reply<Message> {
        Ok(request.into_inner().into())
    }

    async fn wait(&self, request: Request<Message>) -> Reply<Message> {
        tokio::time::sleep(echo::WAIT).await;
        Ok(request.into_inner().into())
    }

    async fn compute(&self, request: Request<Message>) -> Reply<Message> {
        echo::compute();
        Ok(request.into_inner().into())
    }

    async fn repeat(&self, request: Request<Repetition>) -> Reply<BoxStream<Message>> {
        let Repetition { payload, count } = request.into_inner();
        let echoes = std::iter::repeat_n(Message { payload }, count as usize);
        Ok(Response::new(Box::pin(tokio_stream::iter(echoes.map(Ok)))))
    }

    async fn feed(&self, request: Request<Repetition>) -> Reply<BoxStream<Message>> {
        let Repetition { payload, count } = request.into_inner();
        let (sender, echoes) = mpsc::channel(echo::FED);
        tokio::spawn(async move {
            for message in std::iter::repeat_n(Message { payload }, count as usize) {
                sender.send(Ok(message)).await?;
            }
            Result::Ok(())
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(echoes))))
    }

    async fn ping_pong(&self, request: Request<Streaming<Message>>) -> Reply<BoxStream<Message>> {
        Ok(Response::new(Box::pin(request.into_inner())))
    }
}

pub(super) async fn serve(listener: TcpListener) -> Result {
    let server = Server::new().add(pb::echoes_server(Echoes));
    Ok(server.serve(listener).await?)
}

pub(super) async fn serve_per_core(listener: TcpListener) -> Result {
    let server = Server::new().add(pb::echoes_server(Echoes));
    Ok(server.per_core().serve(listener).await?)
}

#[derive(Clone)]
pub(crate) struct Ours {
    client: EchoesClient,
    message: Message,
}

impl Ours {
    pub(crate) fn to(address: &str, payload_bytes: usize) -> Result<Self> {
        let payload = echo::Echo::of(payload_bytes).payload;
        Ok(Self {
            client: EchoesClient::new(Channel::to(format!("http://{address}"))?),
            message: Message { payload },
        })
    }
}

impl Caller for Ours {
    async fn call(&mut self) -> Result<usize> {
        let reply = self.client.echo(self.message.clone()).await?;
        Ok(reply.into_inner().payload.len())
    }
}
