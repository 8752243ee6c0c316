//! The health that the server tells, and the switch for it.

use cordial::{
    Request, Response, Result,
    health::{Health, ServingStatus},
};

use crate::grpc::testing::{Empty, XdsUpdateHealthService};

/// The server as a whole and the service under test.
const SWITCHED: [&str; 2] = ["", "grpc.testing.TestService"];

/// Turns the health of all that is under test.
pub(super) struct Switch(Health);

impl Switch {
    /// A switch that is on.
    pub(super) fn new(health: Health) -> Self {
        let switch = Self(health);
        switch.turn(ServingStatus::Serving);
        switch
    }

    fn turn(&self, status: ServingStatus) {
        for name in SWITCHED {
            self.0.set(name, status);
        }
    }
}

impl XdsUpdateHealthService for Switch {
    async fn set_serving(&self, _: Request<Empty>) -> Result<Response<Empty>> {
        self.turn(ServingStatus::Serving);
        Ok(Empty {}.into())
    }

    async fn set_not_serving(&self, _: Request<Empty>) -> Result<Response<Empty>> {
        self.turn(ServingStatus::NotServing);
        Ok(Empty {}.into())
    }
}
