//! Keeps retries from overloading what already fails (gRFC A6, "Throttling").

use std::{
    fmt,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

/// The tokens of a channel: a failure takes one, a success gives a fraction of one back,
/// and while half of them or fewer are left nothing is retried or hedged.
///
/// So of all requests to a channel at most about `token_ratio` for each success, and half
/// of `max_tokens` once, are retries: 1.1 times the requests by default, and to a
/// service that fails everything five more than without.
#[derive(Debug)]
pub(crate) struct Throttle {
    /// In thousandths, as all below.
    tokens: AtomicU32,
    tokens_max: u32,
    success: u32,
}

const ONE: u32 = 1_000;

impl Throttle {
    /// Of `token_ratio` three decimal places count (gRFC A6). Both are within the
    /// bounds that a service config was read by.
    #[cfg(any(test, feature = "service-config"))]
    pub(crate) fn new(max_tokens: u32, token_ratio: f64) -> Self {
        // 1.001 is a little less than 1001 thousandths; nobody writes the seventh place.
        let thousandths = (token_ratio * f64::from(ONE) + 1e-4).floor();
        let tokens_max = max_tokens.saturating_mul(ONE);
        Self {
            tokens: AtomicU32::new(tokens_max),
            tokens_max,
            // More than there can be is as good as all.
            success: thousandths.min(f64::from(tokens_max)) as u32,
        }
    }

    /// Counts an attempt that failed; whether another may follow.
    pub(crate) fn failure(&self) -> bool {
        self.allows_at(self.change(|tokens| tokens.saturating_sub(ONE)))
    }

    /// Counts a call that succeeded.
    pub(crate) fn success(&self) {
        // Most of the time there is nothing to add, and nothing is written.
        if self.tokens.load(Relaxed) < self.tokens_max {
            self.change(|tokens| (tokens + self.success).min(self.tokens_max));
        }
    }

    /// Whether another attempt may begin.
    pub(crate) fn allows(&self) -> bool {
        self.allows_at(self.tokens.load(Relaxed))
    }

    fn allows_at(&self, tokens: u32) -> bool {
        tokens > self.tokens_max / 2
    }

    /// Changes the tokens and returns what they are then.
    fn change(&self, change: impl Fn(u32) -> u32) -> u32 {
        let changed = self
            .tokens
            .fetch_update(Relaxed, Relaxed, |tokens| Some(change(tokens)));
        // The closure never refuses: both arms hold what was there before.
        let (Ok(before) | Err(before)) = changed;
        change(before)
    }
}

/// "9.1 of 10 tokens are left, over 5 are needed for a retry"
impl fmt::Display for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [left, max, half] = [
            self.tokens.load(Relaxed),
            self.tokens_max,
            self.tokens_max / 2,
        ]
        .map(|tokens| f64::from(tokens) / f64::from(ONE));
        write!(
            f,
            "{left} of {max} tokens are left, over {half} are needed for a retry"
        )
    }
}

impl Default for Throttle {
    /// The example of gRFC A6: 10 tokens, a tenth of one for a success.
    fn default() -> Self {
        let tokens_max = 10 * ONE;
        Self {
            tokens: AtomicU32::new(tokens_max),
            tokens_max,
            success: ONE / 10,
        }
    }
}
