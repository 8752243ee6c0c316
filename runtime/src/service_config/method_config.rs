//! `methodConfig`: what it says of which methods.

use super::read::{Mistakes, Node, Object};
use crate::{
    policy::{ATTEMPTS_MAX, Attempts, HedgingPolicy, MethodPolicy, RetryPolicy},
    status::Code,
};
use std::{collections::HashMap, sync::Arc};

/// The codes by number, as they are spelled in `google.rpc.Code`.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// Policies by what they are for: `/service/method`, `/service/`, or `/` for all.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Methods {
    policies: HashMap<String, Arc<MethodPolicy>>,
}

impl Methods {
    pub(super) fn policy(&self, path: &str) -> Option<&MethodPolicy> {
        let service = path.rfind('/').map_or("", |slash| &path[..=slash]);
        let found = [path, service, "/"]
            .into_iter()
            .find_map(|key| self.policies.get(key));
        found.map(|found| &**found)
    }

    pub(super) fn read(list: &Node<'_>, mistakes: &mut Mistakes) -> Self {
        let mut policies = HashMap::new();
        let mut places = HashMap::new();
        for node in list.items(mistakes) {
            let known = [
                "hedgingPolicy",
                "maxRequestMessageBytes",
                "maxResponseMessageBytes",
                "name",
                "retryPolicy",
                "timeout",
                "waitForReady",
            ];
            let Some(object) = node.object(&known, mistakes) else {
                continue;
            };
            let policy = Arc::new(policy(&object, mistakes));
            let names = object.get("name").map(|names| names.items(mistakes));
            for name in names.unwrap_or_default() {
                let Some(key) = key(&name, mistakes) else {
                    continue;
                };
                if let Some(first) = places.get(&key) {
                    mistakes.add(&name.path, format_args!("named already at {first}"));
                    continue;
                }
                places.insert(key.clone(), name.path);
                policies.insert(key, policy.clone());
            }
        }
        Self { policies }
    }
}

/// What a `{ service, method }` is for.
fn key(name: &Node<'_>, mistakes: &mut Mistakes) -> Option<String> {
    let object = name.object(&["method", "service"], mistakes)?;
    let mut part = |field| match object.get(field) {
        Some(node) => node.string(mistakes).map(|text| (text, node)),
        None => Some(("", Node::root(&super::json::Json::Null))),
    };
    let ((service, service_node), (method, method_node)) = (part("service")?, part("method")?);
    if service.contains('/') || service.starts_with('.') {
        let wanted = "wants a service with its package, such as `bank.v1.Accounts`";
        service_node.wrong(wanted, mistakes);
        return None;
    }
    if method.contains('/') || method.contains('.') {
        method_node.wrong("wants a method's own name, such as `Withdraw`", mistakes);
        return None;
    }
    match (service, method) {
        ("", "") => Some("/".to_owned()),
        ("", _) => {
            let what = "a method without its `service`; name that too";
            mistakes.add(&name.path, what);
            None
        }
        (service, method) => Some(format!("/{service}/{method}")),
    }
}

fn policy(object: &Object<'_>, mistakes: &mut Mistakes) -> MethodPolicy {
    let mut bytes = |field| {
        let count = object.get(field)?.integer(0..=u32::MAX, mistakes)?;
        usize::try_from(count).ok()
    };
    let (request_bytes_max, response_bytes_max) = (
        bytes("maxRequestMessageBytes"),
        bytes("maxResponseMessageBytes"),
    );
    MethodPolicy {
        timeout: object
            .get("timeout")
            .and_then(|node| node.positive_duration(mistakes)),
        wait_for_ready: object
            .get("waitForReady")
            .and_then(|node| node.boolean(mistakes)),
        attempts: attempts(object, mistakes),
        request_bytes_max,
        response_bytes_max,
        ..MethodPolicy::default()
    }
}

fn attempts(object: &Object<'_>, mistakes: &mut Mistakes) -> Option<Attempts> {
    let (retry, hedging) = (object.get("retryPolicy"), object.get("hedgingPolicy"));
    if let (Some(_), Some(hedging)) = (&retry, &hedging) {
        mistakes.add(
            &hedging.path,
            "stands beside `retryPolicy`; delete one of the two",
        );
    }
    let retry = retry.and_then(|node| retry_policy(&node, mistakes));
    let hedging = hedging.and_then(|node| hedging_policy(&node, mistakes));
    retry.map(Attempts::Retry).or(hedging.map(Attempts::Hedge))
}

fn retry_policy(node: &Node<'_>, mistakes: &mut Mistakes) -> Option<RetryPolicy> {
    let known = [
        "backoffMultiplier",
        "initialBackoff",
        "maxAttempts",
        "maxBackoff",
        "retryableStatusCodes",
    ];
    let object = node.object(&known, mistakes)?;
    let max_attempts = max_attempts(&object, mistakes);
    let mut backoff = |field| {
        let node = object.required(field, mistakes)?;
        node.positive_duration(mistakes)
    };
    let (initial_backoff, max_backoff) = (backoff("initialBackoff"), backoff("maxBackoff"));
    let backoff_multiplier = object
        .required("backoffMultiplier", mistakes)
        .and_then(|node| node.positive(mistakes));
    let retryable = object
        .required("retryableStatusCodes", mistakes)
        .map(|node| {
            let items = node.items(mistakes).len();
            let codes = codes(&node, mistakes);
            if items == 0 {
                mistakes.add(&node.path, "wants at least one code");
            }
            codes
        });
    Some(RetryPolicy {
        max_attempts: max_attempts?,
        initial_backoff: initial_backoff?,
        max_backoff: max_backoff?,
        backoff_multiplier: backoff_multiplier?,
        retryable: retryable?,
    })
}

fn hedging_policy(node: &Node<'_>, mistakes: &mut Mistakes) -> Option<HedgingPolicy> {
    let known = ["hedgingDelay", "maxAttempts", "nonFatalStatusCodes"];
    let object = node.object(&known, mistakes)?;
    let max_attempts = max_attempts(&object, mistakes);
    let delay = object.get("hedgingDelay");
    let non_fatal = object.get("nonFatalStatusCodes");
    Some(HedgingPolicy {
        hedging_delay: delay
            .and_then(|node| node.duration(mistakes))
            .unwrap_or_default(),
        non_fatal: non_fatal
            .map(|node| codes(&node, mistakes))
            .unwrap_or_default(),
        max_attempts: max_attempts?,
    })
}

/// More than five are five, and no mistake (gRFC A6).
fn max_attempts(object: &Object<'_>, mistakes: &mut Mistakes) -> Option<u32> {
    let node = object.required("maxAttempts", mistakes)?;
    let attempts = node.integer(2..=u32::MAX, mistakes)?;
    Some(attempts.min(ATTEMPTS_MAX))
}

/// Codes by name, in any case, or by number.
fn codes(node: &Node<'_>, mistakes: &mut Mistakes) -> Vec<Code> {
    let mut codes = Vec::new();
    for item in node.items(mistakes) {
        let Some(number) = item.code(&CODES, mistakes) else {
            continue;
        };
        if number == 0 {
            item.wrong("wants the code of a failure", mistakes);
        } else if !codes.contains(&Code::from_i32(number)) {
            codes.push(Code::from_i32(number));
        }
    }
    codes
}
