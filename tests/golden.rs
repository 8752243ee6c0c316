//! The golden files of the generator compile in the strictest crate a user may have: every case as
//! `include_protos!()` would include it, with nothing allowed that a user would have to allow.
#![deny(warnings, clippy::pedantic)]
// Lints of this workspace, which are off unless asked for.
#![allow(missing_docs, unreachable_pub)]

/// What the case `knobs` takes from another crate.
mod elsewhere {
    #[derive(Clone, PartialEq, Eq, Hash, cordial::prost::Message)]
    #[prost(prost_path = "cordial::prost")]
    pub struct Place {
        #[prost(string, tag = "1")]
        pub name: String,
    }
}

macro_rules! golden {
    ($($case:ident)*) => {
        // Public, as some lints look only at what others see, and yet a test's own, so that what is not
        // used is seen as well.
        $(pub mod $case {
            include!(concat!("../codegen/tests/golden/", stringify!($case), "/_packages.rs"));
        })*
    };
}

golden! {
    comments
    deprecated
    empty
    google
    greeter
    json
    kinds
    knobs
    names
    no_package
    options
    packages
    policy
    proto2
    shapes
    streams
}

/// A deprecated method is served without a word: only who calls it is warned.
struct Old;

impl deprecated::old::Mixed for Old {
    async fn go(&self, request: cordial::Request<deprecated::old::Old>) -> OldReply {
        Ok(request.into_inner().into())
    }

    async fn stay(&self, request: cordial::Request<deprecated::old::Old>) -> OldReply {
        Ok(request.into_inner().into())
    }
}

impl deprecated::old::Ancient for Old {
    async fn go(&self, request: cordial::Request<deprecated::old::Old>) -> OldReply {
        Ok(request.into_inner().into())
    }
}

type OldReply = cordial::Result<cordial::Response<deprecated::old::Old>>;

#[test]
fn deprecated_methods_are_served_without_a_warning() {
    let _ = deprecated::old::mixed_server(Old);
    let _ = deprecated::old::ancient_server(Old);
}

/// The bytes that the generator wrote are what the constants it wrote beside them read.
#[test]
#[allow(deprecated)]
fn options_are_read_with_their_own_constants() {
    use options::{auth, bank};

    let close = bank::BANK_CLOSE;
    assert_eq!(
        close.option(auth::ROLE).as_deref(),
        Some("owner(of).it \"or\" a; friend")
    );
    assert_eq!(close.option_values(auth::SCOPES), ["read", "write"]);
    assert_eq!(close.option(auth::POLICY_WEIGHT), Some(-1));
    assert_eq!(
        close.service_option(auth::TEAM).as_deref(),
        Some("payments")
    );
    let policy = close.option(auth::POLICY).expect("a policy");
    assert!(policy.audited);
    assert_eq!(policy.labels.len(), 3);
    assert_eq!(close.idempotency(), cordial::Idempotency::Idempotent);
    assert!(close.is_deprecated());

    let read = bank::BANK_READ;
    let http = cordial::Extension::<cordial::google::api::HttpRule>::message(72_295_728);
    let pattern = cordial::google::api::http_rule::Pattern::Get("/v1/{id=accounts/*}".to_owned());
    assert_eq!(
        read.option(http).and_then(|rule| rule.pattern),
        Some(pattern)
    );
    assert_eq!(read.option(auth::ROLE), None);
    assert_eq!(read.idempotency(), cordial::Idempotency::NoSideEffects);
}

/// What `cordial/v1/options.proto` says arrives, the service's default where the method is silent.
#[test]
fn policies_are_read() {
    use cordial::{Attempts, Code, HedgingPolicy, Method, MethodPolicy, Priority, RetryPolicy};
    use policy::shop;
    use std::time::Duration;

    let default = MethodPolicy {
        timeout: Some(Duration::from_millis(1500)),
        wait_for_ready: Some(true),
        ..MethodPolicy::default()
    };
    let of = |method: Method| {
        let first = MethodPolicy::of(method);
        assert_eq!(MethodPolicy::of(method), first, "remembered");
        first
    };
    assert_eq!(of(shop::CARTS_ADD.erase()), default);
    assert_eq!(of(shop::CARTS_IMPORT.erase()), default);
    let retry = RetryPolicy {
        max_attempts: 3,
        initial_backoff: Duration::from_millis(50),
        max_backoff: Duration::from_secs(1),
        backoff_multiplier: 2.0,
        retryable: vec![Code::Unavailable, Code::ResourceExhausted],
    };
    let retried = MethodPolicy {
        attempts: Some(Attempts::Retry(retry)),
        ..default.clone()
    };
    assert_eq!(of(shop::CARTS_CLEAR.erase()), retried);
    let hedging = HedgingPolicy {
        max_attempts: 2,
        hedging_delay: Duration::from_millis(20),
        non_fatal: vec![Code::Internal],
    };
    let hedged = MethodPolicy {
        attempts: Some(Attempts::Hedge(hedging)),
        ..default
    };
    assert_eq!(of(shop::CARTS_GET.erase()), hedged);
    let browse = MethodPolicy {
        timeout: Some(Duration::from_mins(1)),
        wait_for_ready: Some(false),
        attempts: Some(Attempts::One),
        priority: Some(Priority::Sheddable),
        ..MethodPolicy::default()
    };
    assert_eq!(of(shop::CARTS_BROWSE.erase()), browse);
    let pay = of(shop::TILLS_PAY.erase());
    assert_eq!(pay.priority, Some(Priority::Critical));
    assert_eq!(of(shop::TILLS_TOTAL.erase()), MethodPolicy::default());
    // Another program's idea of the same path is not taken for this one's.
    assert_eq!(
        of(Method::unary("/shop.Carts/Get")),
        MethodPolicy::default()
    );
    assert_eq!(
        of(shop::CARTS_GET.erase().options(b"\x8A\xA2%\x020\x03")).priority,
        Some(Priority::Critical)
    );
}

/// A method's `hash_field` is found in an encoded request, and only it counts.
#[test]
fn requests_are_hashed_by_their_field() {
    use cordial::prost::Message;
    use policy::shop;

    let get = |fields: &str, cart: &str, shard| {
        let cart = cart.to_owned();
        let request = shop::GetRequest {
            fields: fields.to_owned(),
            key: Some(shop::get_request::Key { shard, cart }),
        };
        shop::CARTS_GET.hash(&request.encode_to_vec())
    };
    assert_eq!(get("a", "one", 1), get("b", "one", 2));
    assert_ne!(get("a", "one", 1), get("a", "two", 1));
    let add = shop::AddRequest {
        item: "tea".to_owned(),
        cart: "one".to_owned(),
    };
    assert_eq!(
        shop::CARTS_ADD.hash(&add.encode_to_vec()),
        get("", "one", 0)
    );
    assert_eq!(shop::CARTS_BROWSE.hash(b""), None);
    assert_eq!(shop::CARTS_IMPORT.hash(b""), None);
}

/// Groups, defaults and recursion survive the wire.
#[test]
fn proto2_goes_around() {
    use cordial::prost::Message;
    use proto2::legacy::{Color, Order, order};

    let inner = Order {
        id: "inner".to_owned(),
        ..Order::default()
    };
    let order = Order {
        id: "outer".to_owned(),
        line: vec![order::Line {
            product: "tea".to_owned(),
            within: Some(inner.clone()),
        }],
        parent: Some(Box::new(order::Parent { order: Some(inner) })),
        way: Some(order::Way::Courier(order::Courier {
            name: Some("Ann".to_owned()),
        })),
        ..Order::default()
    };
    let bytes = order.encode_to_vec();
    assert_eq!(
        Order::decode(bytes.as_slice()).expect("what was encoded"),
        order
    );
    assert_eq!(
        (order.count(), order.note(), order.color()),
        (7, "say \"hi\"\n", Color::Blue)
    );
    assert_eq!(order.seal(), b"\x01\xff");
}
