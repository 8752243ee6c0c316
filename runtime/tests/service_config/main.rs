//! Service configs: what is read of good ones, and what is said of bad ones, word for word.

mod bad;
mod good;

use cordial_runtime::{ErrorKind, Method, MethodPolicy, ServiceConfig};

fn parse(json: &str) -> ServiceConfig {
    ServiceConfig::parse(json).unwrap_or_else(|error| panic!("{json}\n{error}"))
}

/// What is said of a config that does not read, without the words it starts with.
fn refused(json: &str) -> String {
    let error = ServiceConfig::parse(json).expect_err(json);
    assert_eq!(error.kind(), ErrorKind::Config, "{json}");
    let text = error.to_string();
    let said = text.strip_prefix("service config: ");
    said.unwrap_or_else(|| panic!("{text}")).to_owned()
}

/// What a config says of a method.
fn policy(config: &ServiceConfig, path: &'static str) -> MethodPolicy {
    let method: Method = Method::unary(path);
    config.policy(method)
}

/// A config whose only entry is for all methods and has these fields besides.
fn entry(fields: &str) -> String {
    format!(r#"{{ "methodConfig": [{{ "name": [{{}}], {fields} }}] }}"#)
}

/// The same with a `retryPolicy`, of which one field is replaced.
fn retry(field: &str, value: &str) -> String {
    let sound = [
        ("maxAttempts", "3"),
        ("initialBackoff", r#""0.1s""#),
        ("maxBackoff", r#""1s""#),
        ("backoffMultiplier", "2"),
        ("retryableStatusCodes", r#"["UNAVAILABLE"]"#),
    ];
    let fields = sound.iter().filter_map(|(name, sound)| {
        let value = if *name == field { value } else { sound };
        (!value.is_empty()).then(|| format!(r#""{name}": {value}"#))
    });
    let fields: Vec<_> = fields.collect();
    entry(&format!(r#""retryPolicy": {{ {} }}"#, fields.join(", ")))
}

/// A config with one load balancing policy.
fn balancing(policy: &str) -> String {
    format!(r#"{{ "loadBalancingConfig": [{policy}] }}"#)
}
