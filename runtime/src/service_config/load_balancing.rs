//! `loadBalancingConfig`: which policy spreads the calls, as plain data.

use super::read::{Mistakes, Node, Object, listed};
use std::time::Duration;

/// The largest ring (gRFC A42).
const RING_MAX: u32 = 8 * 1024 * 1024;

/// Choices beyond this are as many as this (gRFC A48).
const CHOICES_MAX: u32 = 10;

/// Weights are not computed more often than this (gRFC A58).
const WEIGHT_UPDATE_MIN: Duration = Duration::from_millis(100);

const KNOWN: [&str; 6] = [
    "pick_first",
    "round_robin",
    "weighted_round_robin",
    "least_request_experimental",
    "ring_hash_experimental",
    "outlier_detection_experimental",
];

/// How calls are to be spread over the addresses of a service.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum LoadBalancing {
    /// All to the first address that answers (gRFC A62).
    PickFirst {
        /// Whether their order is chance.
        shuffle: bool,
    },
    /// To one after another.
    RoundRobin,
    /// More to those that report to be less busy (gRFC A58).
    WeightedRoundRobin {
        /// Whether reports come by a stream of their own instead of with replies. A
        /// channel reads those that come with replies, whatever this says.
        out_of_band: bool,
        /// How often they come by that stream.
        reporting_period: Duration,
        /// How long after connecting an address's reports do not count yet.
        blackout: Duration,
        /// How long a report counts.
        weight_expiration: Duration,
        /// How often weights are computed; at least 100 ms.
        weight_update: Duration,
        /// How much errors make a weight smaller.
        error_penalty: f64,
    },
    /// To the least busy of a few drawn by chance (gRFC A48).
    LeastRequest {
        /// How many are drawn: 2 to 10.
        choices: u32,
    },
    /// Calls of one hash to one address (gRFC A42).
    RingHash {
        /// Points on the ring, at least.
        ring_min: u32,
        /// Points on the ring, at most.
        ring_max: u32,
        /// The metadata to hash (gRFC A76), if not left to the method's `hash_field`.
        header: Option<String>,
    },
    /// None for a while to addresses that do worse than the rest (gRFC A50).
    OutlierDetection {
        /// How often the addresses are compared.
        interval: Duration,
        /// How long one is left out, times how often it has been.
        ejection: Duration,
        /// How long one is left out at most.
        ejection_max: Duration,
        /// How many of a hundred are left out at once, at most.
        ejected_percent_max: u32,
        /// Leaves out those whose successes are far below the mean.
        success_rate: Option<EjectionRule>,
        /// Leaves out those that fail more often than a bound.
        failure_percentage: Option<EjectionRule>,
        /// How calls are spread over the others.
        child: Box<LoadBalancing>,
    },
}

/// When an address is an outlier (gRFC A50).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EjectionRule {
    /// By success rate: how far below the mean, in thousandths of the standard
    /// deviation. By failures: so many of a hundred calls.
    pub threshold: u32,
    /// How many of a hundred outliers are in fact left out.
    pub enforced_percent: u32,
    /// There must be so many addresses with enough calls.
    pub hosts_min: u32,
    /// So many calls in one interval are enough.
    pub calls_min: u32,
}

/// What the document says, by its list of policies or by the name of one.
pub(super) fn read(document: &Object<'_>, mistakes: &mut Mistakes) -> Option<LoadBalancing> {
    let named = document.get("loadBalancingPolicy");
    let named = named.and_then(|node| by_name(&node, mistakes));
    match document.get("loadBalancingConfig") {
        Some(list) => first_known(&list, mistakes),
        None => named,
    }
}

/// The older way: a name alone, in any case.
fn by_name(node: &Node<'_>, mistakes: &mut Mistakes) -> Option<LoadBalancing> {
    let name = node.string(mistakes)?;
    match name.to_ascii_lowercase().as_str() {
        "pick_first" => Some(LoadBalancing::PickFirst { shuffle: false }),
        "round_robin" => Some(LoadBalancing::RoundRobin),
        _ => {
            let wanted =
                "wants `pick_first` or `round_robin`; others go into `loadBalancingConfig`";
            node.wrong(wanted, mistakes);
            None
        }
    }
}

/// The first policy of a list that we have; those before it are for newer programs (gRFC A2).
fn first_known(list: &Node<'_>, mistakes: &mut Mistakes) -> Option<LoadBalancing> {
    let (items, before) = (list.items(mistakes), mistakes.count());
    for item in &items {
        let Some((name, config)) = item.only_field(mistakes) else {
            continue;
        };
        match name {
            "pick_first" => return pick_first(&config, mistakes),
            "round_robin" => {
                config.object(&[], mistakes)?;
                return Some(LoadBalancing::RoundRobin);
            }
            "weighted_round_robin" => return weighted_round_robin(&config, mistakes),
            "least_request_experimental" => return least_request(&config, mistakes),
            "ring_hash_experimental" => return ring_hash(&config, mistakes),
            "outlier_detection_experimental" => return outlier_detection(&config, mistakes),
            _ => {}
        }
    }
    if mistakes.count() == before {
        let what = format_args!("names no known policy; there are {}", listed(&KNOWN));
        mistakes.add(&list.path, what);
    }
    None
}

fn pick_first(node: &Node<'_>, mistakes: &mut Mistakes) -> Option<LoadBalancing> {
    let object = node.object(&["shuffleAddressList"], mistakes)?;
    let shuffle = object.get("shuffleAddressList");
    let shuffle = shuffle.and_then(|node| node.boolean(mistakes));
    Some(LoadBalancing::PickFirst {
        shuffle: shuffle.unwrap_or_default(),
    })
}

fn weighted_round_robin(node: &Node<'_>, mistakes: &mut Mistakes) -> Option<LoadBalancing> {
    let known = [
        "blackoutPeriod",
        "enableOobLoadReport",
        "errorUtilizationPenalty",
        "oobReportingPeriod",
        "weightExpirationPeriod",
        "weightUpdatePeriod",
    ];
    let object = node.object(&known, mistakes)?;
    let mut span = |field, seconds| {
        let said = object.get(field).and_then(|node| node.duration(mistakes));
        said.unwrap_or(Duration::from_secs(seconds))
    };
    Some(LoadBalancing::WeightedRoundRobin {
        reporting_period: span("oobReportingPeriod", 10),
        blackout: span("blackoutPeriod", 10),
        weight_expiration: span("weightExpirationPeriod", 180),
        weight_update: span("weightUpdatePeriod", 1).max(WEIGHT_UPDATE_MIN),
        out_of_band: object
            .get("enableOobLoadReport")
            .and_then(|node| node.boolean(mistakes))
            .unwrap_or_default(),
        error_penalty: object
            .get("errorUtilizationPenalty")
            .and_then(|node| node.not_negative(mistakes))
            .unwrap_or(1.0),
    })
}

fn least_request(node: &Node<'_>, mistakes: &mut Mistakes) -> Option<LoadBalancing> {
    let object = node.object(&["choiceCount"], mistakes)?;
    let choices = whole(&object, "choiceCount", 2, 2, u32::MAX, mistakes);
    Some(LoadBalancing::LeastRequest {
        choices: choices.min(CHOICES_MAX),
    })
}

fn ring_hash(node: &Node<'_>, mistakes: &mut Mistakes) -> Option<LoadBalancing> {
    let known = ["maxRingSize", "minRingSize", "requestHashHeader"];
    let object = node.object(&known, mistakes)?;
    let ring_min = whole(&object, "minRingSize", 1024, 1, RING_MAX, mistakes);
    let ring_max = whole(&object, "maxRingSize", 4096, 1, RING_MAX, mistakes);
    if ring_min > ring_max {
        let what = format_args!("`minRingSize` of {ring_min} is over `maxRingSize` of {ring_max}");
        mistakes.add(&object.path, what);
    }
    let header = object.get("requestHashHeader");
    Some(LoadBalancing::RingHash {
        ring_min,
        ring_max,
        header: header.and_then(|node| header_name(&node, mistakes)),
    })
}

/// The key of ASCII metadata, or nothing.
fn header_name(node: &Node<'_>, mistakes: &mut Mistakes) -> Option<String> {
    let name = node.string(mistakes)?;
    if name.is_empty() {
        return None;
    }
    let valid = http::HeaderName::from_lowercase(name.as_bytes()).is_ok();
    if !valid || name.ends_with("-bin") {
        node.wrong("wants a key of ASCII metadata, in small letters", mistakes);
        return None;
    }
    Some(name.to_owned())
}

fn outlier_detection(node: &Node<'_>, mistakes: &mut Mistakes) -> Option<LoadBalancing> {
    let known = [
        "baseEjectionTime",
        "childPolicy",
        "failurePercentageEjection",
        "interval",
        "maxEjectionPercent",
        "maxEjectionTime",
        "successRateEjection",
    ];
    let object = node.object(&known, mistakes)?;
    let mut span = |field, seconds| {
        let said = object.get(field);
        let said = said.and_then(|node| node.positive_duration(mistakes));
        said.unwrap_or(Duration::from_secs(seconds))
    };
    let (interval, ejection) = (span("interval", 10), span("baseEjectionTime", 30));
    let ejection_max = span("maxEjectionTime", 300).max(ejection);
    let ejected_percent_max = whole(&object, "maxEjectionPercent", 10, 0, 100, mistakes);
    let success_rate = object.get("successRateEjection");
    let success_rate = success_rate.and_then(|node| {
        let rule = ("stdevFactor", 1900, u32::MAX, 100);
        ejection_rule(&node, rule, mistakes)
    });
    let failure_percentage = object.get("failurePercentageEjection");
    let failure_percentage = failure_percentage.and_then(|node| {
        let rule = ("threshold", 85, 100, 50);
        ejection_rule(&node, rule, mistakes)
    });
    let child = object.required("childPolicy", mistakes)?;
    Some(LoadBalancing::OutlierDetection {
        interval,
        ejection,
        ejection_max,
        ejected_percent_max,
        success_rate,
        failure_percentage,
        child: Box::new(first_known(&child, mistakes)?),
    })
}

/// A rule by the name of its threshold, that one's default and bound, and the default of `requestVolume`.
fn ejection_rule(
    node: &Node<'_>,
    (threshold, default, max, volume): (&str, u32, u32, u32),
    mistakes: &mut Mistakes,
) -> Option<EjectionRule> {
    let known = [
        "enforcementPercentage",
        "minimumHosts",
        "requestVolume",
        threshold,
    ];
    let object = node.object(&known, mistakes)?;
    Some(EjectionRule {
        threshold: whole(&object, threshold, default, 0, max, mistakes),
        enforced_percent: whole(&object, "enforcementPercentage", 100, 0, 100, mistakes),
        hosts_min: whole(&object, "minimumHosts", 5, 0, u32::MAX, mistakes),
        calls_min: whole(&object, "requestVolume", volume, 0, u32::MAX, mistakes),
    })
}

fn whole(
    object: &Object<'_>,
    field: &str,
    default: u32,
    min: u32,
    max: u32,
    mistakes: &mut Mistakes,
) -> u32 {
    let said = object.get(field);
    let said = said.and_then(|node| node.integer(min..=max, mistakes));
    said.unwrap_or(default)
}
