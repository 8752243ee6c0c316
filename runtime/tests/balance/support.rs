//! Endpoints, subchannels, and what pickers make of them.

use cordial_runtime::{Address, Balancer, Candidate, Endpoint, InFlight, Load, Pick, Picker};
use std::{sync::Arc, time::Duration};

/// The `nth` of 65,536 endpoints.
pub fn endpoint(nth: usize) -> Endpoint {
    let [high, low] = u16::try_from(nth).unwrap().to_be_bytes();
    Endpoint::new(Address::Tcp(([10, 0, high, low], 80).into()))
}

pub fn endpoints(count: usize) -> Vec<Endpoint> {
    (0..count).map(endpoint).collect()
}

/// Subchannels READY since now; the id of each is its place.
pub fn ready(endpoints: impl IntoIterator<Item = Endpoint>) -> Arc<[Candidate]> {
    let numbered = endpoints.into_iter().zip(0..);
    let ready = numbered.map(|(endpoint, id)| Candidate {
        id,
        endpoint,
        load: Arc::new(Load::new()),
    });
    ready.collect()
}

pub fn any() -> Pick<'static> {
    Pick::default()
}

pub fn hashed(hash: u64) -> Pick<'static> {
    Pick {
        hash: Some(hash),
        tried: &[],
    }
}

pub fn after(tried: &[u64]) -> Pick<'_> {
    Pick { hash: None, tried }
}

/// Where so many calls go, without taking any time.
pub fn picks(picker: &dyn Picker, count: usize) -> Vec<usize> {
    let picks = (0..count).map(|_| picker.pick(&any()).unwrap());
    picks.collect()
}

/// How many of `picks` go to each of `places`.
pub fn counts(picks: &[usize], places: usize) -> Vec<usize> {
    let count = |place| picks.iter().filter(|pick| **pick == place).count();
    (0..places).map(count).collect()
}

/// Which part of the calls each of `ready` gets now.
pub fn shares(balancer: &impl Balancer, ready: &Arc<[Candidate]>) -> Vec<f64> {
    const CALLS: usize = 40_000;
    let picker = balancer.picker(ready.clone());
    let counts = counts(&picks(&*picker, CALLS), ready.len());
    counts.iter().map(|n| *n as f64 / CALLS as f64).collect()
}

#[track_caller]
pub fn assert_near(found: f64, expected: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() <= tolerance,
        "{found} is not {expected} ± {tolerance}"
    );
}

/// So many calls in flight, until dropped.
pub fn calls(candidate: &Candidate, count: usize) -> Vec<InFlight> {
    (0..count).map(|_| candidate.load.start()).collect()
}

/// A call that takes `millis`.
pub async fn call(candidate: &Candidate, millis: u64, ok: bool) {
    let mut call = candidate.load.start();
    pass(millis).await;
    call.ended(ok);
}

pub async fn pass(millis: u64) {
    tokio::time::advance(Duration::from_millis(millis)).await;
}
