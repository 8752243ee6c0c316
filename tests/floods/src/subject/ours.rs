//! Our server, as it comes.

use super::{
    handlers::{self, Running},
    message::{Count, Note},
    page::PageLayer,
};
use crate::Result;
use cordial_runtime::{
    BoxStream, Method, Request, Response, Result as Answer, Routes, Server, Streaming,
};
use futures_util::StreamExt;
use tokio::net::TcpListener;

const SERVICE: &str = "floods.v1.Target";
pub(crate) const ECHO: Method<Note, Note> = Method::unary("/floods.v1.Target/Echo");
pub(crate) const LARGE: Method<Note, Note> = Method::unary("/floods.v1.Target/Large");
pub(crate) const SLOW: Method<Note, Note> = Method::unary("/floods.v1.Target/Slow");
pub(crate) const ENDLESS: Method<Note, Note> =
    Method::server_streaming("/floods.v1.Target/Endless");
pub(crate) const COLLECT: Method<Note, Note> =
    Method::client_streaming("/floods.v1.Target/Collect");
pub(crate) const UNREAD: Method<Note, Note> = Method::client_streaming("/floods.v1.Target/Unread");
pub(crate) const COUNT: Method<Note, Count> = Method::unary("/floods.v1.Target/Count");

struct Target;

impl Target {
    async fn echo(&self, request: Request<Note>) -> Answer<Response<Note>> {
        Ok(request.into_inner().into())
    }

    async fn large(&self, _: Request<Note>) -> Answer<Response<Note>> {
        Ok(handlers::large().into())
    }

    async fn slow(&self, _: Request<Note>) -> Answer<Response<Note>> {
        Ok(handlers::slow().await.into())
    }

    async fn endless(&self, _: Request<Note>) -> Answer<Response<BoxStream<Note>>> {
        Ok(Response::new(handlers::endless().map(Ok).boxed()))
    }

    async fn collect(&self, request: Request<Streaming<Note>>) -> Answer<Response<Note>> {
        let _running = Running::start();
        let mut notes = request.into_inner();
        let mut number = 0;
        while notes.message().await?.is_some() {
            number += 1;
        }
        Ok(Note {
            number,
            ..Note::default()
        }
        .into())
    }

    async fn unread(&self, request: Request<Streaming<Note>>) -> Answer<Response<Note>> {
        let _held = request;
        Ok(handlers::slow().await.into())
    }

    async fn count(&self, _: Request<Note>) -> Answer<Response<Count>> {
        Ok(handlers::count().into())
    }
}

pub(super) async fn serve(listener: TcpListener, page: bool) -> Result {
    let routes = Routes::new(SERVICE, Target)
        .unary(ECHO, Target::echo)
        .unary(LARGE, Target::large)
        .unary(SLOW, Target::slow)
        .server_streaming(ENDLESS, Target::endless)
        .client_streaming(COLLECT, Target::collect)
        .client_streaming(UNREAD, Target::unread)
        .unary(COUNT, Target::count);
    let server = Server::new().add(routes);
    let server = match page {
        true => server.http_layer(PageLayer),
        false => server,
    };
    Ok(server.serve(listener).await?)
}
