//! How long an instance is listed.

use crate::{Harness, support::*};
use tokio::time::{Instant, sleep};

pub async fn an_instance_is_listed_for_its_lease_and_no_longer<H: Harness>() {
    let harness = H::start().await;
    let (client, mut watch) = watched(&harness);
    let begun = Instant::now();
    register(&client, &instance("a"), H::LEASE).await;
    let registered = Instant::now();
    until_ids(&mut watch, &["a"]).await;
    until_ids(&mut watch, &[]).await;
    let listed = begun.elapsed();
    assert!(listed >= H::LEASE, "listed for {listed:?} only");
    let late = registered.elapsed();
    assert!(late <= H::LEASE + H::SLACK, "listed for {late:?}");
}

pub async fn a_renewed_instance_is_in_every_list<H: Harness>() {
    let harness = H::start().await;
    let (client, mut watch) = watched(&harness);
    register(&client, &instance("a"), H::LEASE).await;
    until_ids(&mut watch, &["a"]).await;
    let renews = async {
        for _ in 0..9 {
            sleep(H::LEASE / 3).await;
            register(&client, &instance("a"), H::LEASE).await;
        }
    };
    let here = stays(&mut watch, H::LEASE * 3, |list| ids(list) == ["a"]);
    tokio::join!(renews, here);
}

pub async fn a_renewal_changes_nothing<H: Harness>() {
    let harness = H::start().await;
    let (client, mut watch) = watched(&harness);
    let registered = instance("a");
    register(&client, &registered, H::LEASE * 3).await;
    until_ids(&mut watch, &["a"]).await;
    for _ in 0..5 {
        register(&client, &registered, H::LEASE * 3).await;
    }
    let same = |list: &_| one(list, "a") == Some(&registered);
    stays(&mut watch, H::LEASE, same).await;
}

pub async fn an_expired_instance_is_registered_again<H: Harness>() {
    let harness = H::start().await;
    let (client, mut watch) = watched(&harness);
    for _ in 0..2 {
        register(&client, &instance("a"), H::LEASE).await;
        until_ids(&mut watch, &["a"]).await;
        until_ids(&mut watch, &[]).await;
    }
}

pub async fn the_leases_of_two_instances_are_apart<H: Harness>() {
    let harness = H::start().await;
    let (client, mut watch) = watched(&harness);
    register(&client, &instance("a"), H::LEASE).await;
    register(&client, &instance("b"), H::LEASE).await;
    until_ids(&mut watch, &["a", "b"]).await;
    let renews = async {
        loop {
            register(&client, &instance("b"), H::LEASE).await;
            sleep(H::LEASE / 3).await;
        }
    };
    tokio::select! {
        () = renews => unreachable!("it does not end"),
        listing = until_ids(&mut watch, &["b"]) => drop(listing),
    }
}
