//! Which addresses do far worse than the others, as gRFC A50 computes it.

use super::{
    config::{FailurePercentage, SuccessRate},
    health::Counts,
};
use crate::endpoint::Address;

/// Differences that come of rounding: addresses that do equally well have a
/// deviation of nearly, but not always exactly, nothing.
const ROUNDING: f64 = 1e-9;

impl SuccessRate {
    /// The outliers among addresses with these calls, the worst first.
    pub(super) fn outliers(&self, addresses: &[(&Address, Counts)]) -> Vec<Address> {
        let busy = with_volume(addresses, self.request_volume, self.minimum_hosts);
        let count = busy.len() as f64;
        let rates = || busy.iter().map(|(_, counts)| counts.success_rate());
        let mean = rates().sum::<f64>() / count;
        let variance = rates().map(|rate| (rate - mean).powi(2)).sum::<f64>() / count;
        let factor = f64::from(self.stdev_factor) / 1000.0;
        let least = mean - variance.sqrt() * factor - ROUNDING;
        worst_first(busy, |counts| counts.success_rate() < least)
    }
}

impl FailurePercentage {
    /// The outliers among addresses with these calls, the worst first.
    pub(super) fn outliers(&self, addresses: &[(&Address, Counts)]) -> Vec<Address> {
        let busy = with_volume(addresses, self.request_volume, self.minimum_hosts);
        worst_first(busy, |counts| {
            counts.failures * 100 > counts.volume() * u64::from(self.threshold)
        })
    }
}

/// The addresses that had so many calls; none if those are too few to compare.
fn with_volume<'a>(
    addresses: &[(&'a Address, Counts)],
    volume: u32,
    hosts: u32,
) -> Vec<(&'a Address, Counts)> {
    let mut busy = addresses.to_vec();
    busy.retain(|(_, counts)| counts.volume() >= u64::from(volume));
    if busy.len() < hosts as usize {
        busy.clear();
    }
    busy
}

/// Not all of them may be ejected: those that are should be the worst.
fn worst_first(
    mut addresses: Vec<(&Address, Counts)>,
    is_outlier: impl Fn(Counts) -> bool,
) -> Vec<Address> {
    addresses.retain(|(_, counts)| is_outlier(*counts));
    addresses.sort_by(|(_, a), (_, b)| a.success_rate().total_cmp(&b.success_rate()));
    let outliers = addresses.into_iter();
    outliers.map(|(address, _)| address.clone()).collect()
}
