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
//! - A call that fails while its throttle allows no retries, with a status that its
//!   policy covers, ends with `grpc-retry-pushback-ms: -1` in that status, whether or not
//!   it had attempts left: A6's own word for "do not retry". A handler that passes the
//!   status on stops the tiers above, ours or not, so that clients of which each makes
//!   few calls, and whose throttles are never used up, do not retry against a service
//!   whose budget is spent.
//!
//! The first follows the [`Context`](crate::Context) of a call.

use http::{HeaderMap, HeaderName, HeaderValue};
use tonic::metadata::{MetadataMap, MetadataValue};

/// How many attempts preceded this one; absent on the first (gRFC A6).
pub(super) const PREVIOUS_ATTEMPTS: &str = "grpc-previous-rpc-attempts";
/// On a request that was made for one that is a retry.
const RETRIED: &str = "cordial-retried";

/// The same as headers: to read names is to hash and copy them.
pub(super) static PREVIOUS_ATTEMPTS_HEADER: HeaderName = HeaderName::from_static(PREVIOUS_ATTEMPTS);
static RETRIED_HEADER: HeaderName = HeaderName::from_static(RETRIED);

/// Whether a call with this metadata exists because another failed, or was slow.
pub(crate) fn is_of_retry(metadata: &MetadataMap) -> bool {
    let names = &mut metadata.as_ref().keys();
    names.any(|name| *name == PREVIOUS_ATTEMPTS_HEADER || *name == RETRIED_HEADER)
}

/// Which attempt of its call a request with these headers is, transparent ones aside.
pub(crate) fn attempt_number(headers: &HeaderMap) -> u32 {
    let previous = headers.get(&PREVIOUS_ATTEMPTS_HEADER);
    let previous = previous.and_then(|value| value.to_str().ok()?.parse().ok());
    previous.unwrap_or(0_u32).saturating_add(1)
}

/// Makes a call in process tell that it is made for a retry.
pub(crate) fn mark(metadata: &mut MetadataMap) {
    metadata.insert(RETRIED, MetadataValue::from_static("1"));
}

/// Makes a first attempt tell what it is, and not what a handler copied along.
pub(super) fn prepare(headers: &mut HeaderMap, is_of_retry: bool) {
    headers.remove(&PREVIOUS_ATTEMPTS_HEADER);
    if is_of_retry {
        headers.insert(&RETRIED_HEADER, HeaderValue::from_static("1"));
    }
}
