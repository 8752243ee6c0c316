//! The service config of gRPC (gRFC A2): what a service's owner says of the
//! calls to it, outside of any program.

mod balancers;
mod json;
mod load_balancing;
mod method_config;
mod near;
mod read;

use crate::{
    engine::{Error, ErrorKind},
    method::Method,
    policy::MethodPolicy,
};
use method_config::Methods;
use read::{Mistakes, Node, Object};

pub use load_balancing::{EjectionRule, LoadBalancing};

/// Bytes of a config that are read.
const TEXT_BYTES_MAX: usize = 1024 * 1024;

/// Tokens of retry throttling: the bound of gRFC A6.
const TOKENS_MAX: u32 = 1000;

/// The least that counts of a ratio, of which three decimal places do (gRFC A6).
const TOKEN_RATIO_MIN: f64 = 0.001;

/// What a service's owner says of the calls to it: the JSON that gRPC calls a
/// service config.
///
/// ```
/// use cordial_runtime::{Method, ServiceConfig};
/// use std::time::Duration;
///
/// let config = ServiceConfig::parse(r#"{
///     "loadBalancingConfig": [{ "round_robin": {} }],
///     "methodConfig": [{
///         "name": [{ "service": "bank.v1.Accounts" }],
///         "timeout": "1.5s"
///     }]
/// }"#)?;
/// let method: Method = Method::unary("/bank.v1.Accounts/Withdraw");
/// assert_eq!(config.policy(method).timeout, Some(Duration::from_millis(1500)));
/// # Ok::<(), cordial_runtime::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServiceConfig {
    methods: Methods,
    load_balancing: Option<LoadBalancing>,
    retry_throttling: Option<RetryThrottling>,
    health_check_service: Option<String>,
}

/// How many retries a server is spared when it fails (gRFC A6, "Throttling
/// Retry Attempts and Hedged RPCs").
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryThrottling {
    /// Tokens at the start and at most: 1 to 1000. A failure takes one, and
    /// nothing is made again while there are no more than half.
    pub max_tokens: u32,
    /// Tokens, or parts of one, that a success gives back: at least 0.001. Three
    /// decimal places count.
    pub token_ratio: f64,
}

impl ServiceConfig {
    /// Reads a service config.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it at once, each with its place, such as
    /// ``methodConfig[2].retryPolicy.maxAttemps: no such field; did you mean `maxAttempts`?``
    /// A field that is not known is as wrong as a value that does not fit.
    pub fn parse(json: &str) -> Result<Self, Error> {
        if json.len() > TEXT_BYTES_MAX {
            let length = json.len();
            let text = format!("service config: {length} bytes, at most {TEXT_BYTES_MAX}");
            return Err(Error::new(ErrorKind::Config, text));
        }
        let document = json::parse(json).map_err(|error| {
            let text = format!("service config: not readable as JSON: {error}");
            Error::new(ErrorKind::Config, text)
        })?;
        let mut mistakes = Mistakes::default();
        let config = Self::read(&Node::root(&document), &mut mistakes);
        match mistakes.text() {
            Some(text) => Err(Error::new(ErrorKind::Config, text)),
            None => Ok(config.unwrap_or_default()),
        }
    }

    fn read(node: &Node<'_>, mistakes: &mut Mistakes) -> Option<Self> {
        let known = [
            "healthCheckConfig",
            "loadBalancingConfig",
            "loadBalancingPolicy",
            "methodConfig",
            "retryThrottling",
        ];
        let object = node.object(&known, mistakes)?;
        let methods = object.get("methodConfig");
        Some(Self {
            load_balancing: load_balancing::read(&object, mistakes),
            methods: methods
                .map(|list| Methods::read(&list, mistakes))
                .unwrap_or_default(),
            retry_throttling: object
                .get("retryThrottling")
                .and_then(|node| RetryThrottling::read(&node, mistakes)),
            health_check_service: health_check_service(&object, mistakes),
        })
    }

    /// What it says of the calls of `method`: by the entry that names the
    /// method, or else its service, or else every service. One entry alone
    /// counts, as in every gRPC implementation; it is not filled up by the others.
    pub fn policy(&self, method: Method) -> MethodPolicy {
        self.said(method).cloned().unwrap_or_default()
    }

    /// The same, where it lies; `None` if it says nothing.
    pub(crate) fn said(&self, method: Method) -> Option<&MethodPolicy> {
        self.methods.policy(method.path())
    }

    /// How calls are to be spread, if it says so.
    pub fn load_balancing(&self) -> Option<&LoadBalancing> {
        self.load_balancing.as_ref()
    }

    /// When to stop making calls again, if it says so.
    pub fn retry_throttling(&self) -> Option<RetryThrottling> {
        self.retry_throttling
    }

    /// The name to ask a server's `grpc.health.v1.Health` for, if its health is
    /// to be watched; empty for the server as a whole.
    pub fn health_check_service(&self) -> Option<&str> {
        self.health_check_service.as_deref()
    }
}

impl RetryThrottling {
    fn read(node: &Node<'_>, mistakes: &mut Mistakes) -> Option<Self> {
        let object = node.object(&["maxTokens", "tokenRatio"], mistakes)?;
        let max_tokens = object
            .required("maxTokens", mistakes)
            .and_then(|node| node.integer(1..=TOKENS_MAX, mistakes));
        let token_ratio = object
            .required("tokenRatio", mistakes)
            .and_then(|node| token_ratio(&node, mistakes));
        Some(Self {
            max_tokens: max_tokens?,
            token_ratio: token_ratio?,
        })
    }
}

fn token_ratio(node: &Node<'_>, mistakes: &mut Mistakes) -> Option<f64> {
    let ratio = node.number(mistakes)?;
    if ratio < TOKEN_RATIO_MIN {
        let wanted = format_args!("wants at least {TOKEN_RATIO_MIN}");
        node.wrong(wanted, mistakes);
        return None;
    }
    Some(ratio)
}

fn health_check_service(object: &Object<'_>, mistakes: &mut Mistakes) -> Option<String> {
    let node = object.get("healthCheckConfig")?;
    let name = node.object(&["serviceName"], mistakes)?.get("serviceName");
    let name = match name {
        Some(name) => name.string(mistakes)?,
        None => return None,
    };
    Some(name.to_owned())
}
