//! Cordial, as it comes.

use super::caller::Caller;
use crate::{
    Result,
    echo::{self, Echo, Method as Name, Repetition},
};
use cordial_runtime::{BoxStream, Channel, Method, Request, Response, Routes, Server, Streaming};
use tokio::net::TcpListener;

const ECHO: Method<Echo, Echo> = Method::unary(Name::Echo.path());
const WAIT: Method<Echo, Echo> = Method::unary(Name::Wait.path());
const COMPUTE: Method<Echo, Echo> = Method::unary(Name::Compute.path());
const REPEAT: Method<Repetition, Echo> = Method::server_streaming(Name::Repeat.path());
const PING_PONG: Method<Echo, Echo> = Method::bidi_streaming(Name::PingPong.path());

struct Echoes;

type Reply<T> = cordial_runtime::Result<Response<T>>;

impl Echoes {
    async fn echo(&self, request: Request<Echo>) -> Reply<Echo> {
        Ok(request.into_inner().into())
    }

    async fn wait(&self, request: Request<Echo>) -> Reply<Echo> {
        tokio::time::sleep(echo::WAIT).await;
        Ok(request.into_inner().into())
    }

    async fn compute(&self, request: Request<Echo>) -> Reply<Echo> {
        echo::compute();
        Ok(request.into_inner().into())
    }

    async fn repeat(&self, request: Request<Repetition>) -> Reply<BoxStream<Echo>> {
        let echoes = request.into_inner().echoes().map(Ok);
        Ok(Response::new(Box::pin(tokio_stream::iter(echoes))))
    }

    async fn ping_pong(&self, request: Request<Streaming<Echo>>) -> Reply<BoxStream<Echo>> {
        Ok(Response::new(Box::pin(request.into_inner())))
    }
}

pub(super) async fn serve(listener: TcpListener) -> Result {
    let routes = Routes::new("bench.v1.Echoes", Echoes)
        .unary(ECHO, Echoes::echo)
        .unary(WAIT, Echoes::wait)
        .unary(COMPUTE, Echoes::compute)
        .server_streaming(REPEAT, Echoes::repeat)
        .bidi_streaming(PING_PONG, Echoes::ping_pong);
    Ok(Server::new().add(routes).serve(listener).await?)
}

#[derive(Clone)]
pub(crate) struct Ours {
    channel: Channel,
    message: Echo,
}

impl Ours {
    pub(crate) fn to(address: &str, payload_bytes: usize) -> Result<Self> {
        Ok(Self {
            channel: Channel::to(format!("http://{address}"))?,
            message: Echo::of(payload_bytes),
        })
    }
}

impl Caller for Ours {
    async fn call(&mut self) -> Result<usize> {
        let reply = self.channel.unary(ECHO, self.message.clone()).await?;
        Ok(reply.into_inner().payload.len())
    }
}
