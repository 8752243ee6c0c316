//! connectrpc, as it comes.

use bench_host::Result;
use connectrpc::{
    Encodable, InboundStream, RequestContext, Response, Router, Server, ServiceRequest,
    ServiceResult, ServiceStream,
};
use std::sync::Arc;
use stub::{Echoes, EchoesExt, Message, Repetition};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_stream::wrappers::ReceiverStream;

#[allow(warnings, clippy::all)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/connectrpc.rs"));
}
use generated::bench::v1 as stub;

struct Service;

impl Echoes for Service {
    async fn echo<'a>(
        &'a self,
        _: RequestContext,
        request: ServiceRequest<'_, Message>,
    ) -> ServiceResult<impl Encodable<Message> + Send + use<'a>> {
        Response::ok(request.to_owned_message())
    }

    async fn wait<'a>(
        &'a self,
        _: RequestContext,
        request: ServiceRequest<'_, Message>,
    ) -> ServiceResult<impl Encodable<Message> + Send + use<'a>> {
        tokio::time::sleep(crate::WAIT).await;
        Response::ok(request.to_owned_message())
    }

    async fn compute<'a>(
        &'a self,
        _: RequestContext,
        request: ServiceRequest<'_, Message>,
    ) -> ServiceResult<impl Encodable<Message> + Send + use<'a>> {
        crate::compute();
        Response::ok(request.to_owned_message())
    }

    async fn repeat(
        &self,
        _: RequestContext,
        request: ServiceRequest<'_, Repetition>,
    ) -> ServiceResult<ServiceStream<impl Encodable<Message> + Send + use<>>> {
        let Repetition { payload, count, .. } = request.to_owned_message();
        let echo = Message {
            payload,
            ..Message::default()
        };
        let echoes = std::iter::repeat_n(echo, count as usize).map(Ok);
        Response::stream_ok(tokio_stream::iter(echoes))
    }

    async fn feed(
        &self,
        _: RequestContext,
        request: ServiceRequest<'_, Repetition>,
    ) -> ServiceResult<ServiceStream<impl Encodable<Message> + Send + use<>>> {
        let Repetition { payload, count, .. } = request.to_owned_message();
        let echo = Message {
            payload,
            ..Message::default()
        };
        let (sender, echoes) = mpsc::channel(crate::FED);
        tokio::spawn(async move {
            for echo in std::iter::repeat_n(echo, count as usize) {
                sender.send(Ok(echo)).await?;
            }
            Result::Ok(())
        });
        Response::stream_ok(ReceiverStream::new(echoes))
    }

    async fn ping_pong(
        &self,
        _: RequestContext,
        requests: InboundStream<Message>,
    ) -> ServiceResult<ServiceStream<impl Encodable<Message> + Send + use<>>> {
        Response::stream_ok(requests)
    }
}

pub(crate) async fn serve(listener: TcpListener) -> Result {
    let router = Arc::new(Service).register(Router::new());
    Server::from_listener(listener).serve(router).await
}
