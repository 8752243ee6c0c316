//! `Duration`: `-1.500s`.

use super::{as_text, nanos, push_nanos};
use crate::json::text::are_digits;
use prost_types::Duration;

/// Ten thousand years.
const SECONDS_MAX: u64 = 315_576_000_000;
const NANOS_MAX: u32 = 999_999_999;

fn write(duration: &Duration) -> Result<String, &'static str> {
    let (seconds, nanos) = (
        duration.seconds.unsigned_abs(),
        duration.nanos.unsigned_abs(),
    );
    if seconds > SECONDS_MAX || nanos > NANOS_MAX {
        return Err(
            "a `Duration` of more than ten thousand years, or of more than a second of nanoseconds",
        );
    }
    if duration.seconds.signum() * i64::from(duration.nanos.signum()) < 0 {
        return Err("a `Duration` whose seconds and nanoseconds have different signs");
    }
    let mut text = String::with_capacity(24);
    if duration.seconds < 0 || duration.nanos < 0 {
        text.push('-');
    }
    text.push_str(itoa::Buffer::new().format(seconds));
    push_nanos(&mut text, nanos);
    text.push('s');
    Ok(text)
}

fn parse(text: &str) -> Option<Duration> {
    let rest = text.strip_suffix('s')?;
    let (sign, rest) = match rest.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, rest),
    };
    let (seconds, fraction) = match rest.split_once('.') {
        Some((seconds, fraction)) => (seconds, nanos(fraction)?),
        None => (rest, 0),
    };
    let seconds: u64 = are_digits(seconds).then(|| seconds.parse().ok())??;
    let in_range = seconds <= SECONDS_MAX;
    Some(Duration {
        seconds: in_range.then(|| i64::try_from(seconds).ok())?? * sign,
        nanos: fraction * sign as i32,
    })
}

as_text!(Duration, "a duration such as \"1.5s\"", write, parse);
