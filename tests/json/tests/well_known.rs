//! The forms of the well-known types, and the limits that count through them.

use cordial::{
    google::protobuf::{
        Any, Duration, FieldMask, ListValue, Struct, Timestamp, Value, value::Kind,
    },
    json::{self, ANY_DEPTH, DEPTH_MAX, Json, Options},
    prost::Message,
};
use json_tests::zoo::{Zoo, zoo::Inner};

/// Read and written, this is the same; as a field too.
fn stays<M: Json>(text: &str) {
    reads::<M>(text, text);
}

fn reads<M: Json>(text: &str, written: &str) {
    let read: M = json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(json::to_string(&read).unwrap(), written, "{text}");
}

fn refused<M: Json>(text: &str, why: &str) {
    let error = json::from_str::<M>(text)
        .map(drop)
        .expect_err(text)
        .to_string();
    assert!(error.contains(why), "{text}: {error}");
}

fn unwritten(message: &impl Json, why: &str) {
    let error = json::to_string(message).expect_err(why).to_string();
    assert!(error.contains(why), "{error}");
}

#[test]
fn timestamps() {
    for text in [
        r#""0001-01-01T00:00:00Z""#,
        r#""1969-12-31T23:59:59.999999999Z""#,
        r#""1970-01-01T00:00:00Z""#,
        r#""2000-02-29T12:34:56.100Z""#,
        r#""2026-11-23T03:10:00.000010Z""#,
        r#""9999-12-31T23:59:59.999999999Z""#,
    ] {
        stays::<Timestamp>(text);
    }
    reads::<Timestamp>(
        r#""1970-01-01T01:30:00.5+01:30""#,
        r#""1970-01-01T00:00:00.500Z""#,
    );
    reads::<Timestamp>(
        r#""1969-12-31T16:00:00-08:00""#,
        r#""1970-01-01T00:00:00Z""#,
    );
    for text in [
        r#""0000-01-01T00:00:00Z""#,
        r#""10000-01-01T00:00:00Z""#,
        r#""0001-01-01T00:00:00+23:59""#,
        r#""9999-12-31T23:59:59-23:59""#,
        r#""1970-01-01t00:00:00Z""#,
        r#""1970-01-01T00:00:00z""#,
        r#""1970-01-01T00:00:00""#,
        r#""1970-01-01 00:00:00Z""#,
        r#""1970-13-01T00:00:00Z""#,
        r#""1970-00-01T00:00:00Z""#,
        r#""1970-01-32T00:00:00Z""#,
        r#""1999-02-29T00:00:00Z""#,
        r#""1970-01-01T24:00:00Z""#,
        r#""1970-01-01T00:00:60Z""#,
        r#""1970-01-01T00:00:00.Z""#,
        r#""1970-01-01T00:00:00.0000000001Z""#,
        r#""1970-01-01T00:00:00+0100""#,
        r#""1970-01-01T00:00:0éZ""#,
        r#""""#,
        "0",
    ] {
        refused::<Timestamp>(text, "a time such as");
    }
    for (seconds, nanos) in [
        (-62_135_596_801, 0),
        (253_402_300_800, 0),
        (0, -1),
        (0, 1_000_000_000),
    ] {
        unwritten(&Timestamp { seconds, nanos }, "`Timestamp`");
    }
}

#[test]
fn durations() {
    for text in [
        r#""0s""#,
        r#""-0.500s""#,
        r#""1.000340012s""#,
        r#""-315576000000.999999999s""#,
        r#""315576000000s""#,
    ] {
        stays::<Duration>(text);
    }
    reads::<Duration>(r#""1.5s""#, r#""1.500s""#);
    for text in [
        r#""315576000001s""#,
        r#""1""#,
        r#""s""#,
        r#"".5s""#,
        r#""1.s""#,
        r#""+1s""#,
        r#""--1s""#,
        r#""1.0000000001s""#,
        r#""1e1s""#,
        "1",
    ] {
        refused::<Duration>(text, "a duration such as");
    }
    for (seconds, nanos) in [
        (315_576_000_001, 0),
        (i64::MIN, 0),
        (1, -1),
        (-1, 1),
        (0, 1_000_000_000),
    ] {
        unwritten(&Duration { seconds, nanos }, "`Duration`");
    }
}

#[test]
fn field_masks() {
    stays::<FieldMask>(r#""""#);
    stays::<FieldMask>(r#""user.displayName,photo""#);
    let mask: FieldMask = json::from_str(r#""user.displayName,photo""#).unwrap();
    assert_eq!(mask.paths, ["user.display_name", "photo"]);
    refused::<FieldMask>(r#""display_name""#, "paths such as");
    for path in ["displayName", "a__b", "a_1", "a_"] {
        let paths = vec![path.to_owned()];
        unwritten(&FieldMask { paths }, "`FieldMask`");
    }
}

#[test]
fn values_are_json_itself() {
    let text = r#"{"a":[null,true,-1.5,"x",{"b":[]}],"c":{}}"#;
    stays::<Struct>(text);
    stays::<Value>(text);
    stays::<Value>("null");
    stays::<ListValue>(r#"[[],{},"a"]"#);
    refused::<Struct>("[]", "an object");
    refused::<ListValue>("{}", "an array");
    unwritten(&Value { kind: None }, "a `Value` without a value");
    for number in [f64::NAN, f64::INFINITY] {
        let kind = Some(Kind::NumberValue(number));
        unwritten(&Value { kind }, "JSON has no number for");
    }
}

#[test]
fn wrappers_are_their_values() {
    stays::<i32>("5");
    stays::<i64>(r#""5""#);
    stays::<u32>("5");
    stays::<u64>(r#""5""#);
    stays::<f32>("0.1");
    stays::<f64>(r#""NaN""#);
    stays::<bool>("true");
    stays::<String>(r#""a""#);
    stays::<Vec<u8>>(r#""AA==""#);
    stays::<()>("{}");
    refused::<i32>("null", "null");
    refused::<()>(r#"{"a":1}"#, "`google.protobuf.Empty` has no field `a`");
    stays::<Zoo>(
        r#"{"wrappedDouble":0.0,"wrappedInt64":"0","wrappedString":"","wrappedInt64s":["1","2"]}"#,
    );
}

#[test]
fn any_says_its_type_first_and_is_read_in_any_order() {
    let text = r#"{"@type":"type.googleapis.com/zoo.Zoo.Inner","name":"a","count":"1"}"#;
    stays::<Any>(text);
    let any: Any = json::from_str(text).unwrap();
    let inner = Inner::decode(any.value.as_slice()).unwrap();
    assert_eq!((inner.name.as_str(), inner.count), ("a", 1));
    let turned = r#"{"count":1,"name":"a","@type":"type.googleapis.com/zoo.Zoo.Inner"}"#;
    reads::<Any>(turned, text);
    stays::<Any>("{}");
    for text in [
        r#"{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1s"}"#,
        r#"{"@type":"type.googleapis.com/google.protobuf.Struct","value":{"a":1.0}}"#,
        r#"{"@type":"type.googleapis.com/google.protobuf.Value","value":null}"#,
        r#"{"@type":"type.googleapis.com/google.protobuf.Int64Value","value":"1"}"#,
        r#"{"@type":"x.y/google.protobuf.Empty"}"#,
        r#"{"@type":"x.y/google.protobuf.Any","value":{"@type":"x.y/google.protobuf.Any","value":{}}}"#,
    ] {
        stays::<Any>(text);
    }
    reads::<Any>(
        r#"{"@type":"x.y/google.protobuf.Empty","value":{}}"#,
        r#"{"@type":"x.y/google.protobuf.Empty"}"#,
    );
}

#[test]
fn any_of_nothing_known_is_refused() {
    for (text, why) in [
        (r#"{"name":"a"}"#, "says its type in `@type`"),
        (r#"{"@type":1}"#, "says its type in `@type`"),
        (r#"{"@type":"zoo.Zoo"}"#, "`zoo.Zoo` is no type of an `Any`"),
        (r#"{"@type":""}"#, "is no type of an `Any`"),
        (r#"{"@type":"x/a.B"}"#, "this program knows no type `a.B`"),
        (
            r#"{"@type":"x/zoo.Zoo","@type":"x/zoo.Zoo"}"#,
            "`@type` is there twice",
        ),
        (
            r#"{"@type":"x/zoo.Zoo","anInt32":1,"anInt32":1}"#,
            "`anInt32` is there twice",
        ),
        (
            r#"{"@type":"x/zoo.Zoo","more":1}"#,
            "`zoo.Zoo` has no field `more`",
        ),
        (
            r#"{"@type":"x/google.protobuf.Duration"}"#,
            "there is no field `value`",
        ),
        (
            r#"{"@type":"x/google.protobuf.Duration","value":"1s","a":1}"#,
            "there is no `a`",
        ),
        ("[]", "expected an `Any`"),
    ] {
        refused::<Any>(text, why);
    }
    let type_url = "x/a.B".to_owned();
    unwritten(
        &Any {
            type_url,
            value: vec![],
        },
        "this program knows no type `a.B`",
    );
    let type_url = "x/zoo.Zoo".to_owned();
    unwritten(
        &Any {
            type_url,
            value: vec![255],
        },
        "an `Any` does not decode",
    );
    let lenient = Options::new().ignore_unknown_fields(true);
    assert!(
        lenient
            .from_str::<Any>(r#"{"@type":"x/zoo.Zoo","more":1}"#)
            .is_ok()
    );
    assert!(lenient.from_str::<Any>(r#"{"@type":"x/a.B"}"#).is_err());
}

/// Reads a message, and writes it.
type Reader = fn(&str) -> Result<(), json::Error>;

/// `depth` objects and arrays in one another, as a message of each of the kinds that can do that.
fn deep(depth: usize) -> [(String, Reader); 5] {
    fn read<M: Json>(text: &str) -> Result<(), json::Error> {
        json::from_str::<M>(text)
            .and_then(|read| json::to_string(&read))
            .map(drop)
    }
    let nest = |open: &str, inner: &str, close: &str, depth: usize| {
        format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
    };
    let any = r#"{"@type":"x/google.protobuf.Any","value":"#;
    [
        (nest(r#"{"zoo":"#, "{}", "}", depth - 1), read::<Zoo>),
        (nest("[", "[]", "]", depth - 1), read::<Value>),
        (nest(r#"{"a":"#, "{}", "}", depth - 1), read::<Struct>),
        (nest(any, "{}", "}", (depth - 1) / ANY_DEPTH), read::<Any>),
        (
            nest(r#"{"inners":["#, "{}", "]}", (depth - 1) / 2) + &" ".repeat(depth % 2),
            read::<Inner>,
        ),
    ]
}

/// Whatever the stack: half a MiB is a quarter of what a thread of tokio has.
#[test]
fn depth_has_a_limit_that_every_stack_holds() {
    let small = std::thread::Builder::new().stack_size(512 << 10);
    let ended = small.spawn(depth_is_limited).unwrap().join();
    ended.unwrap();
}

fn depth_is_limited() {
    for (text, read) in deep(DEPTH_MAX) {
        read(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
    for (text, read) in deep(DEPTH_MAX + 2) {
        let error = read(&text).expect_err(&text).to_string();
        assert!(
            error.contains("more than 100 objects and arrays"),
            "{error}"
        );
    }
    for (text, read) in deep(100_000) {
        read(&text).expect_err("much too deep");
    }
}

#[test]
fn what_is_too_deep_is_not_written() {
    let mut any = Any::default();
    for _ in 0..=DEPTH_MAX {
        any = Any {
            type_url: "x/google.protobuf.Any".to_owned(),
            value: any.encode_to_vec(),
        };
    }
    unwritten(&any, "more than 100 objects and arrays");
}

#[test]
fn long_input_is_read_in_linear_time_and_repeated_in_short() {
    let long = "1".repeat(1_000_000);
    refused::<i32>(&long, "out of range");
    refused::<i32>(&format!("\"{long}\""), "a whole number");
    let text = format!(r#"{{"aBool":"{long}"}}"#);
    let error = json::from_str::<Zoo>(&text).unwrap_err().to_string();
    assert!(error.len() < 600 && error.contains("`aBool`"), "{error}");
    let error = json::from_str::<Zoo>(&format!(r#"{{"{long}":1}}"#)).unwrap_err();
    assert!(error.to_string().len() < 600, "{error}");
}
