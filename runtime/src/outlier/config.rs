//! What makes an address an outlier, and for how long it is left alone.

use std::time::Duration;

/// No interval and no ejection is longer.
const SPAN_MAX: Duration = Duration::from_secs(24 * 60 * 60);
const INTERVAL_MIN: Duration = Duration::from_millis(100);
const EJECTION_TIME_MIN: Duration = Duration::from_millis(1);

/// Which addresses of a channel get no calls for a while, since those they got
/// failed (gRFC A50, and a breaker for each address besides).
///
/// An address is *ejected* when it fails while others do well, and comes back
/// by itself. Two kinds of evidence eject it:
///
/// - At the end of each [interval](Self::with_interval) the addresses are
///   compared: [`SuccessRate`] and [`FailurePercentage`]. That takes many calls
///   and many addresses, and ejects few of them:
///   [`with_max_ejection_percent`](Self::with_max_ejection_percent).
/// - Some failures without a success between them eject it at once, for a
///   shorter time: [`with_consecutive_failures`](Self::with_consecutive_failures).
///   With two or three addresses only this one applies.
///
/// Each ejection lasts longer than the one before; every interval spent well
/// makes up for one of them. Whatever the evidence, calls go to all addresses
/// while too few would be left: [`with_panic_threshold`](Self::with_panic_threshold).
///
/// ```
/// use cordial_runtime::{OutlierDetection, SuccessRate};
/// use std::time::Duration;
///
/// let detection = OutlierDetection::new()
///     .with_interval(Duration::from_secs(5))
///     .with_success_rate(SuccessRate::new().with_minimum_hosts(3))
///     .with_failure_percentage(None);
/// assert!(!detection.is_off());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutlierDetection {
    pub(super) interval: Duration,
    pub(super) base_ejection_time: Duration,
    pub(super) short_ejection_time: Duration,
    pub(super) max_ejection_time: Duration,
    pub(super) max_ejection_percent: u32,
    pub(super) success_rate: Option<SuccessRate>,
    pub(super) failure_percentage: Option<FailurePercentage>,
    pub(super) consecutive_failures: u32,
    pub(super) panic_threshold: u32,
}

impl OutlierDetection {
    /// Everything on, with the defaults of gRFC A50 and those of the breaker.
    pub const fn new() -> Self {
        Self {
            interval: Duration::from_secs(10),
            base_ejection_time: Duration::from_secs(30),
            short_ejection_time: Duration::from_secs(5),
            max_ejection_time: Duration::from_secs(300),
            max_ejection_percent: 10,
            success_rate: Some(SuccessRate::new()),
            failure_percentage: Some(FailurePercentage::new()),
            consecutive_failures: 5,
            panic_threshold: 50,
        }
    }

    /// Nothing is ever ejected.
    pub const fn off() -> Self {
        Self {
            success_rate: None,
            failure_percentage: None,
            consecutive_failures: 0,
            ..Self::new()
        }
    }

    /// Whether nothing can be ejected.
    pub const fn is_off(&self) -> bool {
        self.success_rate.is_none()
            && self.failure_percentage.is_none()
            && self.consecutive_failures == 0
    }

    /// Time over which calls are counted before addresses are compared.
    /// Default 10 s; 100 ms to a day.
    #[must_use]
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval.clamp(INTERVAL_MIN, SPAN_MAX);
        self
    }

    /// Time for which an address that compares badly is ejected, times how often
    /// it has been. Default 30 s; 1 ms to a day.
    #[must_use]
    pub fn with_base_ejection_time(mut self, time: Duration) -> Self {
        self.base_ejection_time = time.clamp(EJECTION_TIME_MIN, SPAN_MAX);
        self
    }

    /// The same for an address ejected by consecutive failures. Default 5 s;
    /// 1 ms to a day. Not of gRFC A50.
    #[must_use]
    pub fn with_short_ejection_time(mut self, time: Duration) -> Self {
        self.short_ejection_time = time.clamp(EJECTION_TIME_MIN, SPAN_MAX);
        self
    }

    /// The longest time for which an address is ejected at once. Default 300 s;
    /// up to a day, and never less than the time of its first ejection.
    #[must_use]
    pub fn with_max_ejection_time(mut self, time: Duration) -> Self {
        self.max_ejection_time = time.min(SPAN_MAX);
        self
    }

    /// Percent of the addresses that comparison may eject, but one in any case.
    /// Default 10; 0 to 100. What consecutive failures have ejected counts, but
    /// is not held up by it: the panic threshold bounds that.
    #[must_use]
    pub fn with_max_ejection_percent(mut self, percent: u32) -> Self {
        self.max_ejection_percent = percent.min(100);
        self
    }

    /// Ejects addresses with fewer successes than the others; `None` does not.
    #[must_use]
    pub fn with_success_rate(mut self, success_rate: impl Into<Option<SuccessRate>>) -> Self {
        self.success_rate = success_rate.into();
        self
    }

    /// Ejects addresses at which nearly every call fails; `None` does not.
    #[must_use]
    pub fn with_failure_percentage(
        mut self,
        failure_percentage: impl Into<Option<FailurePercentage>>,
    ) -> Self {
        self.failure_percentage = failure_percentage.into();
        self
    }

    /// Failures of an address without a success between them that eject it at
    /// once. Default 5; 0 is off. Not of gRFC A50.
    ///
    /// When it comes back, as many successes in a row must follow: until then one
    /// failure ejects it again. Failures that may well be the call's own fault
    /// (INTERNAL, UNKNOWN, DATA_LOSS) weigh a quarter. An address that is alone
    /// is not ejected.
    #[must_use]
    pub fn with_consecutive_failures(mut self, failures: u32) -> Self {
        self.consecutive_failures = failures;
        self
    }

    /// Percent of the addresses that must be left. Default 50; 0 to 100. While
    /// fewer are, ejections are ignored, for then it is not the addresses that
    /// are ill, or the rest would be overrun. Not of gRFC A50.
    #[must_use]
    pub fn with_panic_threshold(mut self, percent: u32) -> Self {
        self.panic_threshold = percent.min(100);
        self
    }
}

impl Default for OutlierDetection {
    fn default() -> Self {
        Self::new()
    }
}

/// Ejects addresses with far fewer successes than the others: below the mean
/// of all by some standard deviations (gRFC A50, "Success Rate Algorithm").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuccessRate {
    pub(super) stdev_factor: u32,
    pub(super) enforcement_percentage: u32,
    pub(super) minimum_hosts: u32,
    pub(super) request_volume: u32,
}

impl SuccessRate {
    /// The defaults of gRFC A50.
    pub const fn new() -> Self {
        Self {
            stdev_factor: 1900,
            enforcement_percentage: 100,
            minimum_hosts: 5,
            request_volume: 100,
        }
    }

    /// How far below the mean, in thousandths of the standard deviation.
    /// Default 1900.
    #[must_use]
    pub fn with_stdev_factor(mut self, thousandths: u32) -> Self {
        self.stdev_factor = thousandths;
        self
    }

    /// Percent of the outliers found that are ejected, by lot. Default 100; 0
    /// to 100.
    #[must_use]
    pub fn with_enforcement_percentage(mut self, percent: u32) -> Self {
        self.enforcement_percentage = percent.min(100);
        self
    }

    /// Addresses that must have had `request_volume` calls. Default 5; at least 1.
    #[must_use]
    pub fn with_minimum_hosts(mut self, hosts: u32) -> Self {
        self.minimum_hosts = hosts.max(1);
        self
    }

    /// Calls in one interval without which an address is not looked at.
    /// Default 100; at least 1.
    #[must_use]
    pub fn with_request_volume(mut self, calls: u32) -> Self {
        self.request_volume = calls.max(1);
        self
    }
}

impl Default for SuccessRate {
    fn default() -> Self {
        Self::new()
    }
}

/// Ejects addresses at which nearly every call fails, whatever the others do
/// (gRFC A50, "Failure Percentage Algorithm").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailurePercentage {
    pub(super) threshold: u32,
    pub(super) enforcement_percentage: u32,
    pub(super) minimum_hosts: u32,
    pub(super) request_volume: u32,
}

impl FailurePercentage {
    /// The defaults of gRFC A50.
    pub const fn new() -> Self {
        Self {
            threshold: 85,
            enforcement_percentage: 100,
            minimum_hosts: 5,
            request_volume: 50,
        }
    }

    /// Percent of an address's calls above which failures eject it. Default 85;
    /// 0 to 100, which ejects none.
    #[must_use]
    pub fn with_threshold(mut self, percent: u32) -> Self {
        self.threshold = percent.min(100);
        self
    }

    /// Percent of the outliers found that are ejected, by lot. Default 100; 0
    /// to 100.
    #[must_use]
    pub fn with_enforcement_percentage(mut self, percent: u32) -> Self {
        self.enforcement_percentage = percent.min(100);
        self
    }

    /// Addresses that must have had `request_volume` calls. Default 5; at least 1.
    #[must_use]
    pub fn with_minimum_hosts(mut self, hosts: u32) -> Self {
        self.minimum_hosts = hosts.max(1);
        self
    }

    /// Calls in one interval without which an address is not looked at.
    /// Default 50; at least 1.
    #[must_use]
    pub fn with_request_volume(mut self, calls: u32) -> Self {
        self.request_volume = calls.max(1);
        self
    }
}

impl Default for FailurePercentage {
    fn default() -> Self {
        Self::new()
    }
}
