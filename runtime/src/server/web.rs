//! What a server is to those who do not speak gRPC.

use super::Server;
use crate::{cors::Cors, protocols::Protocol};

impl Server {
    /// Answers `protocols` and no others, which get HTTP's 415. Without it all are
    /// answered, on one port and by the same handlers. Services added with
    /// [`add_tonic`](Self::add_tonic) speak for themselves.
    pub fn protocols(mut self, protocols: impl IntoIterator<Item = Protocol>) -> Self {
        self.protocols = protocols.into_iter().collect();
        self
    }

    /// Lets web pages call it that are of other origins. Without it browsers keep them
    /// from it.
    pub fn cors(mut self, cors: Cors) -> Self {
        self.cors = Some(cors);
        self
    }
}
