//! `Timestamp`: `2026-11-23T03:10:00.500Z`.

use super::{as_text, nanos, push_nanos, push_padded};
use crate::json::text::are_digits;
use prost_types::Timestamp;

/// From the first second of the year 1 to the last one of 9999.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
const NANOS: std::ops::RangeInclusive<i32> = 0..=999_999_999;

const DAY_SECONDS: i64 = 86_400;

/// Days from the first of March of the year 0 to the first of January 1970.
const DAYS_TO_1970: i64 = 719_468;

/// In four hundred years the calendar begins anew.
const ERA_DAYS: i64 = 146_097;

fn write(timestamp: &Timestamp) -> Result<String, &'static str> {
    if !SECONDS.contains(&timestamp.seconds) || !NANOS.contains(&timestamp.nanos) {
        return Err(
            "a `Timestamp` outside of the years 1 to 9999, or of more than a second of nanoseconds",
        );
    }
    let (year, month, day) = date(timestamp.seconds.div_euclid(DAY_SECONDS));
    let second = timestamp.seconds.rem_euclid(DAY_SECONDS);
    let mut text = String::with_capacity(30);
    for (value, width, end) in [
        (year, 4, '-'),
        (month, 2, '-'),
        (day, 2, 'T'),
        (second / 3600, 2, ':'),
        (second / 60 % 60, 2, ':'),
    ] {
        push_padded(&mut text, value as u32, width);
        text.push(end);
    }
    push_padded(&mut text, (second % 60) as u32, 2);
    push_nanos(&mut text, timestamp.nanos.unsigned_abs());
    text.push('Z');
    Ok(text)
}

/// Year, month and day of a day since 1970. Years begin in March here, so that a leap day is their last.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + DAYS_TO_1970;
    let (era, of_era) = (days.div_euclid(ERA_DAYS), days.rem_euclid(ERA_DAYS));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// The day since 1970 of a date.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let from_march = (month + 9) % 12;
    let of_year = (153 * from_march + 2) / 5 + day - 1;
    era * ERA_DAYS + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year
        - DAYS_TO_1970
}

fn parse(text: &str) -> Option<Timestamp> {
    let (fixed, rest) = (text.get(..19)?, text.get(19..)?);
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if separators
        .iter()
        .any(|(at, separator)| fixed.as_bytes()[*at] != *separator)
    {
        return None;
    }
    let (year, month, day) = (
        number(&fixed[..4])?,
        number(&fixed[5..7])?,
        number(&fixed[8..10])?,
    );
    let (hour, minute, second) = (
        number(&fixed[11..13])?,
        number(&fixed[14..16])?,
        number(&fixed[17..])?,
    );
    let (nanos, zone) = match rest.strip_prefix('.') {
        Some(rest) => {
            let end = rest.find(|letter: char| !letter.is_ascii_digit())?;
            (nanos(&rest[..end])?, &rest[end..])
        }
        None => (0, rest),
    };
    let since_1970 = days(year, month, day);
    let exists = (1..=12).contains(&month) && date(since_1970) == (year, month, day);
    if !exists || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = since_1970 * DAY_SECONDS + hour * 3600 + minute * 60 + second - offset(zone)?;
    SECONDS
        .contains(&seconds)
        .then_some(Timestamp { seconds, nanos })
}

/// The seconds that a zone, `Z` or `+01:30`, is ahead of UTC.
fn offset(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = zone[1..].split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

fn number(digits: &str) -> Option<i64> {
    are_digits(digits).then(|| digits.parse().ok())?
}

as_text!(
    Timestamp,
    "a time such as \"2026-11-23T03:10:00Z\"",
    write,
    parse
);
