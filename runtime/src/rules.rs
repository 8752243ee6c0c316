//! What holds for the calls of a channel, by everything that was said of it.

#[cfg(feature = "service-config")]
use crate::service_config::ServiceConfig;
use crate::{
    limits::Limits,
    message::Request,
    method::{Method, MethodKind},
    policy::{self, MethodPolicy},
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
    /// The hash of the metadata that the config names, if it names any.
    #[cfg(feature = "service-config")]
    pub(crate) fn hash<T>(&self, request: &Request<T>) -> Option<u64> {
        let header = self.config.as_ref()?.load_balancing()?.hash_header()?;
        let values = request.metadata().as_ref().get_all(header).iter();
        let values: Vec<_> = values.map(http::HeaderValue::as_bytes).collect();
        // Several are one, as in gRPC's other languages.
        (!values.is_empty()).then(|| crate::field_hash::hash(&values.join(&b',')))
    }

    #[cfg(not(feature = "service-config"))]
    pub(crate) fn hash<T>(&self, _: &Request<T>) -> Option<u64> {
        None
    }

    /// Code over config over .proto over default.
    pub(crate) fn of(&self, method: Method) -> Rule {
        let config = self
            .config_of(method)
            .unwrap_or(const { &MethodPolicy::none() });
        policy::read(method, |declared| {
            self.rule(method, [&self.policy, config, declared])
        })
    }

    #[cfg(feature = "service-config")]
    fn config_of(&self, method: Method) -> Option<&MethodPolicy> {
        self.config.as_ref()?.said(method)
    }

    #[cfg(not(feature = "service-config"))]
    fn config_of(&self, _: Method) -> Option<&MethodPolicy> {
        None
    }

    /// What the first of `policies` says that says anything: policies own what they
    /// say of attempts, and are not copied for every call.
    fn rule(&self, method: Method, policies: [&MethodPolicy; 3]) -> Rule {
        let said = policies.iter();
        let timeout = said.clone().find_map(|policy| policy.timeout);
        let wait_for_ready = said.clone().find_map(|policy| policy.wait_for_ready);
        let attempts = said.clone().find_map(|policy| policy.attempts.as_ref());
        let request_bytes_max = said.clone().find_map(|policy| policy.request_bytes_max);
        let response_bytes_max = said.clone().find_map(|policy| policy.response_bytes_max);
        let Limits {
            call_timeout,
            stream_timeout,
            message_bytes_max,
            ..
        } = self.limits;
        let default_timeout = match method.kind() {
            MethodKind::Unary => call_timeout,
            _ => stream_timeout,
        };
        Rule {
            timeout: timeout.unwrap_or(default_timeout),
            wait_for_ready: wait_for_ready.unwrap_or_default(),
            priority: said.clone().find_map(|policy| policy.priority),
            plan: Plan::of(method.idempotency(), attempts),
            request_bytes_max: request_bytes_max.unwrap_or(usize::MAX),
            response_bytes_max: response_bytes_max.unwrap_or(message_bytes_max),
        }
    }
}
