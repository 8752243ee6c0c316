//! What a caller is told whose call is refused since there are too many.

use crate::{limits::Limit, priority::Priority, status::Status};
use std::time::Duration;
use tonic::metadata::MetadataValue;

/// How a server says when to try again, or never (gRFC A6).
const PUSHBACK: &str = "grpc-retry-pushback-ms";

/// Why a call is refused.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Why {
    /// As many as there may be are in flight on the whole server.
    CallsMax {
        in_flight: usize,
        calls_max: usize,
    },
    QueueFull {
        queued: usize,
    },
    /// A more urgent call took its place in the queue.
    Displaced,
    Waited {
        patience: Duration,
    },
    /// Its deadline would pass before its turn.
    Late {
        wait: Duration,
    },
}

/// A refusal and what it depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shed {
    pub(crate) why: Why,
    pub(crate) priority: Priority,
    pub(crate) limit: usize,
    pub(crate) queue_timeout: Duration,
    /// How many were refused before.
    pub(crate) refusals: u64,
}

impl Why {
    pub(crate) fn limit(self) -> Option<Limit> {
        match self {
            Self::CallsMax { .. } => Some(Limit::CallsMax),
            Self::QueueFull { .. } | Self::Displaced => Some(Limit::QueuedCallsMax),
            Self::Waited { .. } => Some(Limit::QueueTimeout),
            Self::Late { .. } => None,
        }
    }

    fn text(self) -> String {
        match self {
            Self::CallsMax {
                in_flight,
                calls_max,
            } => format!("{in_flight} of {calls_max} calls are in flight (`calls_max`)"),
            Self::QueueFull { queued } => {
                format!("{queued} wait for their turn (`queued_calls_max`)")
            }
            Self::Displaced => {
                "a more urgent one took its place in the queue (`queued_calls_max`)".into()
            }
            Self::Waited { patience } => {
                format!("its turn did not come within {patience:?} (`queue_timeout`)")
            }
            Self::Late { wait } => {
                format!("its turn would come in {wait:.0?}, after its deadline")
            }
        }
    }
}

impl Shed {
    /// UNAVAILABLE: nothing of the call was begun, so it may be made again,
    /// and another server may have room for it.
    pub(crate) fn status(self) -> Status {
        let Self {
            why,
            priority,
            limit,
            ..
        } = self;
        let mut text = format!("a {} call too many: {}", priority.name(), why.text());
        if why.limit() != Some(Limit::CallsMax) {
            text.push_str(&format!(
                "; {limit} are handled at once (`ConcurrencyLimit`)"
            ));
        }
        let mut status = Status::unavailable(text);
        let pushback = MetadataValue::from(self.pushback_millis());
        status.metadata_mut().insert(PUSHBACK, pushback);
        status
    }

    /// What may be shed should not come back; the rest after once to twice the
    /// time it might have waited, spread so that it does not come back at once.
    fn pushback_millis(self) -> i64 {
        if self.priority == Priority::Sheddable {
            return -1;
        }
        let base = i64::try_from(self.queue_timeout.as_millis()).unwrap_or(i64::MAX / 2);
        let base = base.clamp(1, i64::from(i32::MAX));
        // Multiples of the golden ratio's fraction fill any interval evenly.
        let spread = self.refusals.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33;
        base + i64::try_from(spread).unwrap_or(0) % base
    }
}
