//! How long to wait after failures in a row (the gRPC connection backoff document).

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const MAX: Duration = Duration::from_secs(120);
const FACTOR: f64 = 1.6;
const JITTER: f64 = 0.2;

/// How long to wait after one more failure than `failures`; `random` in 0..1.
pub(crate) fn backoff(failures: u32, random: f64) -> Duration {
    let exponent = i32::try_from(failures).unwrap_or(i32::MAX);
    let grown = FIRST.as_secs_f64() * FACTOR.powi(exponent);
    let base = grown.min(MAX.as_secs_f64());
    Duration::from_secs_f64(base * (1.0 + JITTER * (2.0 * random - 1.0)))
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
            for (random, part) in [(0.0, 0.8), (0.5, 1.0), (1.0, 1.2)] {
                let (got, wanted) = (backoff(failures, random).as_secs_f64(), seconds * part);
                assert!((got - wanted).abs() < 1e-6, "{failures} {random}: {got}");
            }
        }
    }
}
