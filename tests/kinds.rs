//! Messages as we generate them against messages that prost derives, from the same protos: the same bytes,
//! the same values, the same errors, the same text, for every kind of field.
#![allow(deprecated)]

use prost::{
    Message,
    bytes::Buf,
    encoding::{WireType, encode_key, encode_varint},
};
use std::{collections::BTreeSet, fmt::Debug};

mod ours {
    include!("../codegen/tests/golden/kinds/_packages.rs");
}

/// prost's code is not held to the lints that ours is.
#[allow(clippy::all)]
mod prosts {
    pub mod two {
        include!("../codegen/tests/golden/kinds/prost/kinds.two.rs");
    }

    pub mod three {
        include!("../codegen/tests/golden/kinds/prost/kinds.three.rs");
    }
}

/// Runs the body for the same message as `Ours` and as `Prosts`.
macro_rules! both {
    ($package:ident::$message:ident, $check:ident $($argument:tt)*) => {
        $check::<ours::kinds::$package::$message, prosts::$package::$message>$($argument)*
    };
}

/// A message, whoever made it one.
trait Any: Message + Default + Debug + Clone + PartialEq {}

impl<M: Message + Default + Debug + Clone + PartialEq> Any for M {}

/// Numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn bytes(&mut self, count_max: u64) -> Vec<u8> {
        let count = self.below(count_max + 1);
        (0..count).map(|_| self.next().to_le_bytes()[3]).collect()
    }

    /// Small, large, negative: what numbers and enum values are made of.
    fn number(&mut self) -> u64 {
        match self.below(5) {
            0 => self.below(4),
            1 => self.below(2000),
            2 => u64::MAX - self.below(3),
            3 => 1_234_567,
            _ => self.next(),
        }
    }

    /// A field of any number and any type, in a message of any kind.
    fn field(&mut self, depth: u32) -> (u32, Vec<u8>) {
        // Few numbers within other messages, so that these often have such fields.
        let tag = match self.below(if depth < 3 { 4 } else { 30 }) {
            0 => 300_000,
            tag => u32::try_from(tag).unwrap(),
        };
        let mut out = Vec::new();
        match self.below(6) {
            0 => {
                encode_key(tag, WireType::Varint, &mut out);
                encode_varint(self.number(), &mut out);
            }
            1 => {
                encode_key(tag, WireType::SixtyFourBit, &mut out);
                out.extend(self.number().to_le_bytes());
            }
            2 => {
                encode_key(tag, WireType::ThirtyTwoBit, &mut out);
                out.extend(&self.number().to_le_bytes()[..4]);
            }
            3 => {
                encode_key(tag, WireType::StartGroup, &mut out);
                out.extend(self.fields(depth));
                encode_key(tag, WireType::EndGroup, &mut out);
            }
            _ => {
                let value = match self.below(4) {
                    0 => self.bytes(9),
                    1 => "ä\"b\n"[..usize::try_from(self.below(3)).unwrap() * 2].into(),
                    2 => (0..8).flat_map(|_| self.next().to_le_bytes()).collect(),
                    _ => self.fields(depth),
                };
                encode_key(tag, WireType::LengthDelimited, &mut out);
                encode_varint(value.len() as u64, &mut out);
                out.extend(value);
            }
        }
        (tag, out)
    }

    fn fields(&mut self, depth: u32) -> Vec<u8> {
        let count = if depth == 0 { 0 } else { self.below(4) };
        (0..count).flat_map(|_| self.field(depth - 1).1).collect()
    }

    /// Fields that the message can read, and the numbers of those that it keeps.
    fn message<M: Any>(&mut self, kept: &mut BTreeSet<u32>) -> Vec<u8> {
        let mut out = Vec::new();
        for _ in 0..self.below(40) {
            let (tag, field) = self.field(3);
            if let Ok(message) = M::decode(field.as_slice()) {
                if format!("{message:?}") != format!("{:?}", M::default()) {
                    kept.insert(tag);
                }
                out.extend(field);
            }
        }
        out
    }
}

fn same<A: Any, B: Any>(ours: &A, prosts: &B) {
    assert_eq!(format!("{ours:?}"), format!("{prosts:?}"));
    assert_eq!(format!("{ours:#?}"), format!("{prosts:#?}"));
    let bytes = ours.encode_to_vec();
    assert_eq!(bytes, prosts.encode_to_vec(), "{ours:?}");
    assert_eq!(ours.encoded_len(), bytes.len(), "{ours:?}");
    assert_eq!(prosts.encoded_len(), bytes.len(), "{ours:?}");
}

/// Reads the same into both; what was read before an error counts as well.
fn merge<A: Any, B: Any>(ours: &mut A, prosts: &mut B, bytes: &[u8]) {
    let (first, second) = bytes.split_at(bytes.len() / 2);
    let results = (
        ours.merge(first.chain(second)),
        prosts.merge(first.chain(second)),
    );
    match results {
        (Ok(()), Ok(())) => {}
        (Err(ours), Err(prosts)) => assert_eq!(ours.to_string(), prosts.to_string()),
        (ours, prosts) => panic!("{ours:?} is not {prosts:?}, of {bytes:?}"),
    }
    same(ours, prosts);
}

/// Compares what both make of many messages, some of them broken; `fields` are all numbers of fields.
fn compare<A: Any, B: Any>(fields: impl IntoIterator<Item = u32>) {
    let mut random = Random(0x5eed);
    let mut kept = BTreeSet::new();
    same(&A::default(), &B::default());
    for _ in 0..150 {
        let (mut ours, mut prosts) = (A::default(), B::default());
        for _ in 0..2 {
            let bytes = random.message::<B>(&mut kept);
            merge(&mut ours, &mut prosts, &bytes);
        }
        assert_eq!(format!("{:?}", ours.clone()), format!("{ours:?}"));
        let whole = ours.encode_to_vec();
        let again = A::decode(whole.as_slice()).unwrap();
        same(&again, &B::decode(whole.as_slice()).unwrap());
        for _ in 0..20 {
            let mut broken = whole.clone();
            broken.truncate(usize::try_from(random.below(whole.len() as u64 + 1)).unwrap());
            if let Some(byte) = broken.last_mut() {
                *byte = random.next().to_le_bytes()[0];
            }
            merge(&mut ours.clone(), &mut prosts.clone(), &broken);
            let mut noise = random.fields(4);
            noise.extend(random.bytes(3));
            merge(&mut A::default(), &mut B::default(), &noise);
        }
        ours.clear();
        assert_eq!(format!("{ours:?}"), format!("{:?}", A::default()));
    }
    let fields = BTreeSet::from_iter(fields);
    let unseen: Vec<_> = fields.difference(&kept).collect();
    assert!(unseen.is_empty(), "never kept: {unseen:?}");
}

#[test]
fn proto2() {
    both!(two::Required, compare(1..=12));
    both!(two::Optional, compare(1..=23));
    both!(two::Repeated, compare(1..=8));
    both!(two::Choice, compare([9, 8, 2, 300_000, 4, 5, 6]));
    both!(two::Point, compare([1, 2]));
}

#[test]
fn proto3() {
    both!(three::Plain, compare(1..=19));
    both!(three::Optional, compare(1..=8));
    both!(three::Repeated, compare(1..=19));
    both!(three::Maps, compare([1, 2, 3, 4, 5, 7]));
    both!(three::Choice, compare((1..=8).chain(20..=23).chain([10])));
    both!(three::WellKnown, compare(1..=8));
    both!(three::Deprecated, compare(1..=3));
    both!(three::Empty, compare([]));
}

/// Maps without an order are compared without one.
#[test]
fn hash_maps() {
    fn sorted<T: Ord>(parts: impl IntoIterator<Item = T>) -> Vec<T> {
        let mut parts: Vec<_> = parts.into_iter().collect();
        parts.sort();
        parts
    }
    fn compare<A: Any, B: Any>() {
        let (mut random, mut kept) = (Random(7), BTreeSet::new());
        for _ in 0..2000 {
            let bytes = random.message::<B>(&mut kept);
            let ours = A::decode(bytes.as_slice()).unwrap();
            let prosts = B::decode(bytes.as_slice()).unwrap();
            let (text, prosts_text) = (format!("{ours:?}"), format!("{prosts:?}"));
            assert_eq!(sorted(text.chars()), sorted(prosts_text.chars()));
            assert_eq!(sorted(ours.encode_to_vec()), sorted(prosts.encode_to_vec()));
            assert_eq!(ours.encoded_len(), prosts.encoded_len());
        }
        assert_eq!(kept, BTreeSet::from([1, 2]));
    }
    both!(three::Hashed, compare());
}

#[test]
fn too_deep() {
    fn compare<A: Any, B: Any>(tag: u32) {
        for depth in [99, 100, 101, 200] {
            let mut bytes = Vec::new();
            for _ in 0..depth {
                let inner = std::mem::take(&mut bytes);
                encode_key(tag, WireType::LengthDelimited, &mut bytes);
                encode_varint(inner.len() as u64, &mut bytes);
                bytes.extend(inner);
            }
            merge(&mut A::default(), &mut B::default(), &bytes);
        }
    }
    both!(three::Plain, compare(18));
    both!(three::Choice, compare(6));
    both!(three::Repeated, compare(19));
}

/// A message in a oneof grows when it comes again, and goes when another comes.
#[test]
fn oneofs_merge() {
    use ours::kinds::two::{Choice, Point, choice};

    let point = |x, y| Choice {
        choice: Some(choice::Choice::Point(Point { x, y })),
        ..Choice::default()
    };
    let mut choice = point(Some(1), None);
    choice
        .merge(point(None, Some(2)).encode_to_vec().as_slice())
        .unwrap();
    assert_eq!(choice, point(Some(1), Some(2)));
    let text = Choice {
        choice: Some(choice::Choice::Text("t".to_owned())),
        ..Choice::default()
    };
    choice.merge(text.encode_to_vec().as_slice()).unwrap();
    assert_eq!(choice, text);
}

#[test]
fn accessors() {
    macro_rules! same_values {
        ($package:ident::$message:ident: $($value:ident)* $(; $($values:ident)*)?) => {{
            let (mut random, mut kept) = (Random(3), BTreeSet::new());
            for round in 0..200 {
                // The first are defaults.
                let bytes = match round {
                    0 => Vec::new(),
                    _ => random.message::<prosts::$package::$message>(&mut kept),
                };
                let ours = ours::kinds::$package::$message::decode(bytes.as_slice()).unwrap();
                let prosts = prosts::$package::$message::decode(bytes.as_slice()).unwrap();
                $(assert_eq!(format!("{:?}", ours.$value()), format!("{:?}", prosts.$value()));)*
                $($(
                    let (ours, prosts): (Vec<_>, Vec<_>) =
                        (ours.$values().collect(), prosts.$values().collect());
                    assert_eq!(format!("{ours:?}"), format!("{prosts:?}"));
                )*)?
            }
        }};
    }
    same_values!(two::Required: color other_color);
    same_values!(two::Optional: a_double a_float infinite no_number an_int32 an_int64 a_uint32
        a_uint64 a_sint32 a_sint64 a_fixed32 a_fixed64 a_sfixed32 a_sfixed64 a_bool a_string
        some_bytes shared color other_color whole);
    same_values!(two::Choice: before);
    same_values!(two::Repeated: ; loose_colors);
    same_values!(two::Repeated: ; packed_colors);
    same_values!(three::Optional: a_double to_count from_city some_bytes shared size clone);
    same_values!(three::Choice: r#match; r#for);
    same_values!(three::Deprecated: maybe gone);
}

#[test]
fn setters() {
    macro_rules! set {
        ($module:path) => {{
            use $module::{three, two};
            let mut required = two::Required::default();
            required.set_color(two::Color::Blue);
            let mut optional = two::Optional::default();
            optional.set_other_color(two::Color::Red);
            let mut choice = three::Choice::default();
            choice.set_match(three::Size::Large);
            choice.push_for(three::Size::Small);
            let mut maps = three::Maps::default();
            assert!(maps.insert_sizes(true, three::Size::Small).is_none());
            let old = maps.insert_sizes(true, three::Size::Large);
            let texts = [
                format!("{required:?}{optional:?}{choice:?}"),
                format!(
                    "{maps:?}{old:?}{:?}{:?}",
                    maps.get_sizes(true),
                    maps.get_sizes(false)
                ),
            ];
            texts.concat()
        }};
    }
    assert_eq!(set!(ours::kinds), set!(prosts));
}

#[test]
fn enums() {
    use ours::kinds::two::Color as Ours;
    use prosts::two::Color as Prosts;

    for number in -3..10 {
        assert_eq!(Ours::is_valid(number), Prosts::is_valid(number));
        let texts = (
            format!("{:?}{:?}", Ours::try_from(number), Ours::from_i32(number)),
            format!(
                "{:?}{:?}",
                Prosts::try_from(number),
                Prosts::from_i32(number)
            ),
        );
        assert_eq!(texts.0, texts.1);
    }
    assert_eq!(i32::from(Ours::default()), i32::from(Prosts::default()));
    assert_eq!(Ours::Old.as_str_name(), Prosts::Old.as_str_name());
}
