//! The services that the suite calls.

mod answer;
mod cancellation;
mod echo;
mod health;
mod load;
mod test_service;

pub use load::LOAD_REPORT;

use cordial::{
    Server,
    health::Health,
    reflection::{BadDescriptors, Reflection},
};

use crate::DESCRIPTORS;
use crate::grpc::testing::{test_service_server, xds_update_health_service_server};
use crate::xds::service::orca::v3::open_rca_service_server;

/// Everything the suite calls, on a server yet to be told where to listen.
///
/// # Errors
/// When the descriptors that the build embedded do not read.
pub fn new() -> Result<Server, BadDescriptors> {
    let health = Health::new();
    let switch = health::Switch::new(health.clone());
    let load = load::Load::default();
    let server = Server::new()
        .add(test_service_server(test_service::Tested::new(load.clone())))
        .add(open_rca_service_server(load))
        .add(xds_update_health_service_server(switch))
        .add(health.routes());
    let reflection = Reflection::new(DESCRIPTORS, server.services())?;
    Ok(server.add(reflection.v1()).add(reflection.v1alpha()))
}
