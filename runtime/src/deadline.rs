//! Until when a call may take, and how that is said on the wire.

use std::time::Duration;
use tokio::time::Instant;

/// The point in time after which nobody waits for a call any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deadline(Instant);

impl Deadline {
    /// `timeout` from now. A timeout too long for the clock is a century.
    pub fn after(timeout: Duration) -> Self {
        const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
        Self(Instant::now() + timeout.min(CENTURY))
    }

    /// What is left; zero when it has passed.
    pub fn remaining(&self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Whether it has passed.
    pub fn has_passed(&self) -> bool {
        self.0 <= Instant::now()
    }

    pub(crate) fn instant(self) -> Instant {
        self.0
    }
}

/// The earlier of two deadlines, where there are any.
pub(crate) fn earlier(one: Option<Deadline>, other: Option<Deadline>) -> Option<Deadline> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Reads a `grpc-timeout` value: one to eight digits and a unit of `HMSmun`
/// (gRPC over HTTP/2, "Timeout"). `None` for everything else.
pub(crate) fn parse(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let count = digits
        .iter()
        .fold(0u64, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    Some(match unit {
        b'H' => Duration::from_secs(count * 3600),
        b'M' => Duration::from_secs(count * 60),
        b'S' => Duration::from_secs(count),
        b'm' => Duration::from_millis(count),
        b'u' => Duration::from_micros(count),
        b'n' => Duration::from_nanos(count),
        _ => return None,
    })
}

/// A `grpc-timeout` value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Written {
    bytes: [u8; WRITTEN_BYTES_MAX],
    start: usize,
}

const WRITTEN_BYTES_MAX: usize = 9;

impl Written {
    fn of(mut count: u64, unit: u8) -> Self {
        let mut bytes = [unit; WRITTEN_BYTES_MAX];
        let mut start = WRITTEN_BYTES_MAX - 1;
        while start > 0 {
            start -= 1;
            bytes[start] = b'0' + (count % 10) as u8;
            count /= 10;
            if count == 0 {
                break;
            }
        }
        Self { bytes, start }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

/// Writes `timeout` in the finest unit that fits so many digits, rounded up: as
/// exact as a thousandth of it. Calls of one timeout say the same then, which HPACK
/// knows to say in one byte, though each has spent another few microseconds.
pub(crate) fn format(timeout: Duration) -> Written {
    const UNITS: [(u64, u8); 5] = [
        (1, b'n'),
        (1_000, b'u'),
        (1_000_000, b'm'),
        (1_000_000_000, b'S'),
        (60_000_000_000, b'M'),
    ];
    const HOUR: u64 = 3_600_000_000_000;
    const COUNT_MAX: u64 = 999_999;
    const HOURS_MAX: u64 = 99_999_999;
    // 584 years; who waits for longer is told of what can be written.
    let Ok(nanos) = u64::try_from(timeout.as_nanos()) else {
        return Written::of(HOURS_MAX, b'H');
    };
    for (size, unit) in UNITS {
        let count = nanos.div_ceil(size);
        if count <= COUNT_MAX {
            return Written::of(count, unit);
        }
    }
    Written::of(nanos.div_ceil(HOUR), b'H')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_grammar_is_read() {
        for bad in [
            "",
            "S",
            "1",
            "-1S",
            "+1S",
            "1X",
            "100000000S",
            "1 S",
            " 1S",
            "1.5S",
            "18446744073709551616S",
        ] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad:?}");
        }
        assert_eq!(
            parse(b"99999999H"),
            Some(Duration::from_secs(359_999_996_400))
        );
        assert_eq!(parse(b"0n"), Some(Duration::ZERO));
        assert_eq!(parse(b"250m"), Some(Duration::from_millis(250)));
    }

    #[test]
    fn what_is_written_is_never_shorter() {
        for nanos in [0, 1, 99_999_999, 100_000_001, u64::MAX] {
            let timeout = Duration::from_nanos(nanos);
            let read = parse(format(timeout).as_bytes());
            assert!(read.is_some_and(|read| read >= timeout), "{nanos}");
        }
        let spent = Duration::from_micros(30);
        for (timeout, wanted) in [
            (Duration::ZERO, "0n"),
            (Duration::from_nanos(999_999), "999999n"),
            (Duration::from_nanos(1_000_001), "1001u"),
            (Duration::from_secs(1), "1000m"),
            (Duration::from_secs(60) - spent, "60000m"),
            (Duration::from_secs(60 * 60 * 24), "86400S"),
            (Duration::from_nanos(u64::MAX), "5124096H"),
            (Duration::MAX, "99999999H"),
        ] {
            let written = format(timeout);
            assert_eq!(str::from_utf8(written.as_bytes()), Ok(wanted));
        }
    }
}
