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
const WINDOW: Duration = Duration::from_millis(50);

/// and until as many calls have ended.
const SAMPLES_MIN: u64 = 25;

/// Calls that take twice as long as usual: one in binary logarithms.
const TOLERANCE: f64 = 1.0;

/// How many windows in a row have to be slow before anything is limited. One
/// may be a pause of the machine.
const SLOW_WINDOWS: u32 = 2;

/// The limit goes down by no more at once. Before the next step those calls
/// have ended that are over it; and critical calls, which pass those that wait
/// but not those in flight, should find room while that takes its time.
const STEP_DOWN_MIN: f64 = 0.7;

/// What is usual follows what is, without a limit in force: down within a few
/// seconds, up within a minute. A queue that builds up is faster than that.
const USUAL_DOWN: Duration = Duration::from_secs(4);
const USUAL_UP: Duration = Duration::from_secs(60);

/// A limit rests a little over the tolerance, since it is always tried a little
/// higher; over this it is still on its way down.
const SETTLED: f64 = TOLERANCE + 0.5;

/// While a limit is in force nobody knows any more how long calls take without
/// a queue. So now and then a quarter of the calls is let in for a moment.
const PROBE_SHARE: f64 = 0.25;
/// Of critical calls it is a little more. (Half would be too many: calls that
/// take twice as long as usual take half of that, which is no news, with half
/// of them.)
const PROBE_SHARE_CRITICAL: f64 = 0.375;
/// A probe takes four times as long as calls do, within these bounds, and a
/// tenth of the time at most.
const PROBE_TIME: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));
const PROBE_CALLS: f64 = 4.0;
const PROBE_DUTY: u32 = 10;
/// What a probe of few calls finds is half believed.
const PROBE_SAMPLES_MIN: u64 = 10;
/// What is usual rises by this (in binary logarithms) if no call ended during
/// a probe: calls that long can only be guessed at, and rather let in.
const PROBE_BLIND: f64 = 0.1;

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
    /// and calls that began before this one tell of a limit that no longer
    /// holds. [`DRAINING`] while more of those are in flight than there may be.
    since: AtomicU64,
    probing: AtomicBool,
    state: Mutex<State>,
}

const DRAINING: u64 = u64::MAX;

#[derive(Debug)]
struct State {
    limit: f64,
    window_start: u64,
    slow_windows: u32,
    probe_at: u64,
    probe_pause: Duration,
    probe_time: Duration,
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
                probe_time: PROBE_TIME.0,
            }),
        }
    }

    /// Whether it ever moves.
    pub(super) fn is_adaptive(&self) -> bool {
        self.calls_min < self.calls_max
    }

    /// How many calls may be handled at once.
    pub(super) fn limit(&self) -> usize {
        self.limit.load(SeqCst)
    }

    /// The same for critical calls.
    pub(super) fn limit_critical(&self) -> usize {
        match self.probing.load(Relaxed) {
            true => share(self.learned() as f64, PROBE_SHARE_CRITICAL),
            false => self.limit(),
        }
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

    /// A call that began at `begun` has ended, one of `in_flight` at once.
    /// Whether the limit was moved.
    pub(super) fn ended(
        &self,
        place: usize,
        begun: u64,
        latency: Option<Duration>,
        answered: bool,
        in_flight: usize,
    ) -> bool {
        if !self.is_adaptive() {
            return false;
        }
        let since = self.since.load(Relaxed);
        if since == DRAINING && in_flight <= self.limit_critical() {
            self.since.store(self.now(), Relaxed);
        }
        let Some(latency) = latency.filter(|_| begun >= since) else {
            return self.overdue();
        };
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

    /// Ends a probe that has taken long enough. Whether it did.
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
        let late = now.saturating_sub(state.window_start) >= nanos(state.probe_time);
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
        let (mut slowness, mut calls, mut latency) = (0.0, 0.0, 0.0);
        self.samples.take(|window| {
            let slower = window.usual.map_or(0.0, |usual| window.mean - usual);
            slowness += slower * window.count as f64;
            calls += window.count as f64;
            latency += window.mean * window.count as f64;
            usual_after(window, slower, lasted, limited)
        });
        let calls = f64::max(calls, 1.0);
        let slowness = slowness / calls;
        state.probe_time = Duration::from_nanos((latency / calls).exp2() as u64)
            .mul_f64(PROBE_CALLS)
            .clamp(PROBE_TIME.0, PROBE_TIME.1);

        let slow = slowness > TOLERANCE;
        state.slow_windows = if slow { state.slow_windows + 1 } else { 0 };
        if slow && (limited || state.slow_windows >= SLOW_WINDOWS) {
            // What is in flight is what made them slow, wherever the limit was.
            let peak = self.peak.load(Relaxed) as f64;
            let factor = (TOLERANCE - slowness).exp2().max(STEP_DOWN_MIN);
            state.limit = state.limit.min(peak.max(1.0)) * factor;
            self.since.store(DRAINING, Relaxed);
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
        // On the way down a quarter of the calls are still a queue: they would
        // make one usual.
        let settled = slowness < SETTLED || state.limit <= self.calls_min as f64;
        if limited && settled && now >= state.probe_at {
            self.begin_probe(state);
        } else {
            self.limit.store(state.limit as usize, SeqCst);
        }
    }

    fn begin_probe(&self, state: &State) {
        self.limit.store(share(state.limit, PROBE_SHARE), SeqCst);
        self.since.store(DRAINING, Relaxed);
        self.probing.store(true, Relaxed);
    }

    /// What calls took during the probe is what is usual from now on.
    fn end_probe(&self, state: &mut State, now: u64) {
        let mut news: f64 = 0.0;
        let mut blind = true;
        self.samples.take(|window| {
            let Some(usual) = window.usual else {
                return window.mean;
            };
            blind = false;
            let believed = if window.count < PROBE_SAMPLES_MIN {
                0.5
            } else {
                1.0
            };
            news = news.max((window.mean - usual).abs());
            usual + (window.mean - usual) * believed
        });
        if blind {
            self.samples.raise(PROBE_BLIND);
            news = PROBE_BLIND;
        }
        let took = Duration::from_nanos(now.saturating_sub(state.window_start));
        state.probe_pause = match news < PROBE_NEWS {
            true => (state.probe_pause * 2).min(PROBE_PAUSE.1),
            false => PROBE_PAUSE.0,
        };
        state.probe_at = now + nanos(state.probe_pause.max(took * PROBE_DUTY));
        self.since.store(DRAINING, Relaxed);
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

/// Two calls at least: one may be the slow one of its kind.
fn share(limit: f64, share: f64) -> usize {
    ((limit * share) as usize).max(2)
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
