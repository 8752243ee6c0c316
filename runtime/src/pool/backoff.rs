//! How long after an attempt to connect the next one may start (the gRPC
//! connection backoff document).

use std::time::Duration;

const BASE: Duration = Duration::from_secs(1);
const MAX: Duration = Duration::from_secs(120);
const FACTOR: f64 = 1.6;
const JITTER: f64 = 0.2;

/// Counted from the start of the last attempt, after so many failures before it.
pub(super) fn backoff(failures: u32) -> Duration {
    let exponent = i32::try_from(failures).unwrap_or(i32::MAX);
    let grown = BASE.as_secs_f64() * FACTOR.powi(exponent);
    let base = grown.min(MAX.as_secs_f64());
    Duration::from_secs_f64(base * (1.0 + JITTER * (2.0 * fastrand::f64() - 1.0)))
}

#[cfg(test)]
mod tests {
    use super::backoff;

    #[test]
    fn grows_as_the_document_says() {
        for (failures, seconds) in [
            (0, 1.0),
            (1, 1.6),
            (2, 2.56),
            (11, 120.0),
            (u32::MAX, 120.0),
        ] {
            let got = backoff(failures).as_secs_f64();
            let range = seconds * 0.8 - 1e-9..=seconds * 1.2 + 1e-9;
            assert!(range.contains(&got), "{failures}: {got}");
        }
    }
}
