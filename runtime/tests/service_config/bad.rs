use super::{balancing, entry, refused, retry};

/// Each config, and all that is said of it.
fn say(cases: &[(String, &str)]) {
    let mut wrong = Vec::new();
    for (json, expected) in cases {
        let said = refused(json);
        if said != *expected {
            wrong.push(format!(
                "{json}\n  said:     {said}\n  expected: {expected}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn case<'a>(json: &str, said: &'a str) -> (String, &'a str) {
    (json.to_owned(), said)
}

#[test]
fn what_is_no_json() {
    say(&[
        case(
            "",
            "not readable as JSON: EOF while parsing a value at line 1 column 0",
        ),
        case(
            "{",
            "not readable as JSON: EOF while parsing an object at line 1 column 1",
        ),
        case(
            "{} {}",
            "not readable as JSON: trailing characters at line 1 column 4",
        ),
        case(
            "{ 'a': 1 }",
            "not readable as JSON: key must be a string at line 1 column 3",
        ),
        (
            format!("{}{}", "[".repeat(25), "]".repeat(25)),
            "not readable as JSON: more than 24 lists and objects within one another at line 1 column 26",
        ),
        (
            " ".repeat(1024 * 1024 + 1),
            "1048577 bytes, at most 1048576",
        ),
    ]);
}

#[test]
fn what_is_no_config() {
    say(&[
        case("[]", "the document: wants an object, not a list"),
        case("7", "the document: wants an object, not 7"),
        case(
            r#"{ "methodConfigs": [] }"#,
            "methodConfigs: no such field; did you mean `methodConfig`?",
        ),
        case(
            r#"{ "xds": {} }"#,
            "xds: no such field; there are `healthCheckConfig`, `loadBalancingConfig`, \
             `loadBalancingPolicy`, `methodConfig` and `retryThrottling`",
        ),
        case(
            r#"{ "methodConfig": [], "methodConfig": [] }"#,
            "methodConfig: given twice; delete one of the two",
        ),
        case(
            r#"{ "methodConfig": {} }"#,
            "methodConfig: wants a list, not an object",
        ),
        case(
            r#"{ "methodConfig": [null] }"#,
            "methodConfig[0]: wants an object, not null",
        ),
        case(
            r#"{ "a\nb": 1 }"#,
            "a\\nb: no such field; there are `healthCheckConfig`, `loadBalancingConfig`, \
             `loadBalancingPolicy`, `methodConfig` and `retryThrottling`",
        ),
        case(
            r#"{ "healthCheckConfig": { "serviceName": 1 } }"#,
            "healthCheckConfig.serviceName: wants a string, not 1",
        ),
    ]);
}

#[test]
fn names() {
    let named = |names: &str| format!(r#"{{ "methodConfig": [{{ "name": {names} }}] }}"#);
    say(&[
        (
            named(r#""a.B""#),
            "methodConfig[0].name: wants a list, not \"a.B\"",
        ),
        (
            named(r#"["a.B"]"#),
            "methodConfig[0].name[0]: wants an object, not \"a.B\"",
        ),
        (
            named(r#"[{ "methd": "C" }]"#),
            "methodConfig[0].name[0].methd: no such field; did you mean `method`?",
        ),
        (
            named(r#"[{ "method": "C" }]"#),
            "methodConfig[0].name[0]: a method without its `service`; name that too",
        ),
        (
            named(r#"[{ "service": "/a.B" }]"#),
            "methodConfig[0].name[0].service: wants a service with its package, such as \
             `bank.v1.Accounts`, not \"/a.B\"",
        ),
        (
            named(r#"[{ "service": "a.B", "method": "/a.B/C" }]"#),
            "methodConfig[0].name[0].method: wants a method's own name, such as `Withdraw`, not \"/a.B/C\"",
        ),
        (
            named(r#"[{ "service": "a.B" }, { "service": "a.B", "method": "" }]"#),
            "methodConfig[0].name[1]: named already at methodConfig[0].name[0]",
        ),
        case(
            r#"{ "methodConfig": [{ "name": [{}] }, { "name": [{ "service": "" }] }] }"#,
            "methodConfig[1].name[0]: named already at methodConfig[0].name[0]",
        ),
        (
            named(r#"[{ "service": 7 }]"#),
            "methodConfig[0].name[0].service: wants a string, not 7",
        ),
    ]);
}

#[test]
fn timeouts_and_sizes() {
    let span = "methodConfig[0].timeout: wants seconds such as \"1.5s\", not ";
    let spans = [
        ("1.5", "1.5"),
        (r#""1.5""#, "\"1.5\""),
        (r#""-1s""#, "\"-1s\""),
        (r#"".5s""#, "\".5s\""),
        (r#""1.s""#, "\"1.s\""),
        (r#""1m""#, "\"1m\""),
        (r#""+1s""#, "\"+1s\""),
        (r#""0.0000000001s""#, "\"0.0000000001s\""),
        (r#""315576000001s""#, "\"315576000001s\""),
        ("{}", "an object"),
    ];
    for (json, shown) in spans {
        let said = refused(&entry(&format!(r#""timeout": {json}"#)));
        assert_eq!(said, format!("{span}{shown}"));
    }
    say(&[
        (
            entry(r#""timeout": "0s""#),
            "methodConfig[0].timeout: wants more than 0s, not \"0s\"",
        ),
        (
            entry(r#""waitForReady": "yes""#),
            "methodConfig[0].waitForReady: wants true or false, not \"yes\"",
        ),
        (
            entry(r#""waitForready": true"#),
            "methodConfig[0].waitForready: no such field; did you mean `waitForReady`?",
        ),
        (
            entry(r#""maxRequestMessageBytes": -1"#),
            "methodConfig[0].maxRequestMessageBytes: wants a whole number, at least 0, not -1",
        ),
        (
            entry(r#""maxResponseMessageBytes": 1.5"#),
            "methodConfig[0].maxResponseMessageBytes: wants a whole number, at least 0, not 1.5",
        ),
        (
            entry(r#""maxResponseMessageBytes": 4294967296"#),
            "methodConfig[0].maxResponseMessageBytes: wants a whole number, at least 0, not 4294967296",
        ),
    ]);
}

#[test]
fn retries() {
    let at = "methodConfig[0].retryPolicy";
    let cases = [
        ("maxAttempts", "", "maxAttempts: is missing"),
        (
            "maxAttempts",
            "1",
            "maxAttempts: wants a whole number, at least 2, not 1",
        ),
        (
            "maxAttempts",
            "[]",
            "maxAttempts: wants a whole number, at least 2, not a list",
        ),
        ("initialBackoff", "", "initialBackoff: is missing"),
        ("initialBackoff", "null", "initialBackoff: is missing"),
        (
            "initialBackoff",
            r#""0s""#,
            "initialBackoff: wants more than 0s, not \"0s\"",
        ),
        (
            "maxBackoff",
            r#""0.0s""#,
            "maxBackoff: wants more than 0s, not \"0.0s\"",
        ),
        (
            "backoffMultiplier",
            "0",
            "backoffMultiplier: wants a number over 0, not 0",
        ),
        (
            "backoffMultiplier",
            "-1.5",
            "backoffMultiplier: wants a number over 0, not -1.5",
        ),
        (
            "backoffMultiplier",
            r#""inf""#,
            "backoffMultiplier: wants a number, not \"inf\"",
        ),
        (
            "retryableStatusCodes",
            "",
            "retryableStatusCodes: is missing",
        ),
        (
            "retryableStatusCodes",
            "[]",
            "retryableStatusCodes: wants at least one code",
        ),
        (
            "retryableStatusCodes",
            r#"["UNAVAILABEL"]"#,
            "retryableStatusCodes[0]: wants a status code such as \"UNAVAILABLE\", not \
             \"UNAVAILABEL\"; did you mean `UNAVAILABLE`?",
        ),
        (
            "retryableStatusCodes",
            "[14, 17]",
            "retryableStatusCodes[1]: wants a status code such as \"UNAVAILABLE\", not 17",
        ),
        (
            "retryableStatusCodes",
            r#"["OK"]"#,
            "retryableStatusCodes[0]: wants the code of a failure, not \"OK\"",
        ),
        (
            "retryableStatusCodes",
            "[0]",
            "retryableStatusCodes[0]: wants the code of a failure, not 0",
        ),
    ];
    for (field, value, expected) in cases {
        assert_eq!(refused(&retry(field, value)), format!("{at}.{expected}"));
    }
    say(&[(
        entry(r#""retryPolicy": 3"#),
        "methodConfig[0].retryPolicy: wants an object, not 3",
    )]);
}

#[test]
fn hedging() {
    let at = "methodConfig[0].hedgingPolicy";
    let hedging = |fields: &str| entry(&format!(r#""hedgingPolicy": {{ {fields} }}"#));
    for (fields, expected) in [
        ("", "maxAttempts: is missing"),
        (
            r#""maxAttempts": 0"#,
            "maxAttempts: wants a whole number, at least 2, not 0",
        ),
        (
            r#""maxAttempts": 2, "hedgingDelay": 1"#,
            "hedgingDelay: wants seconds such as \"1.5s\", not 1",
        ),
        (
            r#""maxAttempts": 2, "nonFatalStatusCodes": ["ok"]"#,
            "nonFatalStatusCodes[0]: wants the code of a failure, not \"ok\"",
        ),
        (
            r#""maxAttempts": 2, "nonFatalStatusCode": []"#,
            "nonFatalStatusCode: no such field; did you mean `nonFatalStatusCodes`?",
        ),
    ] {
        assert_eq!(refused(&hedging(fields)), format!("{at}.{expected}"));
    }
    let both = retry("maxAttempts", "2").replace(
        r#""name""#,
        r#""hedgingPolicy": { "maxAttempts": 2 }, "name""#,
    );
    assert_eq!(
        refused(&both),
        format!("{at}: stands beside `retryPolicy`; delete one of the two")
    );
}

#[test]
fn throttling() {
    let throttling = |fields: &str| format!(r#"{{ "retryThrottling": {{ {fields} }} }}"#);
    say(&[
        (
            throttling(r#""tokenRatio": 0.1"#),
            "retryThrottling.maxTokens: is missing",
        ),
        (
            throttling(r#""maxTokens": 0, "tokenRatio": 0.1"#),
            "retryThrottling.maxTokens: wants a whole number from 1 to 1000, not 0",
        ),
        (
            throttling(r#""maxTokens": 1001, "tokenRatio": 0.1"#),
            "retryThrottling.maxTokens: wants a whole number from 1 to 1000, not 1001",
        ),
        (
            throttling(r#""maxTokens": 10, "tokenRatio": 0.0009"#),
            "retryThrottling.tokenRatio: wants at least 0.001, not 0.0009",
        ),
        (
            throttling(r#""maxTokens": 10, "tokenRatio": -1"#),
            "retryThrottling.tokenRatio: wants at least 0.001, not -1",
        ),
    ]);
}

#[test]
fn load_balancing() {
    let at = "loadBalancingConfig";
    let known = "`pick_first`, `round_robin`, `weighted_round_robin`, `least_request_experimental`, \
                 `ring_hash_experimental` and `outlier_detection_experimental`";
    for (policy, expected) in [
        (
            "",
            format!("{at}: names no known policy; there are {known}"),
        ),
        (
            r#"{ "grpclb": {} }"#,
            format!("{at}: names no known policy; there are {known}"),
        ),
        (
            "{}",
            format!("{at}[0]: wants one field, a policy's name, not 0 fields"),
        ),
        (
            r#"{ "pick_first": {}, "round_robin": {} }"#,
            format!("{at}[0]: wants one field, a policy's name, not 2 fields"),
        ),
        (
            r#""round_robin""#,
            format!("{at}[0]: wants an object, not \"round_robin\""),
        ),
        (
            r#"{ "pick_first": { "shuffleAddresses": true } }"#,
            format!(
                "{at}[0].pick_first.shuffleAddresses: no such field; did you mean `shuffleAddressList`?"
            ),
        ),
        (
            r#"{ "round_robin": { "a": 1 } }"#,
            format!("{at}[0].round_robin.a: no such field; it takes no fields"),
        ),
        (
            r#"{ "x": 1 }, { "weighted_round_robin": { "blackoutPeriod": 10 } }"#,
            format!(
                "{at}[1].weighted_round_robin.blackoutPeriod: wants seconds such as \"1.5s\", not 10"
            ),
        ),
        (
            r#"{ "weighted_round_robin": { "errorUtilizationPenalty": -0.5 } }"#,
            format!(
                "{at}[0].weighted_round_robin.errorUtilizationPenalty: wants a number, at least 0, not -0.5"
            ),
        ),
        (
            r#"{ "least_request_experimental": { "choiceCount": 1 } }"#,
            format!(
                "{at}[0].least_request_experimental.choiceCount: wants a whole number, at least 2, not 1"
            ),
        ),
        (
            r#"{ "ring_hash_experimental": { "maxRingSize": 8388609 } }"#,
            format!(
                "{at}[0].ring_hash_experimental.maxRingSize: wants a whole number from 1 to 8388608, not 8388609"
            ),
        ),
        (
            r#"{ "ring_hash_experimental": { "minRingSize": 5000 } }"#,
            format!(
                "{at}[0].ring_hash_experimental: `minRingSize` of 5000 is over `maxRingSize` of 4096"
            ),
        ),
        (
            r#"{ "ring_hash_experimental": { "requestHashHeader": "id-bin" } }"#,
            format!(
                "{at}[0].ring_hash_experimental.requestHashHeader: wants a key of ASCII metadata, in small letters, not \"id-bin\""
            ),
        ),
    ] {
        assert_eq!(refused(&balancing(policy)), expected);
    }
    say(&[case(
        r#"{ "loadBalancingPolicy": "grpclb" }"#,
        "loadBalancingPolicy: wants `pick_first` or `round_robin`; others go into \
         `loadBalancingConfig`, not \"grpclb\"",
    )]);
}

#[test]
fn outlier_detection() {
    let at = "loadBalancingConfig[0].outlier_detection_experimental";
    let detection = |fields: &str| {
        let child = r#""childPolicy": [{ "round_robin": {} }]"#;
        balancing(&format!(
            r#"{{ "outlier_detection_experimental": {{ {child}, {fields} }} }}"#
        ))
    };
    for (fields, expected) in [
        (
            r#""interval": "0s""#,
            "interval: wants more than 0s, not \"0s\"",
        ),
        (
            r#""maxEjectionPercent": 101"#,
            "maxEjectionPercent: wants a whole number from 0 to 100, not 101",
        ),
        (
            r#""failurePercentageEjection": { "threshold": 101 }"#,
            "failurePercentageEjection.threshold: wants a whole number from 0 to 100, not 101",
        ),
        (
            r#""successRateEjection": { "threshold": 1 }"#,
            "successRateEjection.threshold: no such field; there are `enforcementPercentage`, \
             `minimumHosts`, `requestVolume` and `stdevFactor`",
        ),
    ] {
        assert_eq!(refused(&detection(fields)), format!("{at}.{expected}"));
    }
    let childless = balancing(r#"{ "outlier_detection_experimental": {} }"#);
    assert_eq!(refused(&childless), format!("{at}.childPolicy: is missing"));
}

#[test]
fn every_mistake_is_told_at_once() {
    let json = r#"{
        "methodConfig": [
            { "name": [{ "service": "a.B" }], "timeout": "0s", "retryPolicy": { "maxAttemps": 3 } },
            { "name": [{ "service": "a.B" }], "waitForReady": 1 }
        ],
        "loadBalancingConfig": [{ "grpclb": {} }]
    }"#;
    assert_eq!(
        refused(json),
        "9 mistakes\n  \
         loadBalancingConfig: names no known policy; there are `pick_first`, `round_robin`, \
         `weighted_round_robin`, `least_request_experimental`, `ring_hash_experimental` and \
         `outlier_detection_experimental`\n  \
         methodConfig[0].timeout: wants more than 0s, not \"0s\"\n  \
         methodConfig[0].retryPolicy.maxAttemps: no such field; did you mean `maxAttempts`?\n  \
         methodConfig[0].retryPolicy.initialBackoff: is missing\n  \
         methodConfig[0].retryPolicy.maxBackoff: is missing\n  \
         methodConfig[0].retryPolicy.backoffMultiplier: is missing\n  \
         methodConfig[0].retryPolicy.retryableStatusCodes: is missing\n  \
         methodConfig[1].waitForReady: wants true or false, not 1\n  \
         methodConfig[1].name[0]: named already at methodConfig[0].name[0]"
    );
}

#[test]
fn very_many_mistakes_are_counted() {
    let fields: Vec<_> = (0..60).map(|n| format!(r#""field{n}": 1"#)).collect();
    let said = refused(&format!("{{ {} }}", fields.join(", ")));
    assert!(
        said.starts_with("60 mistakes\n  field0: no such field;"),
        "{said}"
    );
    assert!(said.ends_with("\n  and 10 more"), "{said}");
    assert_eq!(said.lines().count(), 52);
}
