//! What holds for the calls of a channel, by everything that was said of it.

#[cfg(feature = "service-config")]
use crate::service_config::ServiceConfig;
use crate::{
    limits::Limits,
    method::{Method, MethodKind},
    policy::MethodPolicy,
    priority::Priority,
    retry::Plan,
};
use std::time::Duration;

/// What a channel's owner and its service's owner say of its calls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    /// Said in code, for every method.
    pub(crate) policy: MethodPolicy,
    #[cfg(feature = "service-config")]
    pub(crate) config: Option<ServiceConfig>,
    pub(crate) limits: Limits,
}

/// What holds for one call, unless the call itself says otherwise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    pub(crate) timeout: Duration,
    pub(crate) wait_for_ready: bool,
    pub(crate) priority: Option<Priority>,
    pub(crate) plan: Plan,
    pub(crate) request_bytes_max: usize,
    pub(crate) response_bytes_max: usize,
}

impl Rules {
    /// Code over config over .proto over default.
    pub(crate) fn of(&self, method: Method) -> Rule {
        let policy = self.policy.clone();
        #[cfg(feature = "service-config")]
        let policy = match &self.config {
            Some(config) => policy.or(config.policy(method)),
            None => policy,
        };
        let policy = policy.or(MethodPolicy::of(method));
        let timeout = match method.kind() {
            MethodKind::Unary => self.limits.call_timeout,
            _ => self.limits.stream_timeout,
        };
        let bytes_max = self.limits.message_bytes_max;
        Rule {
            timeout: policy.timeout.unwrap_or(timeout),
            wait_for_ready: policy.wait_for_ready.unwrap_or_default(),
            priority: policy.priority,
            plan: Plan::of(method.idempotency(), &policy),
            request_bytes_max: policy.request_bytes_max.unwrap_or(usize::MAX),
            response_bytes_max: policy.response_bytes_max.unwrap_or(bytes_max),
        }
    }
}
