//! How the calls of a channel are spread over its addresses.

use crate::{balance::Balancer, outlier::OutlierDetection};
use std::sync::Arc;

/// Who gets calls, as far as it is said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spread {
    pub(crate) balancer: Option<Arc<dyn Balancer>>,
    pub(crate) outlier_detection: Option<OutlierDetection>,
    /// The service whose health is asked for; empty for the server as a whole.
    pub(crate) health_check: Option<Arc<str>>,
}

impl Spread {
    /// The same, with what it does not say taken from `fallback`.
    pub(crate) fn or(self, fallback: Self) -> Self {
        Self {
            balancer: self.balancer.or(fallback.balancer),
            outlier_detection: self.outlier_detection.or(fallback.outlier_detection),
            health_check: self.health_check.or(fallback.health_check),
        }
    }

    /// Whether it says anything.
    #[cfg(feature = "service-config")]
    pub(crate) fn says_something(&self) -> bool {
        self.balancer.is_some() || self.outlier_detection.is_some() || self.health_check.is_some()
    }
}
