//! Whether services can take calls: `grpc.health.v1`.

use crate::{BoxStream, Request, Response, Result, Routes, Status, Stream};
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::watch;
use tokio_stream::{StreamExt, wrappers::WatchStream};

/// The messages, the trait and the client of `grpc.health.v1`.
#[allow(missing_docs)]
pub mod v1 {
    crate::include_protos!("grpc.health.v1");
}

pub use v1::health_check_response::ServingStatus;

/// How many services `List` names at most (gRFC A90).
const LISTED_MAX: usize = 100;

type Statuses = BTreeMap<String, ServingStatus>;

/// Says, and lets be changed, which services can take calls. The empty name
/// stands for the whole server, which serves from the start. Clones share
/// what they say.
///
/// ```
/// use cordial::{Server, health::{Health, ServingStatus}};
///
/// let health = Health::new();
/// let server = Server::new().add(health.routes());
/// health.set("shop.v1.Carts", ServingStatus::NotServing);
/// ```
#[derive(Clone, Debug)]
pub struct Health(Arc<watch::Sender<Statuses>>);

impl Health {
    /// The server serves; of single services nothing is known.
    pub fn new() -> Self {
        let statuses = BTreeMap::from([(String::new(), ServingStatus::Serving)]);
        Self(Arc::new(watch::Sender::new(statuses)))
    }

    /// Says from now on, to everybody who watches too, that `service` is `status`.
    pub fn set(&self, service: impl Into<String>, status: ServingStatus) {
        self.0.send_modify(|statuses| {
            statuses.insert(service.into(), status);
        });
    }

    /// Says that nothing serves any more: what a server does before it drains.
    pub fn shut_down(&self) {
        self.0.send_modify(|statuses| {
            for status in statuses.values_mut() {
                *status = ServingStatus::NotServing;
            }
        });
    }

    /// What is said of `service`; `None` if nothing is known of it.
    pub fn get(&self, service: &str) -> Option<ServingStatus> {
        self.0.borrow().get(service).copied()
    }

    /// Whether `service` serves, now and whenever that changes: for
    /// [`Registration::with_health`](crate::Registration::with_health).
    ///
    /// ```
    /// use cordial::{MemoryRegistry, Registration, Server, health::Health};
    ///
    /// let health = Health::new();
    /// let registration = Registration::new(MemoryRegistry::new()).with_health(health.serves(""));
    /// let server = Server::new().add(health.routes()).register(registration);
    /// ```
    pub fn serves(&self, service: &str) -> impl Stream<Item = bool> + Send + use<> {
        let service = service.to_owned();
        let statuses = WatchStream::new(self.0.subscribe());
        statuses.map(move |statuses| statuses.get(&service) == Some(&ServingStatus::Serving))
    }

    /// The service to add to a server.
    pub fn routes(&self) -> Routes<impl v1::Health + use<>> {
        v1::health_server(self.clone())
    }
}

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

fn response(status: ServingStatus) -> v1::HealthCheckResponse {
    v1::HealthCheckResponse {
        status: status.into(),
    }
}

impl v1::Health for Health {
    async fn check(
        &self,
        request: Request<v1::HealthCheckRequest>,
    ) -> Result<Response<v1::HealthCheckResponse>> {
        let service = request.into_inner().service;
        match self.get(&service) {
            Some(status) => Ok(response(status).into()),
            None => Err(Status::not_found(format!(
                "nothing is known of the health of `{service}`"
            ))),
        }
    }

    async fn list(
        &self,
        _: Request<v1::HealthListRequest>,
    ) -> Result<Response<v1::HealthListResponse>> {
        let statuses = self.0.borrow();
        if statuses.len() > LISTED_MAX {
            return Err(Status::resource_exhausted(format!(
                "{} services are over the {LISTED_MAX} that can be listed",
                statuses.len()
            )));
        }
        let statuses = statuses
            .iter()
            .map(|(service, status)| (service.clone(), response(*status)))
            .collect();
        Ok(v1::HealthListResponse { statuses }.into())
    }

    async fn watch(
        &self,
        request: Request<v1::HealthCheckRequest>,
    ) -> Result<Response<BoxStream<v1::HealthCheckResponse>>> {
        let service = request.into_inner().service;
        let mut said = None;
        let changes = WatchStream::new(self.0.subscribe()).filter_map(move |statuses| {
            let status = statuses.get(&service).copied();
            let status = status.unwrap_or(ServingStatus::ServiceUnknown);
            (said.replace(status) != Some(status)).then(|| Ok(response(status)))
        });
        Ok(Response::new(Box::pin(changes)))
    }
}
