use super::{balancing, entry, parse, policy, retry};
use cordial_runtime::{
    Attempts, Code, EjectionRule, HedgingPolicy, LoadBalancing, MethodPolicy, RetryPolicy,
};
use std::time::Duration;

fn timeout(json: &str) -> Option<Duration> {
    policy(&parse(&entry(&format!(r#""timeout": {json}"#))), "/a.B/C").timeout
}

fn retry_of(json: &str) -> RetryPolicy {
    match policy(&parse(json), "/a.B/C").attempts {
        Some(Attempts::Retry(retry)) => retry,
        other => panic!("{json}: {other:?}"),
    }
}

fn spread(policy: &str) -> LoadBalancing {
    let config = parse(&balancing(policy));
    config.load_balancing().expect(policy).clone()
}

#[test]
fn an_empty_document_says_nothing() {
    for json in [
        "{}",
        r#"{ "methodConfig": [] }"#,
        r#"{ "methodConfig": null, "retryThrottling": null, "healthCheckConfig": {} }"#,
        r#"{ "methodConfig": [{ "name": [], "timeout": "1s" }, { "timeout": "1s" }] }"#,
    ] {
        let config = parse(json);
        assert_eq!(config, cordial_runtime::ServiceConfig::default(), "{json}");
        assert_eq!(policy(&config, "/a.B/C"), MethodPolicy::default(), "{json}");
    }
}

#[test]
fn the_most_specific_entry_counts_and_no_other() {
    let config = parse(
        r#"{ "methodConfig": [
            { "name": [{}], "timeout": "1s", "waitForReady": true },
            { "name": [{ "service": "a.B" }], "timeout": "2s" },
            { "name": [{ "service": "a.B", "method": "C" }, { "service": "x.Y", "method": "Z" }], "timeout": "3s" }
        ] }"#,
    );
    let said = |path| {
        let policy = policy(&config, path);
        (policy.timeout.unwrap().as_secs(), policy.wait_for_ready)
    };
    assert_eq!(said("/a.B/C"), (3, None));
    assert_eq!(said("/x.Y/Z"), (3, None));
    assert_eq!(said("/a.B/D"), (2, None));
    assert_eq!(said("/x.Y/C"), (1, Some(true)));
    assert_eq!(said("/a.Bb/C"), (1, Some(true)));
}

#[test]
fn every_field_of_a_method_is_read() {
    let config = parse(&entry(
        r#""timeout": "1.5s", "waitForReady": false, "maxRequestMessageBytes": 1024,
           "maxResponseMessageBytes": "2048",
           "hedgingPolicy": { "maxAttempts": 4, "hedgingDelay": "0.25s", "nonFatalStatusCodes": ["INTERNAL", 10] }"#,
    ));
    let expected = MethodPolicy {
        timeout: Some(Duration::from_millis(1500)),
        wait_for_ready: Some(false),
        attempts: Some(Attempts::Hedge(HedgingPolicy {
            max_attempts: 4,
            hedging_delay: Duration::from_millis(250),
            non_fatal: vec![Code::Internal, Code::Aborted],
        })),
        request_bytes_max: Some(1024),
        response_bytes_max: Some(2048),
        ..MethodPolicy::default()
    };
    assert_eq!(policy(&config, "/a.B/C"), expected);
}

#[test]
fn a_retry_policy_is_read() {
    let codes = r#"["unavailable", 8, "Aborted", "ABORTED"]"#;
    let expected = RetryPolicy {
        max_attempts: 3,
        initial_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_secs(1),
        backoff_multiplier: 2.0,
        retryable: vec![Code::Unavailable, Code::ResourceExhausted, Code::Aborted],
    };
    assert_eq!(retry_of(&retry("retryableStatusCodes", codes)), expected);
}

#[test]
fn more_than_five_attempts_are_five() {
    for many in ["5", "6", "100", "4294967295"] {
        assert_eq!(retry_of(&retry("maxAttempts", many)).max_attempts, 5);
    }
}

#[test]
fn hedging_needs_attempts_only() {
    let config = parse(&entry(r#""hedgingPolicy": { "maxAttempts": 2 }"#));
    let expected = HedgingPolicy {
        max_attempts: 2,
        hedging_delay: Duration::ZERO,
        non_fatal: Vec::new(),
    };
    assert_eq!(
        policy(&config, "/a.B/C").attempts,
        Some(Attempts::Hedge(expected))
    );
}

#[test]
fn durations_are_protobufs() {
    for (json, nanos) in [
        (r#""1s""#, 1_000_000_000),
        (r#""1.0s""#, 1_000_000_000),
        (r#""0.000000001s""#, 1),
        (r#""0.123456789s""#, 123_456_789),
        (r#""315576000000s""#, 315_576_000_000_000_000_000),
    ] {
        assert_eq!(timeout(json).unwrap().as_nanos(), nanos, "{json}");
    }
}

#[test]
fn numbers_are_protobufs() {
    for three in ["3", "3.0", r#""3""#, "30e-1"] {
        assert_eq!(
            retry_of(&retry("maxAttempts", three)).max_attempts,
            3,
            "{three}"
        );
    }
    for half in ["1.5", r#""1.5""#, "15e-1"] {
        let multiplier = retry_of(&retry("backoffMultiplier", half)).backoff_multiplier;
        assert!((multiplier - 1.5).abs() < f64::EPSILON, "{half}");
    }
}

#[test]
fn throttling_is_as_written() {
    let config = parse(r#"{ "retryThrottling": { "maxTokens": 1000, "tokenRatio": 0.1239 } }"#);
    let throttling = config.retry_throttling().unwrap();
    assert_eq!(throttling.max_tokens, 1000);
    assert!((throttling.token_ratio - 0.1239).abs() < 1e-9);
}

#[test]
fn health_is_watched_by_name() {
    let name = |json| parse(json).health_check_service().map(str::to_owned);
    let named = r#"{ "healthCheckConfig": { "serviceName": "a.B" } }"#;
    assert_eq!(name(named).as_deref(), Some("a.B"));
    let whole = r#"{ "healthCheckConfig": { "serviceName": "" } }"#;
    assert_eq!(name(whole).as_deref(), Some(""));
}

#[test]
fn policies_have_their_defaults() {
    let pick_first = LoadBalancing::PickFirst { shuffle: false };
    assert_eq!(spread(r#"{ "pick_first": {} }"#), pick_first);
    assert_eq!(
        spread(r#"{ "round_robin": {} }"#),
        LoadBalancing::RoundRobin
    );
    let weighted = LoadBalancing::WeightedRoundRobin {
        out_of_band: false,
        reporting_period: Duration::from_secs(10),
        blackout: Duration::from_secs(10),
        weight_expiration: Duration::from_secs(180),
        weight_update: Duration::from_secs(1),
        error_penalty: 1.0,
    };
    assert_eq!(spread(r#"{ "weighted_round_robin": {} }"#), weighted);
    let least = LoadBalancing::LeastRequest { choices: 2 };
    assert_eq!(spread(r#"{ "least_request_experimental": {} }"#), least);
    let ring = LoadBalancing::RingHash {
        ring_min: 1024,
        ring_max: 4096,
        header: None,
    };
    assert_eq!(spread(r#"{ "ring_hash_experimental": {} }"#), ring);
    let outliers = LoadBalancing::OutlierDetection {
        interval: Duration::from_secs(10),
        ejection: Duration::from_secs(30),
        ejection_max: Duration::from_secs(300),
        ejected_percent_max: 10,
        success_rate: None,
        failure_percentage: None,
        child: Box::new(LoadBalancing::RoundRobin),
    };
    let json =
        r#"{ "outlier_detection_experimental": { "childPolicy": [{ "round_robin": {} }] } }"#;
    assert_eq!(spread(json), outliers);
}

#[test]
fn policies_have_their_fields() {
    let shuffled = LoadBalancing::PickFirst { shuffle: true };
    assert_eq!(
        spread(r#"{ "pick_first": { "shuffleAddressList": true } }"#),
        shuffled
    );
    let weighted = LoadBalancing::WeightedRoundRobin {
        out_of_band: true,
        reporting_period: Duration::from_secs(1),
        blackout: Duration::ZERO,
        weight_expiration: Duration::from_secs(3),
        weight_update: Duration::from_millis(100),
        error_penalty: 0.5,
    };
    let json = r#"{ "weighted_round_robin": {
        "enableOobLoadReport": true, "oobReportingPeriod": "1s", "blackoutPeriod": "0s",
        "weightExpirationPeriod": "3s", "weightUpdatePeriod": "0.001s", "errorUtilizationPenalty": 0.5
    } }"#;
    assert_eq!(spread(json), weighted);
    let least = LoadBalancing::LeastRequest { choices: 10 };
    assert_eq!(
        spread(r#"{ "least_request_experimental": { "choiceCount": 11 } }"#),
        least
    );
    let ring = LoadBalancing::RingHash {
        ring_min: 1,
        ring_max: 8_388_608,
        header: Some("x-user".to_owned()),
    };
    let json = r#"{ "ring_hash_experimental": {
        "minRingSize": "1", "maxRingSize": 8388608, "requestHashHeader": "x-user"
    } }"#;
    assert_eq!(spread(json), ring);
}

#[test]
fn outliers_are_found_by_two_rules() {
    let json = r#"{ "outlier_detection_experimental": {
        "interval": "1s", "baseEjectionTime": "2s", "maxEjectionTime": "3s", "maxEjectionPercent": 50,
        "successRateEjection": { "stdevFactor": 1000, "enforcementPercentage": 1, "minimumHosts": 2, "requestVolume": 3 },
        "failurePercentageEjection": {},
        "childPolicy": [{ "newest": {} }, { "least_request_experimental": { "choiceCount": 3 } }]
    } }"#;
    let expected = LoadBalancing::OutlierDetection {
        interval: Duration::from_secs(1),
        ejection: Duration::from_secs(2),
        ejection_max: Duration::from_secs(3),
        ejected_percent_max: 50,
        success_rate: Some(EjectionRule {
            threshold: 1000,
            enforced_percent: 1,
            hosts_min: 2,
            calls_min: 3,
        }),
        failure_percentage: Some(EjectionRule {
            threshold: 85,
            enforced_percent: 100,
            hosts_min: 5,
            calls_min: 50,
        }),
        child: Box::new(LoadBalancing::LeastRequest { choices: 3 }),
    };
    assert_eq!(spread(json), expected);
}

#[test]
fn the_first_known_policy_counts() {
    let spread =
        spread(r#"{ "newest": { "any": ["thing"] } }, { "round_robin": {} }, { "pick_first": 7 }"#);
    assert_eq!(spread, LoadBalancing::RoundRobin);
}

#[test]
fn the_older_name_counts_unless_there_is_a_list() {
    let named = parse(r#"{ "loadBalancingPolicy": "ROUND_ROBIN" }"#);
    assert_eq!(named.load_balancing(), Some(&LoadBalancing::RoundRobin));
    let both = r#"{ "loadBalancingPolicy": "round_robin", "loadBalancingConfig": [{ "pick_first": {} }] }"#;
    let first = LoadBalancing::PickFirst { shuffle: false };
    assert_eq!(parse(both).load_balancing(), Some(&first));
}

#[test]
fn the_guide_says_what_is_so() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/POLICY.md");
    let guide = std::fs::read_to_string(path).unwrap();
    let (_, rest) = guide.split_once("```json\n").unwrap();
    let (json, rest) = rest.split_once("```").unwrap();
    let config = parse(json);
    assert_eq!(config.load_balancing(), Some(&LoadBalancing::RoundRobin));
    assert_eq!(config.health_check_service(), Some("bank.v1.Accounts"));
    let accounts = policy(&config, "/bank.v1.Accounts/Withdraw");
    assert_eq!(accounts.timeout, Some(Duration::from_millis(1500)));

    let (_, rest) = rest.split_once("```text\nservice config: ").unwrap();
    let (said, _) = rest.split_once("\n```").unwrap();
    let wrong = json
        .replace("1.5s", "1500ms")
        .replace("maxAttempts", "maxAttemps");
    assert_eq!(super::refused(&wrong), said);
}
