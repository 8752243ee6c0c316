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
    kinds
    knobs
    names
    no_package
    options
    packages
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
