//! The cases, run against a server.

mod compression;
mod ending;
mod failure;
mod load;
mod metadata;
mod negative;
mod request;
mod soak;
mod status;
mod streaming;
mod target;
mod unary;

use std::time::Duration;

use tokio::time::timeout;

pub use failure::Failure;

use crate::case::Case;
use crate::flag::Client;
use crate::grpc::testing::TestServiceClient;
use target::Target;

/// What a case comes to.
type Outcome = Result<(), Failure>;

/// A case that takes longer hangs; the soak cases have a time of their own.
const CASE_TIMEOUT: Duration = Duration::from_secs(30);

/// Runs the case that the flags name, against the server that they name.
///
/// # Errors
/// What was wanted, and what came instead.
pub async fn run(flags: &Client) -> Result<(), Failure> {
    if let Some(config) = flags.service_config_json.as_deref()
        && !config.is_empty()
    {
        return Err(Failure::new(
            "--service_config_json: service configurations are not supported; leave the flag out",
        ));
    }
    let target = Target::new(flags)?;
    let limit = CASE_TIMEOUT + flags.soak.timeout();
    timeout(limit, one(flags, &target))
        .await
        .unwrap_or_else(|_| Err(Failure::new(format!("not done within {limit:?}"))))
}

async fn one(flags: &Client, target: &Target) -> Outcome {
    let channel = target.channel()?;
    let service = &TestServiceClient::new(&channel);
    match flags.test_case {
        Case::EmptyUnary => unary::empty(service).await,
        Case::CacheableUnary => unary::cacheable(service).await,
        Case::LargeUnary | Case::Ping | Case::DataFramePadding | Case::SmallDataFrames => {
            unary::large(service).await
        }
        Case::ClientCompressedUnary => compression::client_unary(service).await,
        Case::ServerCompressedUnary => compression::server_unary(service).await,
        Case::ClientStreaming => streaming::client(service).await,
        Case::ServerStreaming => streaming::server(service).await,
        Case::PingPong => streaming::ping_pong(service).await,
        Case::EmptyStream => streaming::empty(service).await,
        Case::CustomMetadata => metadata::custom(service).await,
        Case::StatusCodeAndMessage => status::code_and_message(service).await,
        Case::SpecialStatusMessage => status::special_message(service).await,
        Case::UnimplementedMethod => status::unimplemented_method(service).await,
        Case::UnimplementedService => status::unimplemented_service(&channel).await,
        Case::CancelAfterBegin => ending::cancel_after_begin(service).await,
        Case::CancelAfterFirstResponse => ending::cancel_after_first_response(service).await,
        Case::TimeoutOnSleepingServer => ending::timeout_on_sleeping_server(service).await,
        Case::OrcaPerRpc => load::per_call(service).await,
        Case::OrcaOob => load::beside_calls(service, &channel).await,
        Case::RpcSoak => soak::one_channel(&flags.soak, channel.clone()).await,
        Case::ChannelSoak => soak::many_channels(&flags.soak, target.clone()).await,
        Case::GoAway => negative::goaway(service).await,
        Case::RstAfterHeader | Case::RstDuringData | Case::RstAfterData => {
            negative::reset(service).await
        }
        Case::MaxStreams => negative::max_streams(service).await,
    }
}
