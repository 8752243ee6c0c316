//! Stock tonic, as it comes. Only that it reads gzip is not its default, since
//! it would be spared a row.

use super::{
    handlers::{self, Running},
    message::{Count, Note},
};
use crate::Result;
use futures_util::{StreamExt, stream::BoxStream};
use stub::target_server::TargetServer;
use tokio::net::TcpListener;
use tonic::{
    Request, Response, Status, Streaming,
    codec::CompressionEncoding,
    transport::{Server, server::TcpIncoming},
};

#[allow(missing_docs, unreachable_pub, clippy::all)]
mod stub {
    include!(concat!(env!("OUT_DIR"), "/floods.v1.Target.rs"));
}

struct Target;

type Answer<T> = std::result::Result<Response<T>, Status>;

#[tonic::async_trait]
impl stub::target_server::Target for Target {
    type EndlessStream = BoxStream<'static, std::result::Result<Note, Status>>;

    async fn echo(&self, request: Request<Note>) -> Answer<Note> {
        Ok(Response::new(request.into_inner()))
    }

    async fn large(&self, _: Request<Note>) -> Answer<Note> {
        Ok(Response::new(handlers::large()))
    }

    async fn slow(&self, _: Request<Note>) -> Answer<Note> {
        Ok(Response::new(handlers::slow().await))
    }

    async fn endless(&self, _: Request<Note>) -> Answer<Self::EndlessStream> {
        Ok(Response::new(handlers::endless().map(Ok).boxed()))
    }

    async fn collect(&self, request: Request<Streaming<Note>>) -> Answer<Note> {
        let _running = Running::start();
        let mut notes = request.into_inner();
        let mut number = 0;
        while notes.message().await?.is_some() {
            number += 1;
        }
        Ok(Response::new(Note {
            number,
            ..Note::default()
        }))
    }

    async fn unread(&self, request: Request<Streaming<Note>>) -> Answer<Note> {
        let _held = request;
        Ok(Response::new(handlers::slow().await))
    }

    async fn count(&self, _: Request<Note>) -> Answer<Count> {
        Ok(Response::new(handlers::count()))
    }
}

pub(super) async fn serve(listener: TcpListener) -> Result {
    // What `Server::serve` does with a listener of its own.
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let service = TargetServer::new(Target).accept_compressed(CompressionEncoding::Gzip);
    let server = Server::builder().add_service(service);
    Ok(server.serve_with_incoming(incoming).await?)
}
