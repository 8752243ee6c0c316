//! What a watcher is told, and when.

use crate::{Harness, support::*};
use cordial_runtime::{Registry, Watch};
use std::{sync::Arc, time::Duration};
use tokio::{task::JoinSet, time::sleep};
use tokio_stream::StreamExt;

/// A lease that does not pass in a test.
const LONG: Duration = Duration::from_secs(120);

pub async fn the_first_list_comes_though_nothing_is_registered<H: Harness>() {
    let harness = H::start().await;
    let mut lists = harness.client().watch(SERVICE);
    let first = within(lists.next()).await.expect("it goes on");
    assert!(ids(&first.expect("the registry is there")).is_empty());
}

pub async fn what_comes_and_goes_is_told<H: Harness>() {
    let harness = H::start().await;
    let (client, mut watch) = watched(&harness);
    until_ids(&mut watch, &[]).await;
    register(&client, &instance("a"), LONG).await;
    until_ids(&mut watch, &["a"]).await;
    register(&client, &instance("b"), LONG).await;
    until_ids(&mut watch, &["a", "b"]).await;
    deregister(&client, &instance("a")).await;
    until_ids(&mut watch, &["b"]).await;
    register(&client, &instance("a"), LONG).await;
    until_ids(&mut watch, &["a", "b"]).await;
}

pub async fn a_list_is_never_older_than_the_one_before<H: Harness>() {
    let harness = H::start().await;
    let (client, mut watch) = watched(&harness);
    const LAST: u32 = 60;
    let changes = async {
        for weight in 1..=LAST {
            let mut changed = instance("a");
            changed.weight = weight;
            register(&client, &changed, LONG).await;
        }
    };
    let order = async {
        let mut seen = 0;
        while seen < LAST {
            let listing = within(watch.next()).await.expect("the registry is there");
            let weight = one(&listing, "a").map_or(seen, |one| one.weight);
            assert!(weight >= seen, "{weight} came after {seen}");
            seen = weight;
        }
    };
    tokio::join!(changes, order);
}

pub async fn a_slow_watcher_has_the_last_list_soon<H: Harness>() {
    const CHANGES: u32 = 200;
    let harness = H::start().await;
    let (client, mut watch) = watched(&harness);
    until_ids(&mut watch, &[]).await;
    for weight in 1..=CHANGES {
        let mut changed = instance("a");
        changed.weight = weight;
        register(&client, &changed, LONG).await;
    }
    // Whatever is on its way has time to arrive.
    sleep(Duration::from_millis(500)).await;
    let mut lists = 0;
    let last = |list: &_| one(list, "a").is_some_and(|one| one.weight == CHANGES);
    while !last(&within(watch.next()).await.expect("the registry is there")) {
        lists += 1;
    }
    assert!(lists <= 20, "{lists} lists had piled up");
}

pub async fn every_watcher_is_told<H: Harness>() {
    let harness = H::start().await;
    let client = harness.client();
    let mut watchers = JoinSet::new();
    let shared = harness.client();
    for _ in 0..20 {
        let mut watch = Watch::new(shared.clone(), SERVICE);
        until_ids(&mut watch, &[]).await;
        watchers.spawn(async move { until_ids(&mut watch, &["a"]).await });
    }
    register(&client, &instance("a"), LONG).await;
    assert_eq!(within(watchers.join_all()).await.len(), 20);
}

pub async fn two_clients_see_the_same<H: Harness>() {
    let harness = H::start().await;
    let (one, mut of_one) = watched(&harness);
    let (other, mut of_other) = watched(&harness);
    register(&one, &instance("a"), LONG).await;
    register(&other, &instance("b"), LONG).await;
    until_ids(&mut of_one, &["a", "b"]).await;
    until_ids(&mut of_other, &["a", "b"]).await;
    // Whoever asks first may take out what the other has put in.
    deregister(&one, &instance("b")).await;
    until_ids(&mut of_one, &["a"]).await;
    until_ids(&mut of_other, &["a"]).await;
}

pub async fn services_whose_names_begin_alike_are_apart<H: Harness>() {
    let harness = H::start().await;
    let client = harness.client();
    let names = [
        "contract.v1.Echo",
        "contract.v1.Echo2",
        "contract.v1",
        "contract.v1.Echo.Inner",
    ];
    for name in names {
        register(&client, &of_service(name, "a"), LONG).await;
        register(&client, &of_service(name, &format!("of-{name}")), LONG).await;
    }
    for name in names {
        let mut watch = Watch::new(harness.client(), name);
        let of_name = format!("of-{name}");
        let listing = until_ids(&mut watch, &["a", &of_name]).await;
        assert!(
            listing.instances().iter().all(|one| one.service == name),
            "{listing:?}"
        );
    }
    deregister(&client, &of_service(names[0], "a")).await;
    let mut watch = Watch::new(harness.client(), names[1]);
    until_ids(&mut watch, &["a", "of-contract.v1.Echo2"]).await;
}

pub async fn many_instances_are_in_one_list<H: Harness>() {
    let harness = H::start().await;
    let (client, mut watch) = watched(&harness);
    let mut registering = JoinSet::new();
    const AT_ONCE: usize = 20;
    for first in 0..AT_ONCE {
        let client = client.clone();
        registering.spawn(async move {
            for nth in (first..H::MANY).step_by(AT_ONCE) {
                let mut many = instance(&format!("many-{nth}"));
                many.metadata.insert("nth".to_owned(), nth.to_string());
                register(&client, &many, LONG).await;
            }
        });
    }
    let all = until(&mut watch, |listing| listing.instances().len() == H::MANY);
    let (listing, ()) = tokio::join!(all, async { drop(registering.join_all().await) });
    for nth in 0..H::MANY {
        let found = one(&listing, &format!("many-{nth}")).expect("it is listed");
        assert_eq!(found.metadata["nth"], nth.to_string());
    }
    deregister(&client, &instance("many-0")).await;
    until(&mut watch, |listing| {
        listing.instances().len() == H::MANY - 1
    })
    .await;
}

pub async fn what_flickers_ends_as_it_was_left<H: Harness>() {
    let harness = H::start().await;
    let (client, mut watch) = watched(&harness);
    let flicker = async |last_is_there: bool| {
        for _ in 0..15 {
            register(&client, &instance("a"), LONG).await;
            deregister(&client, &instance("a")).await;
        }
        if last_is_there {
            register(&client, &instance("a"), LONG).await;
        }
    };
    flicker(true).await;
    until_ids(&mut watch, &["a"]).await;
    flicker(false).await;
    until_ids(&mut watch, &[]).await;
    stays(&mut watch, Duration::from_millis(300), |list| {
        ids(list).is_empty()
    })
    .await;
}

pub async fn a_watch_that_is_dropped_is_over<H: Harness>() {
    let harness = H::start().await;
    let client: Arc<dyn Registry> = harness.client();
    for round in 0..20 {
        let mut lists = client.watch(SERVICE);
        // Before its first list, and after.
        if round % 2 == 0 {
            let first = within(lists.next()).await.expect("it goes on");
            first.expect("the registry is there");
        }
    }
    // Those that come after them, of the same client, hear everything.
    let mut watch = Watch::new(client.clone(), SERVICE);
    until_ids(&mut watch, &[]).await;
    register(&client, &instance("a"), LONG).await;
    until_ids(&mut watch, &["a"]).await;
    deregister(&client, &instance("a")).await;
    until_ids(&mut watch, &[]).await;
}
