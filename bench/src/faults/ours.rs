//! Cordial, as it comes.

use super::{
    Version,
    book::Book,
    client::{Answer, Ask, Method},
    discovery::{LEASE, SERVICE},
    pb::{self, Done, Failing, Order, OrdersClient},
};
use cordial::{
    BoxStream, Channel, Limits, Priority, Registration, Request, Response, Routes, Server,
    open_registry, shutdown_signal,
};
use std::time::Duration;
use tokio::net::TcpListener;

/// Clients ask this often whether a server is there; by default they may not.
const PINGS_ALLOWED: Duration = Duration::from_millis(100);

struct Orders(Book);

type Reply<T> = cordial::Result<Response<T>>;

impl Orders {
    async fn execute(&self, method: Method, request: Request<Order>) -> Reply<Done> {
        let metadata = request.metadata().clone();
        let done = self.0.execute(method, request.into_inner(), &metadata);
        Ok(done.await?.into())
    }
}

impl pb::Orders for Orders {
    async fn put(&self, request: Request<Order>) -> Reply<Done> {
        self.execute(Method::Put, request).await
    }

    async fn look(&self, request: Request<Order>) -> Reply<Done> {
        self.execute(Method::Look, request).await
    }

    async fn add(&self, request: Request<Order>) -> Reply<Done> {
        self.execute(Method::Add, request).await
    }

    async fn follow(&self, request: Request<Order>) -> Reply<BoxStream<Done>> {
        Ok(Response::new(Box::pin(
            self.0.follow(request.into_inner())?,
        )))
    }

    async fn fail(&self, request: Request<Failing>) -> Reply<Done> {
        Ok(self.0.fail(request.into_inner().fails).into())
    }
}

pub(super) async fn serve(
    listener: TcpListener,
    book: Book,
    version: Version,
    registry: Option<String>,
) -> crate::Result {
    let limits = Limits::default()
        .with_ping_interval_min(PINGS_ALLOWED)
        .with_idle_ping_interval_min(PINGS_ALLOWED);
    let service = match version {
        Version::New => pb::orders_server(Orders(book)),
        Version::Old => old_orders_server(Orders(book)),
    };
    let mut server = Server::new().limits(limits).add(service);
    if let Some(registry) = registry {
        let registry = open_registry(&registry)?;
        server = server.register(Registration::new(registry).with_lease(LEASE));
    }
    Ok(server
        .shutdown_on(shutdown_signal())
        .serve(listener)
        .await?)
}

/// As it was generated before the .proto had `Look`.
fn old_orders_server(orders: Orders) -> Routes<Orders> {
    Routes::new(SERVICE, orders)
        .unary(pb::ORDERS_PUT, <Orders as pb::Orders>::put)
        .unary(pb::ORDERS_ADD, <Orders as pb::Orders>::add)
        .server_streaming(pb::ORDERS_FOLLOW, <Orders as pb::Orders>::follow)
        .unary(pb::ORDERS_FAIL, <Orders as pb::Orders>::fail)
}

#[derive(Clone, Debug)]
pub(super) struct Client(OrdersClient);

impl Client {
    pub(super) fn to(addresses: &[String], keepalive: Option<Duration>) -> crate::Result<Self> {
        let mut channel = Channel::to(format!("static:///{}", addresses.join(",")))?;
        if let Some(span) = keepalive {
            let limits = Limits::default();
            channel = channel.with_limits(
                limits
                    .with_keepalive_interval(span)
                    .with_keepalive_timeout(span),
            );
        }
        Ok(Self(OrdersClient::new(channel)))
    }

    /// To whoever the registry tells of.
    pub(super) fn find(registry: &str) -> crate::Result<Self> {
        let channel = Channel::to(format!("{registry}/{SERVICE}"))?;
        Ok(Self(OrdersClient::new(channel)))
    }

    pub(super) async fn call(&self, ask: &Ask) -> Answer<Done> {
        let mut call = match ask.method {
            Method::Put => self.0.put(ask.order),
            Method::Look => self.0.look(ask.order),
            Method::Add => self.0.add(ask.order),
        };
        if let Some(priority) = ask.priority {
            call = call.metadata(Priority::KEY, priority.name());
        }
        if ask.waits {
            call = call.wait_for_ready();
        }
        Ok(call.timeout(ask.timeout).await?.into_inner())
    }

    pub(super) async fn follow(&self, order: Order, timeout: Duration) -> Answer<u32> {
        let mut messages = self.0.follow(order).timeout(timeout).await?.into_inner();
        let mut count = 0;
        while messages.message().await?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    pub(super) async fn fail(&self, fails: bool) -> Answer<()> {
        self.0.fail(Failing { fails }).await?;
        Ok(())
    }
}
