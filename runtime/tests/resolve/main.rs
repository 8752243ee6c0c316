//! Channels from the outside: where each scheme leads, and what callers hear
//! when it leads nowhere.

#[path = "../common/mod.rs"]
mod common;

mod in_process;
#[cfg(feature = "dns")]
mod name_server;
mod own;
mod schemes;

use common::{Probe, Serving, note};
use cordial_runtime::Server;

/// A server that answers with its own name.
async fn named(name: &'static str) -> Serving {
    let probe = Probe::echo().unary(move |_| async move { Ok(note(name).into()) });
    Serving::start(Server::new().add(probe.routes())).await
}
