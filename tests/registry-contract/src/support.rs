//! What the tests share.

use crate::Harness;
use cordial_runtime::{Address, Instance, Listing, Registry, Watch};
use std::{future::Future, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, timeout};

pub(crate) const SERVICE: &str = "contract.v1.Echo";

/// What ends a test that hangs: far beyond what any step needs.
pub(crate) const HANG: Duration = Duration::from_secs(60);

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    match timeout(HANG, future).await {
        Ok(done) => done,
        Err(_) => panic!("nothing came within {HANG:?}"),
    }
}

pub(crate) fn instance(id: &str) -> Instance {
    of_service(SERVICE, id)
}

pub(crate) fn of_service(service: &str, id: &str) -> Instance {
    // Each at an address of its own, of a network for documentation.
    let sum: u32 = id
        .bytes()
        .fold(7, |sum, byte| sum.wrapping_mul(31) + u32::from(byte));
    let address = format!("198.51.100.{}:{}", sum % 250 + 1, sum / 250 % 60_000 + 1);
    let address: Address = address.parse().expect("an address");
    Instance::new(service, id, address)
}

/// Ids in a list, sorted.
pub(crate) fn ids(listing: &Listing) -> Vec<String> {
    let mut ids: Vec<_> = listing
        .instances()
        .iter()
        .map(|one| one.id.clone())
        .collect();
    ids.sort();
    ids
}

pub(crate) fn one<'a>(listing: &'a Listing, id: &str) -> Option<&'a Instance> {
    let mut of_id = listing.instances().iter().filter(|one| one.id == id);
    let found = of_id.next();
    assert!(of_id.next().is_none(), "two have the id {id}: {listing:?}");
    found.map(|found| &**found)
}

/// A client, and its watch of the service of the tests.
pub(crate) fn watched<H: Harness>(harness: &H) -> (Arc<dyn Registry>, Watch) {
    let client = harness.client();
    let watch = Watch::new(harness.client(), SERVICE);
    (client, watch)
}

/// The first list that is as it should be. Errors on the way are passed over.
pub(crate) async fn until(watch: &mut Watch, right: impl Fn(&Listing) -> bool) -> Listing {
    let mut last = None;
    let found = timeout(HANG, async {
        loop {
            let listed = watch.next().await;
            if let Ok(listing) = &listed
                && right(listing)
            {
                return listing.clone();
            }
            last = Some(listed);
        }
    });
    match found.await {
        Ok(listing) => listing,
        Err(_) => panic!("no such list came within {HANG:?}; the last was {last:?}"),
    }
}

pub(crate) async fn until_ids(watch: &mut Watch, wanted: &[&str]) -> Listing {
    until(watch, |listing| ids(listing) == wanted).await
}

/// Registers, again if the registry was not reached.
pub(crate) async fn register(client: &Arc<dyn Registry>, instance: &Instance, lease: Duration) {
    let registered = async {
        while let Err(status) = client.register(instance, lease).await {
            assert_eq!(
                status.code(),
                cordial_runtime::Code::Unavailable,
                "{status}"
            );
            sleep(Duration::from_millis(50)).await;
        }
    };
    within(registered).await;
}

pub(crate) async fn deregister(client: &Arc<dyn Registry>, instance: &Instance) {
    let gone = within(client.deregister(instance)).await;
    gone.expect("the registry is there");
}

/// Asserts that nothing but lists for which `right` holds comes for so long.
pub(crate) async fn stays(watch: &mut Watch, time: Duration, right: impl Fn(&Listing) -> bool) {
    let end = Instant::now() + time;
    while let Ok(listed) = tokio::time::timeout_at(end, watch.next()).await {
        let listing = listed.expect("nothing is wrong");
        assert!(right(&listing), "{listing:?}");
    }
}
