//! How many calls at once are best: as many as take about as long as a few do.

use super::samples::{Samples, Window};
use crate::method::Method;
use std::sync::{
    Mutex,
    atomic::{
        AtomicBool, AtomicU64, AtomicUsize,
        Ordering::{Relaxed, SeqCst},
    },
};
use tokio::time::{Duration, Instant};

/// A window lasts at least this long,
const WINDOW: Duration = Duration::from_millis(100);

/// and until as many calls have ended.
const SAMPLES_MIN: u64 = 50;

/// Calls that take twice as long as usual: one in binary logarithms.
const TOLERANCE: f64 = 1.0;

/// How many windows in a row have to be slow before anything is limited. One
/// may be a pause of the machine.
const SLOW_WINDOWS: u32 = 2;

/// What is usual follows what is, without a limit in force: down within a few
/// seconds, up within a minute. A queue that builds up is faster than that.
const USUAL_DOWN: Duration = Duration::from_secs(4);
const USUAL_UP: Duration = Duration::from_secs(60);

/// While a limit is in force nobody knows any more how long calls take without
/// a queue. So now and then a quarter of the calls is let in for a moment.
const PROBE_SHARE: f64 = 0.25;
const PROBE_TIME_MAX: Duration = Duration::from_millis(500);
const PROBE_SAMPLES_MIN: u64 = 10;

/// The pause between probes doubles from the first to the second of these
/// while they find what was known already.
const PROBE_PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
const PROBE_NEWS: f64 = 0.3;

/// A limit that follows measured latencies.
#[derive(Debug)]
pub(super) struct Gradient {
    calls_min: usize,
    calls_max: usize,
    born: Instant,
    limit: AtomicUsize,
    /// The limit that holds, and will hold again where a probe goes on.
    learned: AtomicUsize,
    samples: Samples,
    count: AtomicU64,
    peak: AtomicUsize,
    /// Times are in nanoseconds since `born`. The window may end after this one,
    window_end: AtomicU64,
    /// and calls that began before this one tell of a limit that no longer holds.
    since: AtomicU64,
    probing: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    limit: f64,
    window_start: u64,
    slow_windows: u32,
    probe_at: u64,
    probe_pause: Duration,
}

impl Gradient {
    /// Between `calls_min` and `calls_max`, the latter until calls turn slow.
    pub(super) fn new(calls_min: usize, calls_max: usize) -> Self {
        Self {
            calls_min: calls_min.min(calls_max),
            calls_max,
            born: Instant::now(),
            limit: AtomicUsize::new(calls_max),
            learned: AtomicUsize::new(calls_max),
            samples: Samples::new(),
            count: AtomicU64::new(0),
            peak: AtomicUsize::new(0),
            window_end: AtomicU64::new(nanos(WINDOW)),
            since: AtomicU64::new(0),
            probing: AtomicBool::new(false),
            state: Mutex::new(State {
                limit: calls_max as f64,
                window_start: 0,
                slow_windows: 0,
                probe_at: 0,
                probe_pause: PROBE_PAUSE.0,
            }),
        }
    }

    pub(super) fn limit(&self) -> usize {
        self.limit.load(SeqCst)
    }

    /// The same, whether or not a probe goes on.
    pub(super) fn learned(&self) -> usize {
        self.learned.load(SeqCst)
    }

    pub(super) fn now(&self) -> u64 {
        nanos(self.born.elapsed())
    }

    pub(super) fn place_of(&self, method: Method) -> usize {
        self.samples.place_of(method)
    }

    /// A call that began at `begun` has ended, with `in_flight` at once.
    /// Whether the limit was moved.
    pub(super) fn ended(
        &self,
        place: usize,
        begun: u64,
        latency: Duration,
        answered: bool,
        in_flight: usize,
    ) -> bool {
        if self.calls_min == self.calls_max || begun < self.since.load(Relaxed) {
            return false;
        }
        if answered {
            self.samples.answered(place, latency);
        } else if !self.samples.given_up(place, latency) {
            return false;
        }
        if in_flight > self.peak.load(Relaxed) {
            self.peak.fetch_max(in_flight, Relaxed);
        }
        let count = self.count.fetch_add(1, Relaxed) + 1;
        (count >= SAMPLES_MIN || self.probing.load(Relaxed)) && self.turn(count)
    }

    /// Ends a probe that takes too long, though no call does end. Whether it did.
    pub(super) fn overdue(&self) -> bool {
        self.probing.load(Relaxed) && self.turn(0)
    }

    /// Ends the window if it is time to.
    fn turn(&self, count: u64) -> bool {
        let now = self.now();
        if now < self.window_end.load(Relaxed) {
            return false;
        }
        // Whoever holds it ends this window.
        let Ok(mut state) = self.state.try_lock() else {
            return false;
        };
        let probing = self.probing.load(Relaxed);
        let late = now.saturating_sub(state.window_start) >= nanos(PROBE_TIME_MAX);
        let enough = count >= SAMPLES_MIN || (probing && late);
        if now < self.window_end.load(Relaxed) || !enough {
            return false;
        }
        let before = self.limit();
        if probing {
            self.end_probe(&mut state, now);
        } else {
            self.follow(&mut state, now);
        }
        state.window_start = now;
        self.count.store(0, Relaxed);
        self.peak.store(0, Relaxed);
        self.window_end.store(now + nanos(WINDOW), Relaxed);
        self.limit() != before
    }

    /// Moves the limit towards where calls take twice as long as usual.
    fn follow(&self, state: &mut State, now: u64) {
        let limited = state.limit < self.calls_max as f64;
        let lasted = Duration::from_nanos(now.saturating_sub(state.window_start));
        let (mut slowness, mut calls) = (0.0, 0.0);
        self.samples.take(|window| {
            let slower = window.usual.map_or(0.0, |usual| window.mean - usual);
            slowness += slower * window.count as f64;
            calls += window.count as f64;
            usual_after(window, slower, lasted, limited)
        });
        let slowness = slowness / f64::max(calls, 1.0);

        let slow = slowness > TOLERANCE;
        state.slow_windows = if slow { state.slow_windows + 1 } else { 0 };
        if slow && (limited || state.slow_windows >= SLOW_WINDOWS) {
            // What is in flight is what made them slow, wherever the limit was.
            let peak = self.peak.load(Relaxed) as f64;
            let factor = (TOLERANCE - slowness).exp2().max(0.5);
            state.limit = state.limit.min(peak.max(1.0)) * factor;
            self.since.store(now, Relaxed);
            if !limited {
                state.probe_pause = PROBE_PAUSE.0;
                state.probe_at = now + nanos(state.probe_pause);
            }
        }
        if limited || !slow {
            // Room to find out whether more would be as fast.
            state.limit += state.limit.sqrt();
        }
        state.limit = self.within(state.limit);
        self.learned.store(state.limit as usize, SeqCst);
        let limited = state.limit < self.calls_max as f64;
        if limited && now >= state.probe_at {
            self.begin_probe(state, now);
        } else {
            self.limit.store(state.limit as usize, SeqCst);
        }
    }

    fn begin_probe(&self, state: &State, now: u64) {
        let limit = (state.limit * PROBE_SHARE) as usize;
        self.limit.store(limit.max(2), SeqCst);
        self.since.store(now, Relaxed);
        self.probing.store(true, Relaxed);
    }

    /// What calls took during the probe is what is usual from now on.
    fn end_probe(&self, state: &mut State, now: u64) {
        let mut news: f64 = 0.0;
        self.samples.take(|window| {
            let Some(usual) = window.usual else {
                return window.mean;
            };
            // Of few calls, or of none that were quick enough, half is believed.
            let believed = if window.count < PROBE_SAMPLES_MIN {
                0.5
            } else {
                1.0
            };
            news = news.max((window.mean - usual).abs());
            usual + (window.mean - usual) * believed
        });
        state.probe_pause = match news < PROBE_NEWS {
            true => (state.probe_pause * 2).min(PROBE_PAUSE.1),
            false => PROBE_PAUSE.0,
        };
        state.probe_at = now + nanos(state.probe_pause);
        self.limit.store(state.limit as usize, SeqCst);
        self.probing.store(false, Relaxed);
    }

    fn within(&self, limit: f64) -> f64 {
        limit.clamp(self.calls_min as f64, self.calls_max as f64)
    }
}

/// What is usual after a window that was `slower`.
fn usual_after(window: Window, slower: f64, lasted: Duration, limited: bool) -> f64 {
    let Some(usual) = window.usual else {
        return window.mean;
    };
    let within = match slower > 0.0 {
        true if limited => return usual,
        true => USUAL_UP,
        false => USUAL_DOWN,
    };
    let step = (lasted.as_secs_f64() / within.as_secs_f64()).min(1.0);
    usual + slower * step
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
