//! As many as are allowed are; one more is not.

use super::*;
use crate::engine::http2::frame::Reason;
use std::time::Duration;

const MAX: usize = 20;

fn limits() -> Limits {
    Limits::default()
        .with_remote_resets_max(MAX)
        .with_local_resets_max(MAX)
        .with_control_frames_max(MAX)
        .with_ping_strikes_max(2)
        .with_ping_interval_min(Duration::from_secs(10))
        .with_idle_ping_interval_min(Duration::from_secs(100))
}

fn strikes() -> (Strikes, Instant) {
    let now = Instant::now();
    (Strikes::new(&limits(), Side::Server, now), now)
}

/// How often `strike` may happen, and of which limit the next one is.
fn times(mut strike: impl FnMut() -> Result<(), Fatal>) -> (usize, Option<Limit>) {
    for count in 0..1_000 {
        if let Err(fatal) = strike() {
            assert_eq!(fatal.reason, Reason::EnhanceYourCalm);
            return (count, fatal.limit);
        }
    }
    (1_000, None)
}

#[test]
fn as_often_as_allowed() {
    let (mut strikes, now) = strikes();
    assert_eq!(
        times(|| strikes.reset(now)),
        (MAX, Some(Limit::RemoteResetsMax))
    );
    assert_eq!(
        times(|| strikes.local_reset()),
        (MAX, Some(Limit::LocalResetsMax))
    );
    assert_eq!(
        times(|| strikes.frame()),
        (MAX, Some(Limit::ControlFramesMax))
    );
    let (mut strikes, _) = self::strikes();
    let empty = times(|| strikes.empty_data());
    assert_eq!(
        empty,
        (MAX / EMPTY_DATA_FRAMES, Some(Limit::ControlFramesMax))
    );
}

#[test]
fn calls_that_end_make_up_for_some() {
    let (mut strikes, now) = strikes();
    for _ in 0..MAX {
        assert_eq!(strikes.reset(now), Ok(()));
        assert_eq!(strikes.local_reset(), Ok(()));
        assert_eq!(strikes.frame(), Ok(()));
    }
    strikes.call_ended();
    assert_eq!(times(|| strikes.reset(now)).0, 1);
    assert_eq!(times(|| strikes.local_reset()).0, 1);
    assert_eq!(times(|| strikes.frame()).0, FRAMES_PER_CALL);
    // There is no saving up.
    let (mut strikes, _) = self::strikes();
    (0..100).for_each(|_| strikes.call_ended());
    assert_eq!(times(|| strikes.frame()).0, MAX);
    assert_eq!(times(|| strikes.reset(now)).0, MAX);
}

#[test]
fn seconds_make_up_for_resets_alone() {
    let (mut strikes, now) = strikes();
    for _ in 0..MAX {
        assert_eq!(strikes.reset(now), Ok(()));
        assert_eq!(strikes.frame(), Ok(()));
    }
    let later = now + Duration::from_millis(350);
    assert_eq!(times(|| strikes.reset(later)).0, 3);
    assert!(strikes.frame().is_err());
    // Ten a second, for as long as it may be.
    let (mut strikes, mut now) = self::strikes();
    for _ in 0..1_000 {
        now += Duration::from_millis(101);
        assert_eq!(strikes.reset(now), Ok(()));
    }
}

#[test]
fn frames_that_were_sent_make_up_for_frames() {
    let (mut strikes, _) = strikes();
    for _ in 0..MAX {
        assert_eq!(strikes.frame(), Ok(()));
    }
    strikes.sent(0);
    assert_eq!(times(|| strikes.frame()).0, 2);
}

#[test]
fn window_updates_for_what_was_sent() {
    let (mut strikes, _) = strikes();
    // What was sent may be answered twice: for the stream and for the connection.
    strikes.sent(64 << 10);
    assert_eq!(
        times(|| strikes.window_update(4 << 10)),
        (32 + MAX, Some(Limit::ControlFramesMax))
    );
    let (mut strikes, _) = self::strikes();
    strikes.sent(1 << 20);
    let small = times(|| strikes.window_update(UPDATE_BYTES_MIN - 1)).0;
    assert_eq!(small, MAX, "crumbs");
    assert_eq!(strikes.window_update(UPDATE_BYTES_MIN), Ok(()));
    let (mut strikes, _) = self::strikes();
    strikes.sent(1 << 20);
    let large = times(|| strikes.window_update((2 << 20) + 1)).0;
    assert_eq!(large, MAX, "more than was sent");
    assert_eq!(strikes.window_update(2 << 20), Ok(()), "all of it at once");
}

#[test]
fn pings_that_come_too_often() {
    let (mut strikes, now) = strikes();
    let limits = limits();
    // The first tells nothing; then two strikes, and out.
    let pings = times(|| strikes.ping(now, true, &limits));
    assert_eq!(pings, (3, Some(Limit::PingStrikesMax)));
    assert_eq!(TOO_MANY_PINGS, "too_many_pings");
}

#[test]
fn pings_that_are_far_enough_apart() {
    let limits = limits();
    for (calls, apart) in [(true, 10), (false, 100)] {
        let (mut strikes, mut now) = strikes();
        for _ in 0..50 {
            assert_eq!(strikes.ping(now, calls, &limits), Ok(()));
            now += Duration::from_secs(apart);
        }
        let (mut strikes, mut now) = self::strikes();
        let pings = times(|| {
            now += Duration::from_secs(apart) - Duration::from_millis(1);
            strikes.ping(now, calls, &limits)
        });
        assert_eq!(pings.0, 3);
    }
}

#[test]
fn what_is_sent_makes_up_for_pings() {
    let (mut strikes, now) = strikes();
    let limits = limits();
    for _ in 0..50 {
        assert_eq!(strikes.ping(now, true, &limits), Ok(()));
        assert_eq!(strikes.ping(now, true, &limits), Ok(()));
        assert_eq!(strikes.ping(now, true, &limits), Ok(()));
        strikes.sent(0);
    }
}

#[test]
fn a_server_is_minded_by_its_rate() {
    let now = Instant::now();
    let mut strikes = Strikes::new(&limits(), Side::Client, now);
    let at_once = times(|| strikes.ping(now, false, &limits()));
    assert_eq!(at_once, (MAX, Some(Limit::ControlFramesMax)));
    let mut strikes = Strikes::new(&limits(), Side::Client, now);
    let mut later = now;
    for _ in 0..10 * MAX {
        later += Duration::from_millis(1);
        strikes.forgive(later);
        assert_eq!(strikes.ping(later, false, &limits()), Ok(()));
    }
}
