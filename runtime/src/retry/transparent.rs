//! Retries of what the server's application never saw (gRFC A6, "Transparent Retries").

use super::{
    Fate,
    replay::{Replay, Sending},
};

/// How often a request that never left is sent once more. gRFC A6 sets no bound; each
/// time a connection had closed in between, so more is a peer that closes at once.
pub(super) const UNSENT_RETRIES_MAX: u32 = 10;

/// What is left of them for one call. They count neither as attempts nor as failures.
#[derive(Debug)]
pub(super) struct Transparent {
    unsent: u32,
    unprocessed: bool,
}

impl Transparent {
    pub(super) fn new() -> Self {
        Self {
            unsent: UNSENT_RETRIES_MAX,
            unprocessed: true,
        }
    }

    /// The request to send again at once, and why; `None` if it is for the policy to say.
    pub(super) fn again(
        &mut self,
        fate: Fate,
        reader: u32,
        previous: u32,
        replay: &Replay<'_>,
    ) -> Option<(Sending, &'static str)> {
        if let Fate::Unsent(request) = fate {
            self.unsent = self.unsent.checked_sub(1)?;
            return Some((Sending { request, reader }, "it had not left"));
        }
        replay.retire(reader);
        match fate {
            Fate::Unprocessed if std::mem::take(&mut self.unprocessed) => {
                let sending = replay.again(previous)?;
                Some((sending, "the server had not processed it"))
            }
            _ => None,
        }
    }
}
