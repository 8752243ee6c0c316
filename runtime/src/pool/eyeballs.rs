//! Several addresses of one server: whichever answers first (gRFC A61, RFC 8305).

use crate::{
    endpoint::Endpoint,
    engine::{Connection, Connector, Error, ErrorKind},
};
use std::{sync::Arc, time::Duration};
use tokio::{sync::Notify, task::JoinSet, time::sleep};

/// How long an address may take before the next is tried too.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// A connection to the first of `endpoints` that answers, and which it is. They
/// are tried in order; one that takes long does not keep the next waiting.
///
/// # Errors
/// That of the last one when none answers.
pub(super) async fn connect(
    connector: Arc<Connector>,
    endpoints: Arc<[Endpoint]>,
    lost: Arc<Notify>,
) -> Result<(Connection, Endpoint), Error> {
    let mut attempts = JoinSet::new();
    let mut left = 0..endpoints.len();
    let mut failed = None;
    loop {
        if let Some(nth) = left.next() {
            let endpoint = endpoints[nth].clone();
            let (connector, lost) = (connector.clone(), lost.clone());
            attempts.spawn(async move {
                let connected = connector.connect(&endpoint, lost).await;
                connected.map(|connection| (connection, endpoint))
            });
        }
        let more = !left.is_empty();
        let ended = tokio::select! {
            ended = attempts.join_next() => ended,
            () = sleep(ATTEMPT_DELAY), if more => continue,
        };
        match ended {
            Some(Ok(Ok(connected))) => return Ok(connected),
            Some(Ok(Err(error))) => failed = Some(error),
            // An attempt that panicked has said so; there is nothing to add.
            Some(Err(_)) => {}
            None if more => {}
            None => {
                let nobody = || Error::new(ErrorKind::Connect, "there is no address to connect to");
                return Err(failed.unwrap_or_else(nobody));
            }
        }
    }
}
