//! Keeps retries from multiplying along a chain of services.
//!
//! Where every tier retries what the next one retried already, three attempts at each of
//! three tiers are 27 requests to the last. Three rules make the sum of it instead:
//!
//! - A call that is made while a call is handled that is itself an attempt after the
//!   first (`grpc-previous-rpc-attempts` says so), or was made for one (`cordial-retried`
//!   does), gets no attempts of its own choice. Its failures count for the throttle, and
//!   what provably did not happen is still tried again. It carries `cordial-retried: 1`,
//!   since gRFC A6 wants the other header absent on a first attempt.
//! - Each channel has its throttle: of a service that fails everything, all tiers together
//!   ask five times more for each of their channels, whatever the number of calls.
//! - A call that only its throttle kept from being tried again ends with
//!   `grpc-retry-pushback-ms: -1` in its status, A6's own word for "do not retry". A
//!   handler that passes the status on stops the tiers above, ours or not, so that
//!   clients of which each makes few calls, and whose throttles are never used up, do
//!   not retry against a service whose budget is spent.
//!
//! The first follows the [`Context`](crate::Context) of a call.

use super::replay::PREVIOUS_ATTEMPTS;
use http::{HeaderMap, HeaderValue};
use tonic::metadata::{MetadataMap, MetadataValue};

/// On a request that was made for one that is a retry.
const RETRIED: &str = "cordial-retried";

/// Whether a call with this metadata exists because another failed, or was slow.
pub(crate) fn is_of_retry(metadata: &MetadataMap) -> bool {
    let headers = metadata.as_ref();
    !headers.is_empty()
        && (headers.contains_key(PREVIOUS_ATTEMPTS) || headers.contains_key(RETRIED))
}

/// Which attempt of its call a request with these headers is, transparent ones aside.
pub(crate) fn attempt_number(headers: &HeaderMap) -> u32 {
    let previous = headers.get(PREVIOUS_ATTEMPTS);
    let previous = previous.and_then(|value| value.to_str().ok()?.parse().ok());
    previous.unwrap_or(0_u32).saturating_add(1)
}

/// Makes a call in process tell that it is made for a retry.
pub(crate) fn mark(metadata: &mut MetadataMap) {
    metadata.insert(RETRIED, MetadataValue::from_static("1"));
}

/// Makes a first attempt tell what it is, and not what a handler copied along.
pub(super) fn prepare(headers: &mut HeaderMap, is_of_retry: bool) {
    headers.remove(PREVIOUS_ATTEMPTS);
    if is_of_retry {
        headers.insert(RETRIED, HeaderValue::from_static("1"));
    }
}
