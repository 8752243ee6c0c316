//! What of an instance comes back.

use crate::{Harness, support::*};
use cordial_runtime::{Address, Code, Instance};
use std::{path::PathBuf, time::Duration};
use tokio::time::timeout;
use tokio_stream::StreamExt;

const LONG: Duration = Duration::from_secs(120);

async fn comes_back<H: Harness>(registered: Instance) {
    let harness = H::start().await;
    let (client, mut watch) = watched(&harness);
    register(&client, &registered, LONG).await;
    let listing = until(&mut watch, |listing| !listing.instances().is_empty()).await;
    assert_eq!(one(&listing, &registered.id), Some(&registered));
    assert_eq!(listing.skipped(), 0);
}

pub async fn every_field_comes_back<H: Harness>() {
    let mut full = instance("full-1");
    full.address = "[2001:db8::7]:50051".parse().expect("an address");
    full.zone = Some("eu-1a".to_owned());
    full.weight = 65_535;
    full.healthy = false;
    full.methods = ["Say", "Shout", "_Whisper2"].map(str::to_owned).into();
    full.descriptor_hash = Some(u64::MAX - 1);
    full.started_millis = 1_790_000_000_123;
    full.metadata
        .insert("version".to_owned(), "1.2.3".to_owned());
    full.metadata.insert("empty".to_owned(), String::new());
    comes_back::<H>(full).await;
}

pub async fn every_character_comes_back<H: Harness>() {
    let mut odd = instance("A.z-0_9");
    odd.zone = Some("Zürich / 東京 \"1\" \\ 'a' = # % ? & <b> $(x) \u{1f600}".to_owned());
    for (key, value) in [
        ("slash/and\\back", "a/b\\c"),
        ("quote\"'`", "\"'`"),
        ("dots.*.>", "*.>"),
        ("space and = : ; , # % ?", " leading and trailing "),
        ("ключ-鍵-🔑", "значение\n\t\r\u{0} 値 \u{200b}\u{202e}"),
        ("../../etc/passwd", "${HOME} $(id) %41 &amp; {} []"),
    ] {
        odd.metadata.insert(key.to_owned(), value.to_owned());
    }
    comes_back::<H>(odd).await;
}

pub async fn the_longest_names_fit<H: Harness>() {
    let harness = H::start().await;
    let client = harness.client();
    let service = format!("a.{}", "s".repeat(198));
    let registered = of_service(&service, &"i".repeat(128));
    register(&client, &registered, LONG).await;
    let mut watch = cordial_runtime::Watch::new(harness.client(), &service);
    let listing = until(&mut watch, |listing| !listing.instances().is_empty()).await;
    assert_eq!(one(&listing, &registered.id), Some(&registered));
    deregister(&client, &registered).await;
    until_ids(&mut watch, &[]).await;
}

pub async fn the_largest_record_fits<H: Harness>() {
    let mut large = instance("large");
    large.methods = (0..1_000)
        .map(|nth| format!("Method{nth:04}OfALargeService"))
        .collect();
    // Of characters that are escaped wherever text is written down.
    large
        .metadata
        .insert("key".to_owned(), "\u{1}\"".repeat(8_000));
    comes_back::<H>(large).await;
}

pub async fn a_change_takes_the_place_of_what_was<H: Harness>() {
    let harness = H::start().await;
    let (client, mut watch) = watched(&harness);
    let mut changed = instance("a");
    register(&client, &changed, LONG).await;
    until(&mut watch, |list| one(list, "a") == Some(&instance("a"))).await;
    changed.healthy = false;
    changed.address = "198.51.100.9:9".parse().expect("an address");
    register(&client, &changed, LONG).await;
    let listing = until(&mut watch, |list| one(list, "a") == Some(&changed)).await;
    assert_eq!(ids(&listing), ["a"]);
}

pub async fn the_later_of_two_with_one_id_counts<H: Harness>() {
    let harness = H::start().await;
    let (one_client, mut watch) = watched(&harness);
    let other_client = harness.client();
    let (mut first, mut second) = (instance("a"), instance("a"));
    (first.weight, second.weight) = (1, 2);
    register(&one_client, &first, LONG).await;
    until(&mut watch, |list| one(list, "a") == Some(&first)).await;
    register(&other_client, &second, LONG).await;
    until(&mut watch, |list| one(list, "a") == Some(&second)).await;
}

pub async fn names_that_lead_elsewhere_are_refused<H: Harness>() {
    let harness = H::start().await;
    let (client, mut watch) = watched(&harness);
    for id in [
        "", ".", "..", "../a", "a/b", "a b", "a*", "a>b", "ä", "a\0b", "a\nb",
    ] {
        let refused = within(client.register(&instance(id), LONG)).await;
        assert_eq!(
            refused.map_err(|status| status.code()),
            Err(Code::InvalidArgument),
            "{id:?}"
        );
    }
    for service in ["", "..", "a/b", "../a.B", "a..B", "a.*", "a.>", "a b"] {
        let refused = within(client.register(&of_service(service, "a"), LONG)).await;
        let code = refused.map_err(|status| status.code());
        assert_eq!(code, Err(Code::InvalidArgument), "{service:?}");
        let first = within(client.watch(service).next())
            .await
            .expect("an answer");
        let code = first.map(|_| ()).map_err(|status| status.code());
        assert_eq!(code, Err(Code::InvalidArgument), "{service:?}");
    }
    let mut nowhere = instance("a");
    nowhere.address = Address::Unix(PathBuf::from("relative"));
    let refused = within(client.register(&nowhere, LONG)).await;
    assert_eq!(
        refused.map_err(|status| status.code()),
        Err(Code::InvalidArgument)
    );
    until_ids(&mut watch, &[]).await;
}

pub async fn rubbish_is_skipped_and_the_rest_serve<H: Harness>() {
    let harness = H::start().await;
    let (client, mut watch) = watched(&harness);
    register(&client, &instance("a"), LONG).await;
    let could = harness.write_rubbish(SERVICE).await;
    register(&client, &instance("b"), LONG).await;
    let listing = until_ids(&mut watch, &["a", "b"]).await;
    if could && listing.skipped() == 0 {
        until(&mut watch, |listing| {
            listing.skipped() > 0 && ids(listing) == ["a", "b"]
        })
        .await;
    }
    // A watch that begins now has it in its first list.
    let mut lists = client.watch(SERVICE);
    let first = within(lists.next()).await.expect("it goes on");
    let first = first.expect("the registry is there");
    assert_eq!(ids(&first), ["a", "b"]);
    assert_eq!(first.skipped() > 0, could, "{first:?}");
}

pub async fn deregistering_what_is_not_there_is_no_error<H: Harness>() {
    let harness = H::start().await;
    let (client, mut watch) = watched(&harness);
    deregister(&client, &instance("a")).await;
    register(&client, &instance("a"), LONG).await;
    until_ids(&mut watch, &["a"]).await;
    deregister(&client, &instance("a")).await;
    deregister(&client, &instance("a")).await;
    until_ids(&mut watch, &[]).await;
}

pub async fn a_dropped_registration_does_no_harm<H: Harness>() {
    let harness = H::start().await;
    let (client, mut watch) = watched(&harness);
    for micros in [0, 10, 50, 100, 200, 500, 1_000, 2_000, 5_000] {
        let mut dropped = instance("a");
        dropped.weight = 7;
        let given_up = Duration::from_micros(micros);
        let _ = timeout(given_up, client.register(&dropped, LONG)).await;
        let _ = timeout(given_up, client.deregister(&dropped)).await;
        // The same client goes on working, and what it says last holds.
        register(&client, &instance("b"), LONG).await;
        until(&mut watch, |list| one(list, "b").is_some()).await;
        deregister(&client, &instance("b")).await;
        until(&mut watch, |list| one(list, "b").is_none()).await;
    }
    register(&client, &instance("a"), LONG).await;
    until(&mut watch, |list| one(list, "a") == Some(&instance("a"))).await;
    // None of those that were dropped comes true after it.
    let is_last = |list: &_| one(list, "a") == Some(&instance("a"));
    stays(&mut watch, Duration::from_millis(300), is_last).await;
}
