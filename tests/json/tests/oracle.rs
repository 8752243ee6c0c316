//! Random messages, against prost-reflect, which reads descriptors instead of generated code.
//!
//! A failure names its seed: `JSON_SEED=17 cargo test -p json-tests --test oracle` repeats it.

mod random;

use cordial::{
    json::{self, Json, Options},
    prost::Message,
};
use json_tests::{DESCRIPTORS, barn::Barn, zoo::Zoo};
use prost_reflect::{
    DescriptorPool, DeserializeOptions, DynamicMessage, MessageDescriptor, SerializeOptions,
};
use serde_json::Value;
use std::env;

/// How many messages, or texts, each test makes.
const ROUNDS: u64 = 200;

fn descriptor(name: &str) -> MessageDescriptor {
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    pool.get_message_by_name(name).unwrap()
}

/// Calls `test` with random numbers, and says which they were if it panics.
fn for_each_seed(test: impl Fn(fastrand::Rng)) {
    struct Say(u64);
    impl Drop for Say {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("JSON_SEED={} repeats this", self.0);
            }
        }
    }
    let chosen = env::var("JSON_SEED").ok().map(|seed| seed.parse().unwrap());
    let first = chosen.unwrap_or_else(|| fastrand::u64(..) >> 16);
    let rounds = if chosen.is_some() { 1 } else { ROUNDS };
    for seed in first..first + rounds {
        let _say = Say(seed);
        test(fastrand::Rng::with_seed(seed));
    }
}

/// The same message, as a type of ours and as the other library has it.
fn both<M: Message + Default>(
    descriptor: &MessageDescriptor,
    rng: &mut fastrand::Rng,
) -> (M, DynamicMessage) {
    let theirs = random::message(descriptor, rng, 0);
    let ours = M::decode(theirs.encode_to_vec().as_slice()).unwrap();
    (ours, theirs)
}

fn theirs_as_json(message: &DynamicMessage, options: &SerializeOptions) -> Value {
    let mut writer = serde_json::Serializer::new(Vec::new());
    message
        .serialize_with_options(&mut writer, options)
        .unwrap();
    serde_json::from_slice(&writer.into_inner()).unwrap()
}

/// Messages are compared by their text: in an `Any`, maps have some order.
fn as_json<M: Json>(message: &M, options: Options) -> Value {
    serde_json::from_str(&options.to_string(message).unwrap()).unwrap()
}

fn agree<M: Message + Json + Default>(name: &str, options: Options, theirs: &SerializeOptions) {
    let descriptor = descriptor(name);
    for_each_seed(|mut rng| {
        let (message, reflected) = both::<M>(&descriptor, &mut rng);
        let expected = theirs_as_json(&reflected, theirs);
        assert_eq!(as_json(&message, options), expected);

        // What they write is read as it was, and what we write is, by both.
        let text = options.to_string(&message).unwrap();
        for text in [&text, &expected.to_string()] {
            let read = json::from_str::<M>(text).unwrap();
            assert_eq!(as_json(&read, options), expected);
        }
        let mut reader = serde_json::Deserializer::from_str(&text);
        let read = DynamicMessage::deserialize(descriptor.clone(), &mut reader).unwrap();
        let read = M::decode(read.encode_to_vec().as_slice()).unwrap();
        assert_eq!(as_json(&read, options), expected);
    });
}

#[test]
fn proto3_agrees() {
    agree::<Zoo>("zoo.Zoo", Options::new(), &SerializeOptions::new());
}

#[test]
fn proto2_agrees() {
    agree::<Barn>("barn.Barn", Options::new(), &SerializeOptions::new());
}

#[test]
fn options_agree() {
    let ours = Options::new().proto_field_names(true).enum_numbers(true);
    let theirs = SerializeOptions::new()
        .use_proto_field_name(true)
        .use_enum_numbers(true);
    agree::<Zoo>("zoo.Zoo", ours, &theirs);
}

/// Whatever the text: no panic, and where both read a message, it is the same one.
#[test]
fn damaged_text_is_read_alike() {
    let descriptor = descriptor("zoo.Zoo");
    for_each_seed(|mut rng| {
        let (ours, _) = both::<Zoo>(&descriptor, &mut rng);
        let text = random::damaged(json::to_vec(&ours).unwrap(), &mut rng);
        for lenient in [false, true] {
            let read = Options::new()
                .ignore_unknown_fields(lenient)
                .from_slice::<Zoo>(&text);
            let options = DeserializeOptions::new().deny_unknown_fields(!lenient);
            if let (Ok(read), Some(theirs)) = (read, theirs_of(&descriptor, &text, &options)) {
                let theirs = Zoo::decode(theirs.encode_to_vec().as_slice()).unwrap();
                let [read, theirs] = [read, theirs].map(|zoo| serde_json::to_value(&zoo).unwrap());
                assert_eq!(read, theirs, "{}", String::from_utf8_lossy(&text));
            }
        }
    });
}

fn theirs_of(
    descriptor: &MessageDescriptor,
    text: &[u8],
    options: &DeserializeOptions,
) -> Option<DynamicMessage> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let descriptor = descriptor.clone();
    let read = DynamicMessage::deserialize_with_options(descriptor, &mut reader, options).ok()?;
    reader.end().is_ok().then_some(read)
}
