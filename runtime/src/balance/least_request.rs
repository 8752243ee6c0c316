//! To the better of a few chosen at random.

use super::{Balancer, Candidate, Pick, Picker, SlowStart, load, random::Random};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// Looked at for one call: more cost more and hardly find better ones (gRFC A48).
const CHOICES_MIN: usize = 2;
const CHOICES_MAX: usize = 10;

/// Below this everything is forgotten at once.
const DECAY_MIN: Duration = Duration::from_millis(1);

/// Sends each call to the least loaded of a few subchannels chosen at random
/// (gRFC A48, with Finagle's peak EWMA for the load). It finds out by itself
/// which servers are slow, full, hung or failing. For most services.
///
/// The load is how long calls take, multiplied by how many are in flight, this
/// one included. How long they take is the longest of late, forgotten with time.
/// Failed calls count as twice as long as others, however quick, and calls given
/// up as at least as long as they lasted. A subchannel of which nothing is known
/// counts as quick as the quickest it is compared with.
///
/// Weights of endpoints do not count, as in A48: what is in flight tells more.
#[derive(Debug)]
pub struct LeastRequest {
    choices: usize,
    /// `None` if only what is in flight counts.
    decay: Option<Duration>,
    slow_start: SlowStart,
    random: Random,
}

impl LeastRequest {
    /// The better of two, by latency and calls in flight.
    pub fn new() -> Self {
        Self {
            choices: CHOICES_MIN,
            decay: Some(load::DECAY),
            slow_start: SlowStart::new(),
            random: Random::default(),
        }
    }

    /// Among how many subchannels each call has the choice (`choice_count` of
    /// A48). Default 2, from 2 to 10. They are different ones: with as many
    /// as there are it is the least loaded of all.
    #[must_use]
    pub fn with_choices(mut self, choices: usize) -> Self {
        self.choices = choices.clamp(CHOICES_MIN, CHOICES_MAX);
        self
    }

    /// In which all but 37 % of a latency is forgotten. Default 10 s, at least 1 ms.
    #[must_use]
    pub fn with_decay(mut self, decay: Duration) -> Self {
        self.decay = Some(decay.max(DECAY_MIN));
        self
    }

    /// Counts what is in flight alone, as A48 has it. For streams, and for calls
    /// that take as long as they are asked to.
    #[must_use]
    pub fn without_latency(mut self) -> Self {
        self.decay = None;
        self
    }

    /// How new subchannels are spared. Default [`SlowStart::new`]: one that is new
    /// is left out of the choice as often as it is to get less than its share.
    #[must_use]
    pub fn with_slow_start(mut self, slow_start: SlowStart) -> Self {
        self.slow_start = slow_start;
        self
    }

    /// Chooses the same each time, for tests.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.random = Random::seeded(seed);
        self
    }
}

impl Default for LeastRequest {
    fn default() -> Self {
        Self::new()
    }
}

impl Balancer for LeastRequest {
    fn picker(&self, ready: Arc<[Candidate]>) -> Box<dyn Picker> {
        if let Some(decay) = self.decay {
            for candidate in &*ready {
                candidate.load.forget_over(decay);
            }
        }
        let now = Instant::now();
        Box::new(Choice {
            choices: self.choices,
            latency: self.decay.is_some(),
            slow_start: self.slow_start,
            new_until: now.checked_add(self.slow_start.remaining(&ready, now)),
            random: self.random.fork(),
            ready,
        })
    }
}

struct Choice {
    ready: Arc<[Candidate]>,
    choices: usize,
    latency: bool,
    slow_start: SlowStart,
    /// When none of them is new any more; `None` is never.
    new_until: Option<Instant>,
    random: Random,
}

/// One of those chosen at random.
#[derive(Clone, Copy, Default)]
struct Sample {
    place: usize,
    in_flight: u32,
    /// Nanoseconds; 0 if unknown.
    latency: f32,
    /// That it is not left out for being new.
    admitted: bool,
}

impl Picker for Choice {
    fn pick(&self, call: &Pick<'_>) -> Option<usize> {
        if call.tried.is_empty() {
            return self.least_of(self.ready.len(), |place| place);
        }
        let places = 0..self.ready.len();
        let untried = places.filter(|place| !call.has_tried(&self.ready[*place]));
        let untried: Vec<_> = untried.collect();
        self.least_of(untried.len(), |nth| untried[nth])
    }
}

impl Choice {
    /// The least loaded of a few of `count`, whose places are `place`.
    fn least_of(&self, count: usize, place: impl Fn(usize) -> usize) -> Option<usize> {
        let now = Instant::now();
        let sparing = self.new_until.is_none_or(|until| now < until);
        let mut draw = Draw::new(count);
        let mut samples = [Sample::default(); CHOICES_MAX];
        let samples = &mut samples[..self.choices.min(count)];
        for sample in &mut *samples {
            let place = place(draw.next(&self.random));
            let candidate = &self.ready[place];
            *sample = Sample {
                place,
                in_flight: candidate.load.in_flight(),
                latency: self.latency_of(candidate, now),
                admitted: !sparing
                    || self.random.fraction() < self.slow_start.share_of(candidate, now),
            };
        }
        // All of them may be new: then they are compared as if none were.
        let admitted = samples.iter().any(|sample| sample.admitted);
        let compared = samples.iter().filter(|sample| sample.admitted == admitted);
        let quickest = quickest(samples);
        let cost = |sample: &Sample| sample.cost(quickest);
        let least = compared.min_by(|a, b| cost(a).total_cmp(&cost(b)));
        least.map(|sample| sample.place)
    }

    fn latency_of(&self, candidate: &Candidate, now: Instant) -> f32 {
        match self.latency {
            true => candidate.load.latency_nanos(now),
            false => 0.0,
        }
    }
}

/// What those count as of which nothing is known.
fn quickest(samples: &[Sample]) -> f32 {
    let known = samples.iter().map(|sample| sample.latency);
    let quickest = known
        .filter(|latency| *latency > 0.0)
        .fold(f32::INFINITY, f32::min);
    if quickest.is_finite() { quickest } else { 1.0 }
}

impl Sample {
    fn cost(&self, quickest: f32) -> f32 {
        let latency = match self.latency > 0.0 {
            true => self.latency,
            false => quickest,
        };
        latency * (self.in_flight as f32 + 1.0)
    }
}

/// Draws numbers below a count, none twice.
struct Draw {
    count: usize,
    /// In ascending order.
    drawn: [usize; CHOICES_MAX],
    length: usize,
}

impl Draw {
    fn new(count: usize) -> Self {
        Self {
            count,
            drawn: [0; CHOICES_MAX],
            length: 0,
        }
    }

    fn next(&mut self, random: &Random) -> usize {
        let mut number = random.below(self.count - self.length);
        let mut at = 0;
        // The numbers that are left, counted from the lowest.
        while at < self.length && number >= self.drawn[at] {
            number += 1;
            at += 1;
        }
        self.drawn.copy_within(at..self.length, at + 1);
        self.drawn[at] = number;
        self.length += 1;
        number
    }
}
