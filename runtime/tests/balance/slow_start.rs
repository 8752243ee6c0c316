use cordial_runtime::SlowStart;
use std::time::Duration;

fn over_30() -> SlowStart {
    SlowStart::new()
}

/// gRFC A100: `max(floor, (max(age, 1 s) / window) ^ (1 / aggression))`.
#[test]
fn the_share_grows_as_a100_has_it() {
    for (name, slow_start, age_millis, share) in [
        ("default", over_30(), 0, 0.1),
        ("default", over_30(), 3_000, 0.1),
        ("default", over_30(), 6_000, 0.2),
        ("default", over_30(), 15_000, 0.5),
        ("default", over_30(), 29_999, 0.999_966_666),
        ("default", over_30(), 30_000, 1.0),
        ("default", over_30(), 90_000, 1.0),
        ("aggression 2", over_30().with_aggression(2.0), 7_500, 0.5),
        (
            "aggression 0.5",
            over_30().with_aggression(0.5),
            15_000,
            0.25,
        ),
        ("aggression 0", over_30().with_aggression(0.0), 15_000, 0.5),
        (
            "aggression -1",
            over_30().with_aggression(-1.0),
            15_000,
            0.5,
        ),
        (
            "no number",
            over_30().with_aggression(f64::NAN),
            15_000,
            0.5,
        ),
        ("no floor", over_30().with_floor_percent(0), 0, 1.0 / 30.0),
        (
            "no floor",
            over_30().with_floor_percent(0),
            1_000,
            1.0 / 30.0,
        ),
        ("floor 50", over_30().with_floor_percent(50), 3_000, 0.5),
        ("floor 100", over_30().with_floor_percent(100), 0, 1.0),
        ("floor 101", over_30().with_floor_percent(101), 0, 1.0),
        ("off", SlowStart::off(), 0, 1.0),
        ("window 10 s", over_30().with_window(secs(10)), 5_000, 0.5),
        (
            "window 1 ms",
            over_30().with_window(Duration::from_millis(1)),
            0,
            1.0,
        ),
    ] {
        let found = slow_start.share_at(Duration::from_millis(age_millis));
        let near = (found - share).abs() < 1e-6;
        assert!(near, "{name}, after {age_millis} ms: {found}, not {share}");
    }
    assert_eq!(SlowStart::default(), SlowStart::new());
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}
