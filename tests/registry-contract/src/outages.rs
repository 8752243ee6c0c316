//! What happens when the registry is not there, or has lost what it knew.

use crate::{Harness, outage, servers::Echo, support::*};
use cordial_runtime::{Code, Watch};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Two leases, within which all servers are to be registered again, and what a busy
/// machine takes to start whatever was killed.
fn soon<H: Harness>() -> Duration {
    H::LEASE * 2 + H::SLACK + Duration::from_secs(5)
}

/// Waits until the servers are all listed, not longer than they may take.
async fn all_listed<H: Harness>(watch: &mut Watch, servers: &[&Echo]) {
    let begun = Instant::now();
    let mut wanted: Vec<_> = servers.iter().map(|server| &*server.id).collect();
    wanted.sort_unstable();
    until_ids(watch, &wanted).await;
    let took = begun.elapsed();
    assert!(took <= soon::<H>(), "registered again after {took:?}");
}

pub async fn a_wiped_registry_is_filled_again<H: Harness>() {
    let harness = H::start().await;
    let one = Echo::start(&harness, "one").await;
    let other = Echo::start(&harness, "other").await;
    let (client, mut watch) = watched(&harness);
    all_listed::<H>(&mut watch, &[&one, &other]).await;
    harness.wipe().await;
    let mut fresh = Watch::new(harness.client(), SERVICE);
    all_listed::<H>(&mut fresh, &[&one, &other]).await;
    // Whoever watched all the time has come to the same.
    register(&client, &instance("later"), H::LEASE * 30).await;
    until_ids(&mut watch, &["later", "one", "other"]).await;
}

pub async fn a_registry_that_restarts_empty_is_filled_again<H: Harness>() {
    let harness = H::start().await;
    let one = Echo::start(&harness, "one").await;
    let other = Echo::start(&harness, "other").await;
    let (_, mut watch) = watched(&harness);
    all_listed::<H>(&mut watch, &[&one, &other]).await;
    harness.restart_empty().await;
    let mut fresh = Watch::new(harness.client(), SERVICE);
    all_listed::<H>(&mut fresh, &[&one, &other]).await;
    one.kill();
    until_ids(&mut watch, &[&*other.id]).await;
}

pub async fn an_outage_is_told_to_all_and_passes<H: Harness>() {
    let harness = H::start().await;
    let (client, mut watch) = watched(&harness);
    register(&client, &instance("a"), H::LEASE).await;
    until_ids(&mut watch, &["a"]).await;
    harness.cut().await;
    let begun = Instant::now();
    let refused = within(client.register(&instance("a"), H::LEASE)).await;
    assert_eq!(
        refused.map_err(|status| status.code()),
        Err(Code::Unavailable)
    );
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(8), "it took {took:?} to say so");
    let told = async { while watch.next().await.is_ok() {} };
    within(told).await;
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(35), "it took {took:?} to say so");
    harness.mend().await;
    register(&client, &instance("b"), H::LEASE * 20).await;
    until(&mut watch, |listing| ids(listing).contains(&"b".to_owned())).await;
}

pub async fn what_happened_in_an_outage_is_known_after_it<H: Harness>() {
    let harness = H::start().await;
    let (client, mut watch) = watched(&harness);
    register(&client, &instance("expires"), H::LEASE).await;
    register(&client, &instance("stays"), H::LEASE * 30).await;
    until_ids(&mut watch, &["expires", "stays"]).await;
    harness.cut().await;
    sleep(H::LEASE + H::SLACK).await;
    harness.mend().await;
    // Either kept it all the time, or was told of it again.
    register(&client, &instance("stays"), H::LEASE * 30).await;
    until_ids(&mut watch, &["stays"]).await;
}

pub async fn a_long_outage_passes<H: Harness>() {
    let harness = H::start().await;
    let one = Echo::start(&harness, "one").await;
    let other = Echo::start(&harness, "other").await;
    let (_, mut watch) = watched(&harness);
    all_listed::<H>(&mut watch, &[&one, &other]).await;
    harness.cut().await;
    sleep(outage().max(H::LEASE * 2)).await;
    harness.mend().await;
    all_listed::<H>(&mut watch, &[&one, &other]).await;
    assert!(one.metrics.registrations_failed() > 0);
}

pub async fn outages_one_after_another_pass<H: Harness>() {
    let harness = H::start().await;
    let one = Echo::start(&harness, "one").await;
    let (client, mut watch) = watched(&harness);
    all_listed::<H>(&mut watch, &[&one]).await;
    for round in 0..5 {
        harness.cut().await;
        sleep(Duration::from_millis(100 * round)).await;
        harness.mend().await;
    }
    register(&client, &instance("b"), H::LEASE * 30).await;
    let wanted = ["b", &*one.id];
    until_ids(&mut watch, &wanted).await;
}
