//! Calls to a server that breaks off, goes away, pings and holds back
//! ([`crate::negative`]).

use cordial::Code;
use tokio::task::JoinSet;

use super::failure::ended_with;
use super::{Failure, Outcome, request, unary};
use crate::grpc::testing::TestServiceClient;

/// The suite has ten at least.
const CALLS_AT_ONCE: usize = 15;

/// The suite waits for a second between the two, for the GOAWAY to arrive. Here
/// the second call may be under way already: the server did not begin it, so it
/// belongs on another connection all the same.
pub(super) async fn goaway(service: &TestServiceClient) -> Outcome {
    unary::large(service).await?;
    unary::large(service).await
}

/// A stream that ends by RST_STREAM with NO_ERROR and not by a status: the suite
/// wants any error, and INTERNAL is what gRPC makes of that reset.
pub(super) async fn reset(service: &TestServiceClient) -> Outcome {
    let call = service.unary_call(request::large());
    ended_with(call.await, Code::Internal).map(drop)
}

pub(super) async fn max_streams(service: &TestServiceClient) -> Outcome {
    // Answered, it has seen how many calls the server takes at once.
    unary::large(service).await?;
    let mut calls = JoinSet::new();
    for _ in 0..CALLS_AT_ONCE {
        let service = service.clone();
        calls.spawn(async move { unary::large(&service).await });
    }
    while let Some(called) = calls.join_next().await {
        called.map_err(|error| Failure::new(format!("a task died: {error}")))??;
    }
    Ok(())
}
