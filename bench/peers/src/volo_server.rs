//! volo-grpc, as it comes.

use bench_host::Result;
use stub::{Echoes, EchoesServer, Message, Repetition};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_stream::wrappers::ReceiverStream;
use volo::net::incoming::DefaultIncoming;
use volo_grpc::{
    BoxStream, RecvStream, Request, Response, Status,
    server::{Server, ServiceBuilder},
};

#[allow(warnings, clippy::all)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/volo.rs"));
}
use generated::volo::bench::v1 as stub;

type Reply<T> = std::result::Result<Response<T>, Status>;
type Echoing = BoxStream<'static, std::result::Result<Message, Status>>;

struct Service;

impl Echoes for Service {
    async fn echo(&self, request: Request<Message>) -> Reply<Message> {
        Ok(Response::new(request.into_inner()))
    }

    async fn wait(&self, request: Request<Message>) -> Reply<Message> {
        tokio::time::sleep(crate::WAIT).await;
        Ok(Response::new(request.into_inner()))
    }

    async fn compute(&self, request: Request<Message>) -> Reply<Message> {
        crate::compute();
        Ok(Response::new(request.into_inner()))
    }

    async fn repeat(&self, request: Request<Repetition>) -> Reply<Echoing> {
        let Repetition { payload, count } = request.into_inner();
        let echo = Message { payload };
        let echoes = std::iter::repeat_n(echo, count as usize).map(Ok);
        Ok(Response::new(Box::pin(tokio_stream::iter(echoes))))
    }

    async fn feed(&self, request: Request<Repetition>) -> Reply<Echoing> {
        let Repetition { payload, count } = request.into_inner();
        let echo = Message { payload };
        let (sender, echoes) = mpsc::channel(crate::FED);
        tokio::spawn(async move {
            for echo in std::iter::repeat_n(echo, count as usize) {
                sender.send(Ok(echo)).await?;
            }
            Result::Ok(())
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(echoes))))
    }

    async fn ping_pong(&self, request: Request<RecvStream<Message>>) -> Reply<Echoing> {
        Ok(Response::new(Box::pin(request.into_inner())))
    }
}

pub(crate) async fn serve(listener: TcpListener) -> Result {
    let service = ServiceBuilder::new(EchoesServer::new(Service)).build();
    let server = Server::new().add_service(service);
    server.run(DefaultIncoming::from(listener)).await
}
