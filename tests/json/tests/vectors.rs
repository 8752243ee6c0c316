//! What the mapping says, case by case.

use cordial::{
    json::{self, Json, Options},
    prost::Message,
};
use json_tests::{
    barn::Barn,
    zoo::{Color, Empty, Letters, Zoo, zoo},
};

/// Read, this is a `Zoo` that is written as `written`.
fn reads(text: &str, written: &str) {
    let read: Zoo = json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(json::to_string(&read).unwrap(), written, "{text}");
}

/// Read and written, this is the same.
fn stays(text: &str) {
    reads(text, text);
}

/// This is refused, and the error says so.
fn refused(text: &str, why: &str) {
    let error = json::from_str::<Zoo>(text).expect_err(text).to_string();
    assert!(error.contains(why), "{text}: {error}");
}

fn lenient<M: Json>(text: &str) -> M {
    let options = Options::new().ignore_unknown_fields(true);
    options
        .from_str(text)
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn numbers_of_32_bits_are_numbers() {
    stays(
        r#"{"anInt32":-2147483648,"aUint32":4294967295,"aSint32":1,"aFixed32":2,"anSfixed32":3}"#,
    );
    reads(r#"{"anInt32":"17"}"#, r#"{"anInt32":17}"#);
    reads(r#"{"anInt32":1.0}"#, r#"{"anInt32":1}"#);
    reads(r#"{"anInt32":1e2}"#, r#"{"anInt32":100}"#);
    reads(r#"{"anInt32":"1e2"}"#, r#"{"anInt32":100}"#);
    reads(r#"{"anInt32":1.50e1}"#, r#"{"anInt32":15}"#);
    reads(r#"{"anInt32":-0}"#, "{}");
    refused(
        r#"{"anInt32":2147483648}"#,
        "`anInt32`: expected a whole number that fits 32 bits",
    );
    refused(r#"{"aUint32":4294967296}"#, "fits 32 bits");
    refused(r#"{"aUint32":-1}"#, "fits 32 bits");
    for text in [
        "0.5", r#""0.5""#, r#"" 1""#, r#""1 ""#, r#""+1""#, r#""""#, "true", "[1]",
    ] {
        refused(&format!(r#"{{"anInt32":{text}}}"#), "`anInt32`");
    }
}

#[test]
fn numbers_of_64_bits_are_strings() {
    stays(
        r#"{"anInt64":"-9223372036854775808","aUint64":"18446744073709551615","aSint64":"1","aFixed64":"2","anSfixed64":"3"}"#,
    );
    reads(r#"{"anInt64":17}"#, r#"{"anInt64":"17"}"#);
    reads(
        r#"{"aUint64":18446744073709551615}"#,
        r#"{"aUint64":"18446744073709551615"}"#,
    );
    reads(r#"{"anInt64":"1.0"}"#, r#"{"anInt64":"1"}"#);
    refused(r#"{"anInt64":"9223372036854775808"}"#, "fits 64 bits");
    refused(r#"{"aUint64":18446744073709551616}"#, "fits 64 bits");
    refused(r#"{"aUint64":"-1"}"#, "fits 64 bits");
}

#[test]
fn floating_numbers_have_names_for_what_is_none() {
    stays(r#"{"aDouble":1.5,"aFloat":0.1}"#);
    for name in ["NaN", "Infinity", "-Infinity"] {
        stays(&format!(r#"{{"aDouble":"{name}","aFloat":"{name}"}}"#));
    }
    reads(
        r#"{"aDouble":"1.5","aFloat":"1e1"}"#,
        r#"{"aDouble":1.5,"aFloat":10.0}"#,
    );
    reads(
        r#"{"aDouble":1,"aFloat":-1}"#,
        r#"{"aDouble":1.0,"aFloat":-1.0}"#,
    );
    reads(
        r#"{"aFloat":3.4028234663852886e+38}"#,
        r#"{"aFloat":3.4028235e+38}"#,
    );
    refused(
        r#"{"aFloat":3.502823e+38}"#,
        "`aFloat`: expected a number in the range of 32 bits",
    );
    refused(r#"{"aDouble":1.89769e+308}"#, "out of range");
    refused(r#"{"aDouble":"1e999"}"#, "in the range of 64 bits");
    for text in [
        r#""nan""#,
        r#""inf""#,
        r#""infinity""#,
        r#""""#,
        r#"" 1""#,
        "NaN",
        "true",
    ] {
        refused(&format!(r#"{{"aDouble":{text}}}"#), "");
    }
}

#[test]
fn truth_is_not_a_string() {
    stays(r#"{"aBool":true}"#);
    reads(r#"{"aBool":false}"#, "{}");
    for text in ["0", "1", r#""true""#, "[]"] {
        refused(&format!(r#"{{"aBool":{text}}}"#), "`aBool`: invalid type");
    }
}

#[test]
fn strings_are_unicode() {
    stays(r#"{"aString":"\"\\\n\u0001é😀"}"#);
    reads(
        r#"{"aString":"\u00e9\ud83d\ude00\/"}"#,
        r#"{"aString":"é😀/"}"#,
    );
    refused(r#"{"aString":"\ud800"}"#, "hex escape");
    refused(r#"{"aString":17}"#, "`aString`: invalid type");
    let error = json::from_slice::<Zoo>(b"{\"aString\":\"\xff\"}").unwrap_err();
    assert!(error.to_string().contains("unicode"), "{error}");
}

#[test]
fn bytes_are_base64_in_either_alphabet() {
    stays(r#"{"aBytes":"+/8=","shared":"AAEC"}"#);
    for text in ["+/8", "-_8=", "-_8", "-__"] {
        reads(&format!(r#"{{"aBytes":"{text}"}}"#), r#"{"aBytes":"+/8="}"#);
    }
    reads(r#"{"aBytes":""}"#, "{}");
    refused(r#"{"aBytes":"!"}"#, "`aBytes`: expected bytes in base64");
    refused(r#"{"aBytes":[1]}"#, "`aBytes`");
}

#[test]
fn enum_values_are_names_or_numbers() {
    stays(r#"{"color":"COLOR_RED"}"#);
    stays(r#"{"color":"COLOR_COLD","colors":["blue","COLOR_UNSPECIFIED"]}"#);
    reads(r#"{"color":"CRIMSON"}"#, r#"{"color":"COLOR_RED"}"#);
    reads(r#"{"color":1}"#, r#"{"color":"COLOR_RED"}"#);
    reads(r#"{"color":1.0}"#, r#"{"color":"COLOR_RED"}"#);
    stays(r#"{"color":123}"#);
    refused(
        r#"{"color":"COLOR_PINK"}"#,
        "`color`: no value is called `COLOR_PINK`",
    );
    refused(r#"{"color":"color_red"}"#, "no value is called");
    refused(
        r#"{"color":1.5}"#,
        "the name or the number of an enum value",
    );
    refused(r#"{"color":2147483648}"#, "the name or the number");
}

#[test]
fn presence_is_what_decides() {
    stays("{}");
    stays(
        r#"{"maybeInt32":0,"maybeInt64":"0","maybeString":"","maybeBytes":"","maybeBool":false,"maybeDouble":0.0,"maybeColor":"COLOR_UNSPECIFIED"}"#,
    );
    stays(r#"{"zoo":{},"struct":{},"value":null,"listValue":[],"empty":{}}"#);
    reads(
        r#"{"anInt32":0,"anInt64":"0","aString":"","color":"COLOR_UNSPECIFIED","int32s":[],"stringsByString":{}}"#,
        "{}",
    );
}

#[test]
fn null_is_absence() {
    reads(
        r#"{"anInt32":null,"aString":null,"maybeInt32":null,"zoo":null,"int32s":null,"stringsByString":null,
            "color":null,"aBytes":null,"timestamp":null,"wrappedInt32":null,"struct":null,"any":null}"#,
        "{}",
    );
    for text in [
        r#"{"int32s":[null]}"#,
        r#"{"strings":[null]}"#,
        r#"{"inners":[null]}"#,
        r#"{"colors":[null]}"#,
        r#"{"timestamps":[null]}"#,
        r#"{"wrappedInt64s":[null]}"#,
        r#"{"stringsByString":{"a":null}}"#,
        r#"{"innersByUint64":{"1":null}}"#,
    ] {
        refused(text, "null");
    }
    refused("null", "null");
}

#[test]
fn null_is_a_value_where_it_is_one() {
    stays(r#"{"value":null,"values":[null,1.0],"nulls":[null]}"#);
    reads(r#"{"nullValue":null}"#, "{}");
    reads(r#"{"nulls":["NULL_VALUE",0]}"#, r#"{"nulls":[null,null]}"#);
    stays(r#"{"chosenNull":null}"#);
    stays(r#"{"chosenValue":null}"#);
    stays(r#"{"valuesByString":{"a":null}}"#);
}

#[test]
fn lists_and_maps() {
    stays(
        r#"{"doubles":[1.0,-2.5],"int32s":[1,2],"strings":["a",""],"manyBytes":["AA=="],"loose":["1"]}"#,
    );
    stays(r#"{"longsByInt32":{"-1":"2"}}"#);
    stays(r#"{"colorsByBool":{"true":"COLOR_RED"}}"#);
    stays(r#"{"sorted":{"byString":{"a":1,"b":2},"byInt32":{"-1":{"name":"x"},"2":{}}}}"#);
    refused(r#"{"int32s":1}"#, "`int32s`: invalid type");
    refused(r#"{"int32s":{}}"#, "`int32s`: invalid type");
    refused(
        r#"{"stringsByString":[]}"#,
        "`stringsByString`: invalid type",
    );
    refused(r#"{"longsByInt32":{"a":1}}"#, "`a` is no key of this map");
    refused(
        r#"{"longsByInt32":{"2147483648":1}}"#,
        "is no key of this map",
    );
    refused(r#"{"colorsByBool":{"True":0}}"#, "is no key of this map");
}

#[test]
fn oneofs_have_one() {
    stays(r#"{"chosenInt32":0}"#);
    stays(r#"{"chosenString":""}"#);
    stays(r#"{"chosenZoo":{"chosenInner":{}}}"#);
    reads(
        r#"{"chosenInt32":null,"chosenString":"a"}"#,
        r#"{"chosenString":"a"}"#,
    );
    refused(
        r#"{"chosenInt32":1,"chosenString":"a"}"#,
        "`chosenString`: another field of its oneof is set, too",
    );
}

#[test]
fn names_are_those_of_json_or_of_the_proto() {
    reads(
        r#"{"an_int32":1,"a_string":"a"}"#,
        r#"{"anInt32":1,"aString":"a"}"#,
    );
    stays(r#"{"type":"a","self":"b","camelCase":"c","LeadingAndDouble":"d","@other":"e"}"#);
    reads(
        r#"{"_leading_and__double":"d","renamed":"e"}"#,
        r#"{"LeadingAndDouble":"d","@other":"e"}"#,
    );
    refused(r#"{"AnInt32":1}"#, "`zoo.Zoo` has no field `AnInt32`");
    let zoo = Zoo {
        an_int32: 1,
        renamed: "e".into(),
        ..Zoo::default()
    };
    let written = Options::new()
        .proto_field_names(true)
        .to_string(&zoo)
        .unwrap();
    assert_eq!(written, r#"{"an_int32":1,"renamed":"e"}"#);
}

#[test]
fn a_field_is_there_once() {
    refused(
        r#"{"anInt32":1,"anInt32":2}"#,
        "the field `anInt32` is there twice",
    );
    refused(
        r#"{"anInt32":1,"an_int32":2}"#,
        "the field `an_int32` is there twice",
    );
    refused(r#"{"anInt32":null,"anInt32":1}"#, "is there twice");
    refused(
        r#"{"stringsByString":{"a":"","a":""}}"#,
        "a key is there twice",
    );
    refused(r#"{"struct":{"a":1,"a":1}}"#, "a key is there twice");
    refused(
        r#"{"zoo":{"inners":[{"name":"","name":""}]}}"#,
        "`zoo`: `inners`: the field `name`",
    );
    let lenient = Options::new().ignore_unknown_fields(true);
    assert!(
        lenient
            .from_str::<Zoo>(r#"{"anInt32":1,"anInt32":2}"#)
            .is_err()
    );
}

#[test]
fn unknown_fields_are_refused_or_ignored() {
    refused(
        r#"{"unknown":1}"#,
        "`zoo.Zoo` has no field `unknown` at line 1 column 10",
    );
    refused(r#"{"zoo":{"unknown":1}}"#, "`zoo`: `zoo.Zoo` has no field");
    let text = r#"{"unknown":{"a":[1,{}]},"anInt32":1,"color":"COLOR_PINK","colors":["COLOR_PINK",1],
        "colorsByBool":{"true":"COLOR_PINK"},"chosenColor":"COLOR_PINK","unknown":2}"#;
    let read: Zoo = lenient(text);
    assert_eq!(read.colors, [Color::Red as i32]);
    assert_eq!(
        json::to_string(&read).unwrap(),
        r#"{"anInt32":1,"colors":["COLOR_RED"]}"#
    );
    let deep = format!(r#"{{"unknown":{}{}}}"#, "[".repeat(99), "]".repeat(99));
    let _: Zoo = lenient(&deep);
}

#[test]
fn fields_without_presence_are_emitted_if_asked_for() {
    let options = Options::new().emit_fields_without_presence(true);
    let inner = zoo::Inner::default();
    assert_eq!(
        options.to_string(&inner).unwrap(),
        r#"{"name":"","count":"0","inners":[]}"#
    );
    let written = options.to_string(&Zoo::default()).unwrap();
    for there in [
        r#""color":"COLOR_UNSPECIFIED""#,
        r#""stringsByString":{}"#,
        r#""aDouble":0.0"#,
    ] {
        assert!(written.contains(there), "{written}");
    }
    for absent in [
        "maybe",
        "chosen",
        "\"zoo\"",
        "wrappedInt32\"",
        "timestamp\"",
    ] {
        assert!(!written.contains(absent), "{absent}: {written}");
    }
    let numbers = Options::new().enum_numbers(true);
    let zoo = json::from_str::<Zoo>(r#"{"color":"COLOR_COLD"}"#).unwrap();
    assert_eq!(numbers.to_string(&zoo).unwrap(), r#"{"color":-1}"#);
}

#[test]
fn serde_sees_the_same() {
    let zoo: Zoo = serde_json::from_str(r#"{"anInt64":"5","color":"CRIMSON"}"#).unwrap();
    assert_eq!(
        serde_json::to_string(&zoo).unwrap(),
        r#"{"anInt64":"5","color":"COLOR_RED"}"#
    );
    let value = serde_json::to_value(&zoo).unwrap();
    assert_eq!(serde_json::from_value::<Zoo>(value).unwrap(), zoo);
    assert_eq!(
        serde_json::to_string(&Color::Red).unwrap(),
        r#""COLOR_RED""#
    );
    assert_eq!(serde_json::from_str::<Color>("2").unwrap(), Color::Blue);
    assert!(serde_json::from_str::<Color>("17").is_err());
    assert_eq!(serde_json::from_str::<Empty>("{}").unwrap(), Empty {});
}

#[test]
fn proto2_has_presence_groups_and_defaults() {
    let text = r#"{"needed":0,"count":7,"color":"BLUE","packed":[1],"loose":[2],"seal":"","weight":"Infinity","barns":{"-1":{"needed":1}},"stall":{"cow":"a","calf":[{"name":"b"}]},"out":{"far":"1"}}"#;
    let barn: Barn = json::from_str(text).unwrap();
    assert_eq!(json::to_string(&barn).unwrap(), text);
    assert_eq!(
        barn.encoded_len(),
        Barn::decode(barn.encode_to_vec().as_slice())
            .unwrap()
            .encoded_len()
    );
    assert_eq!(
        json::to_string(&Barn::default()).unwrap(),
        r#"{"needed":0}"#
    );
}

#[test]
fn text_is_one_value() {
    for text in [
        "",
        "{",
        "{}{}",
        "{},",
        r#"{"anInt32":1,}"#,
        "{'anInt32':1}",
        "{anInt32:1}",
        "// {}\n{}",
        "[]",
        "1",
    ] {
        refused(text, "");
    }
    reads(" \t\r\n{ } \n", "{}");
}

/// Read and written, these are the same.
fn letters(text: &str) -> Letters {
    let read: Letters = json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(json::to_string(&read).unwrap(), text);
    read
}

#[test]
fn long_numbers_have_names() {
    letters(r#"{"m":"M_LARGE","a":"A_ONE","v":"V_ONE","chosen":"M_SMALL"}"#);
}

#[test]
fn a_name_of_json_comes_before_that_of_a_proto() {
    letters(r#"{"fooBar":"one","foo_bar":"other"}"#);
    let read = letters(r#"{"foo_bar":"other"}"#);
    assert_eq!((&*read.foo_bar, &*read.other), ("", "other"));
}
