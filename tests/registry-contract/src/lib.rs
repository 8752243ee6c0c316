//! What every registry must do, as tests that run over each of them.
//!
//! An adapter's tests implement [`Harness`] and name it once:
//!
//! ```ignore
//! registry_contract::suite!(Etcd);
//! ```

// The names of tests are what they say.
#![allow(missing_docs)]

mod cuttable;
pub mod leases;
pub mod lists;
pub mod outages;
pub mod records;
pub mod servers;
mod support;

use cordial_runtime::Registry;
use std::{future::Future, sync::Arc, time::Duration};

pub use cuttable::{Cuttable, Line};

/// A registry of one test's own, empty at first, and what can happen to it. What it
/// started ends when it is dropped.
pub trait Harness: Sized + Send + Sync + 'static {
    /// As short as this registry can keep one, and 1 s at least: the machine is busy.
    const LEASE: Duration;
    /// How much longer than its lease an instance may be listed.
    const SLACK: Duration;
    /// How many instances the largest test registers: 1,000, if that takes seconds.
    const MANY: usize = 1_000;

    /// Starts it.
    fn start() -> impl Future<Output = Self> + Send;

    /// Another client, with connections of its own.
    fn client(&self) -> Arc<dyn Registry>;

    /// Deletes every record while clients are connected.
    fn wipe(&self) -> impl Future<Output = ()> + Send;

    /// Makes it unreachable for all clients, at once,
    fn cut(&self) -> impl Future<Output = ()> + Send;

    /// and reachable again, with whatever data it kept.
    fn mend(&self) -> impl Future<Output = ()> + Send;

    /// Kills it, and starts it again where it was, without its data.
    fn restart_empty(&self) -> impl Future<Output = ()> + Send;

    /// Writes something that is no record where the records of `service` are; `false`
    /// if nobody could.
    fn write_rubbish(&self, service: &str) -> impl Future<Output = bool> + Send;
}

/// How long the registry is away in the longest test: 3 s, or what the environment
/// variable `REGISTRY_OUTAGE_SECONDS` says.
#[must_use]
pub fn outage() -> Duration {
    let said = std::env::var("REGISTRY_OUTAGE_SECONDS").ok();
    let seconds = said.and_then(|said| said.parse().ok());
    Duration::from_secs(seconds.unwrap_or(3))
}

/// Every test of the contract, over one harness.
#[macro_export]
macro_rules! suite {
    ($harness:ty) => {
        $crate::tests! { $harness;
            leases: an_instance_is_listed_for_its_lease_and_no_longer;
            leases: a_renewed_instance_is_in_every_list;
            leases: a_renewal_changes_nothing;
            leases: an_expired_instance_is_registered_again;
            leases: the_leases_of_two_instances_are_apart;
            lists: the_first_list_comes_though_nothing_is_registered;
            lists: what_comes_and_goes_is_told;
            lists: a_list_is_never_older_than_the_one_before;
            lists: a_slow_watcher_has_the_last_list_soon;
            lists: every_watcher_is_told;
            lists: two_clients_see_the_same;
            lists: services_whose_names_begin_alike_are_apart;
            lists: many_instances_are_in_one_list;
            lists: what_flickers_ends_as_it_was_left;
            lists: a_watch_that_is_dropped_is_over;
            records: every_field_comes_back;
            records: every_character_comes_back;
            records: the_longest_names_fit;
            records: the_largest_record_fits;
            records: a_change_takes_the_place_of_what_was;
            records: the_later_of_two_with_one_id_counts;
            records: names_that_lead_elsewhere_are_refused;
            records: rubbish_is_skipped_and_the_rest_serve;
            records: deregistering_what_is_not_there_is_no_error;
            records: a_dropped_registration_does_no_harm;
            outages: a_wiped_registry_is_filled_again;
            outages: a_registry_that_restarts_empty_is_filled_again;
            outages: an_outage_is_told_to_all_and_passes;
            outages: what_happened_in_an_outage_is_known_after_it;
            outages: a_long_outage_passes;
            outages: outages_one_after_another_pass;
            servers: a_server_that_stops_is_gone_before_it_drains;
            servers: a_server_that_dies_is_gone_with_its_lease;
            servers: a_server_is_registered_once_it_is_healthy;
            servers: calls_go_on_when_one_of_three_dies;
            servers: calls_go_on_while_the_registry_is_away_and_comes_back_empty;
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! tests {
    ($harness:ty; $($module:ident: $name:ident;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            $crate::$module::$name::<$harness>().await;
        }
    )*};
}
