//! What the tests of every registry use.

use cordial::{Instance, Listing, Watch};
use std::time::Duration;
use tokio::time::timeout;

pub const SERVICE: &str = "orders.v1.Orders";
/// A lease that outlasts the test.
pub const LONG: Duration = Duration::from_secs(120);

pub fn instance(id: &str) -> Instance {
    Instance::new(SERVICE, id, "10.0.0.7:50051".parse().unwrap())
}

/// The first list of `watch` that is right.
pub async fn until(watch: &mut Watch, right: impl Fn(&Listing) -> bool) -> Listing {
    let found = timeout(Duration::from_secs(60), async {
        loop {
            if let Ok(listing) = watch.next().await
                && right(&listing)
            {
                return listing;
            }
        }
    });
    found.await.expect("no such list came")
}
