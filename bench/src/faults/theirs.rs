//! Stock tonic, as it comes.

use super::{
    book::Book,
    client::{Answer, Ask, Method},
    pb::{Done, Failing, Order},
};
use cordial::Priority;
use std::time::Duration;
use stub::{orders_client::OrdersClient, orders_server};
use tokio::net::TcpListener;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{
    Request, Response, Status,
    metadata::MetadataValue,
    transport::{Channel, Endpoint, Server, server::TcpIncoming},
};

#[allow(missing_docs, unreachable_pub, clippy::all)]
mod stub {
    include!(concat!(env!("OUT_DIR"), "/orders.v1.Orders.rs"));
}

struct Orders(Book);

type Reply<T> = Result<Response<T>, Status>;

impl Orders {
    async fn execute(&self, method: Method, request: Request<Order>) -> Reply<Done> {
        let (metadata, _, order) = request.into_parts();
        let done = self.0.execute(method, order, &metadata).await?;
        Ok(Response::new(done))
    }
}

#[tonic::async_trait]
impl orders_server::Orders for Orders {
    type FollowStream = ReceiverStream<Answer<Done>>;

    async fn put(&self, request: Request<Order>) -> Reply<Done> {
        self.execute(Method::Put, request).await
    }

    async fn look(&self, request: Request<Order>) -> Reply<Done> {
        self.execute(Method::Look, request).await
    }

    async fn add(&self, request: Request<Order>) -> Reply<Done> {
        self.execute(Method::Add, request).await
    }

    async fn follow(&self, request: Request<Order>) -> Reply<Self::FollowStream> {
        Ok(Response::new(self.0.follow(request.into_inner())?))
    }

    async fn fail(&self, request: Request<Failing>) -> Reply<Done> {
        Ok(Response::new(self.0.fail(request.into_inner().fails)))
    }
}

pub(super) async fn serve(listener: TcpListener, book: Book) -> crate::Result {
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let service = orders_server::OrdersServer::new(Orders(book));
    let server = Server::builder().add_service(service);
    let stop = cordial::shutdown_signal();
    Ok(server.serve_with_incoming_shutdown(incoming, stop).await?)
}

#[derive(Clone, Debug)]
pub(super) struct Client(OrdersClient<Channel>);

impl Client {
    pub(super) fn to(addresses: &[String], keepalive: Option<Duration>) -> crate::Result<Self> {
        let endpoints = addresses.iter().map(|address| {
            let endpoint = Endpoint::from_shared(format!("http://{address}"))?;
            Ok(match keepalive {
                Some(span) => endpoint
                    .http2_keep_alive_interval(span)
                    .keep_alive_timeout(span)
                    .keep_alive_while_idle(true),
                None => endpoint,
            })
        });
        let endpoints = endpoints.collect::<crate::Result<Vec<_>>>()?;
        let channel = Channel::balance_list(endpoints.into_iter());
        Ok(Self(OrdersClient::new(channel)))
    }

    pub(super) async fn call(&self, ask: &Ask) -> Answer<Done> {
        let mut request = Request::new(ask.order);
        request.set_timeout(ask.timeout);
        if let Some(priority) = ask.priority {
            let name = MetadataValue::from_static(priority.name());
            request.metadata_mut().insert(Priority::KEY, name);
        }
        let mut client = self.0.clone();
        let reply = match ask.method {
            Method::Put => client.put(request).await?,
            Method::Look => client.look(request).await?,
            Method::Add => client.add(request).await?,
        };
        Ok(reply.into_inner())
    }

    pub(super) async fn follow(&self, order: Order, timeout: Duration) -> Answer<u32> {
        let mut request = Request::new(order);
        request.set_timeout(timeout);
        let mut messages = self.0.clone().follow(request).await?.into_inner();
        let mut count = 0;
        while messages.message().await?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    pub(super) async fn fail(&self, fails: bool) -> Answer<()> {
        self.0.clone().fail(Failing { fails }).await?;
        Ok(())
    }
}
