//! The balancers that a service config asks for.

use super::{EjectionRule, LoadBalancing};
use crate::{
    balance::{Balancer, LeastRequest, PickFirst, RingHash, RoundRobin, WeightedRoundRobin},
    outlier::{FailurePercentage, OutlierDetection, SuccessRate},
    spread::Spread,
};
use std::sync::Arc;

impl LoadBalancing {
    /// Who gets calls by it.
    pub(crate) fn spread(&self) -> Spread {
        let balancer: Arc<dyn Balancer> = match self {
            Self::PickFirst { shuffle } => Arc::new(PickFirst::new().with_shuffle(*shuffle)),
            Self::RoundRobin => Arc::new(RoundRobin::new()),
            Self::WeightedRoundRobin {
                blackout,
                weight_expiration,
                weight_update,
                error_penalty,
                // Reports are read with replies, and not by a stream yet.
                out_of_band: _,
                reporting_period: _,
            } => Arc::new(
                WeightedRoundRobin::new()
                    .with_blackout(*blackout)
                    .with_expiry(*weight_expiration)
                    .with_update_period(*weight_update)
                    .with_error_penalty(*error_penalty),
            ),
            Self::LeastRequest { choices } => {
                Arc::new(LeastRequest::new().with_choices(*choices as usize))
            }
            // The metadata to hash is the channel's business.
            Self::RingHash {
                ring_min,
                ring_max,
                header: _,
            } => Arc::new(
                RingHash::new()
                    .with_ring_size_max(*ring_max as usize)
                    .with_ring_size_min(*ring_min as usize),
            ),
            Self::OutlierDetection { child, .. } => {
                return Spread {
                    outlier_detection: Some(self.outlier_detection()),
                    ..child.spread()
                };
            }
        };
        Spread {
            balancer: Some(balancer),
            ..Spread::default()
        }
    }

    /// The metadata whose hash a call has, if the config names one (gRFC A76).
    pub(crate) fn hash_header(&self) -> Option<&str> {
        match self {
            Self::RingHash { header, .. } => header.as_deref(),
            Self::OutlierDetection { child, .. } => child.hash_header(),
            _ => None,
        }
    }

    fn outlier_detection(&self) -> OutlierDetection {
        let Self::OutlierDetection {
            interval,
            ejection,
            ejection_max,
            ejected_percent_max,
            success_rate,
            failure_percentage,
            child: _,
        } = self
        else {
            return OutlierDetection::new();
        };
        OutlierDetection::new()
            .with_interval(*interval)
            .with_base_ejection_time(*ejection)
            .with_max_ejection_time(*ejection_max)
            .with_max_ejection_percent(*ejected_percent_max)
            .with_success_rate(success_rate.map(by_success))
            .with_failure_percentage(failure_percentage.map(by_failures))
    }
}

fn by_success(rule: EjectionRule) -> SuccessRate {
    SuccessRate::new()
        .with_stdev_factor(rule.threshold)
        .with_enforcement_percentage(rule.enforced_percent)
        .with_minimum_hosts(rule.hosts_min)
        .with_request_volume(rule.calls_min)
}

fn by_failures(rule: EjectionRule) -> FailurePercentage {
    FailurePercentage::new()
        .with_threshold(rule.threshold)
        .with_enforcement_percentage(rule.enforced_percent)
        .with_minimum_hosts(rule.hosts_min)
        .with_request_volume(rule.calls_min)
}
