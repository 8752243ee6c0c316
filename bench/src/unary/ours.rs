//! Cordial, as it comes.

use super::{caller::Caller, message::Echo};
use crate::Result;
use cordial_runtime::{Channel, Method, Request, Response, Routes, Server};
use tokio::net::TcpListener;

const ECHO: Method<Echo, Echo> = Method::unary("/bench.v1.Echoes/Echo");

struct Echoes;

impl Echoes {
    async fn echo(&self, request: Request<Echo>) -> cordial_runtime::Result<Response<Echo>> {
        Ok(request.into_inner().into())
    }
}

pub(crate) async fn serve(listener: TcpListener) -> Result {
    let routes = Routes::new("bench.v1.Echoes", Echoes).unary(ECHO, Echoes::echo);
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
