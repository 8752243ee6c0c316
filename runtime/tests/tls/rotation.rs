//! Certificates and roots that change under load: no call fails.

use crate::{Authority, by_name, common::*, echo, names::shown, reload::Files, trusts_as};
use cordial_runtime::{Pem, ServerTls};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::time::{MissedTickBehavior, interval};

/// Seconds of load; the long run sets it.
const SECONDS: &str = "ROTATION_SECONDS";
const SECONDS_DEFAULT: u64 = 2;

const CHANNELS: u64 = 8;
const CALLS_PER_SECOND: u64 = 1_000;
const ROTATION: Duration = Duration::from_millis(250);

#[derive(Default)]
struct Tally {
    calls: AtomicU64,
    failures: AtomicU64,
    ended: AtomicBool,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_while_everything_rotates() {
    let seconds = std::env::var(SECONDS).map_or(SECONDS_DEFAULT, |text| text.parse().unwrap());
    let (servers, clients) = (Authority::new(), Authority::new());
    let files = Files::new("rotation");
    files.put(&servers.server("localhost"));
    files.write("roots", &clients.pem());
    let [chain, key, roots] = ["tls.crt", "tls.key", "roots"].map(|name| files.source(name));
    let tls = ServerTls::mutual(chain, key, roots).unwrap();
    let tls = tls.with_reload_interval(Duration::from_millis(20));
    let serving = Serving::start(echo(tls.clone())).await;

    let tally = Arc::new(Tally::default());
    let loads: Vec<_> = (0..CHANNELS)
        .map(|_| {
            let client = clients.client("client");
            let channel = by_name(&serving, trusts_as(&servers, &client));
            tokio::spawn(load(channel, tally.clone()))
        })
        .collect();

    let started = Instant::now();
    let mut rotations = 0;
    while started.elapsed() < Duration::from_secs(seconds) {
        tokio::time::sleep(ROTATION).await;
        let renewed = servers.server("localhost");
        files.put(&renewed);
        // Authorities come and go beside the one that signed the callers.
        files.write(
            "roots",
            &format!("{}{}", clients.pem(), Authority::new().pem()),
        );
        within(async {
            while shown(&serving, &servers, "localhost").await.unwrap() != renewed.der() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        let newcomer = by_name(&serving, trusts_as(&servers, &clients.client("new")));
        crate::call(&newcomer).await.unwrap();
        rotations += 1;
    }
    tally.ended.store(true, Relaxed);
    for load in loads {
        load.await.unwrap();
    }
    let (calls, failures) = (tally.calls.load(Relaxed), tally.failures.load(Relaxed));
    let rate = calls as f64 / started.elapsed().as_secs_f64();
    println!("{calls} calls ({rate:.0} a second), {failures} failed, {rotations} rotations");
    assert_eq!(failures, 0, "of {calls} calls");
    assert!(tls.reloads() >= rotations, "{} reloads", tls.reloads());
    // A machine that is busy with other things calls less often, and this tests no speed.
    assert!(calls > CALLS_PER_SECOND / 4 * seconds, "only {calls} calls");
}

/// Its share of the calls, each on time whether the last has ended or not.
async fn load(channel: cordial_runtime::Channel, tally: Arc<Tally>) {
    let mut ticks = interval(Duration::from_secs(1) / (CALLS_PER_SECOND / CHANNELS) as u32);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut calls = tokio::task::JoinSet::new();
    while !tally.ended.load(Relaxed) {
        ticks.tick().await;
        let (channel, tally) = (channel.clone(), tally.clone());
        calls.spawn(async move {
            tally.calls.fetch_add(1, Relaxed);
            if let Err(status) = crate::call(&channel).await {
                tally.failures.fetch_add(1, Relaxed);
                eprintln!("{status:?}");
            }
        });
        while calls.try_join_next().is_some() {}
    }
    calls.join_all().await;
}

/// What the docs say of a file holds for whoever clones the source.
#[test]
fn a_source_shows_its_path_and_no_key() {
    assert_eq!(format!("{:?}", Pem::file("/a/b")), "Pem(\"/a/b\")");
    assert_eq!(format!("{:?}", Pem::from("a key")), "Pem(..)");
}
