//! JSON: a message of a kibibyte, written and read by us and by others.

use crate::{Result, stats, table};
use clap::Args;
use cordial::json as cordial_json;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde::Serialize;
use std::{path::PathBuf, time::Instant};

#[allow(missing_docs, unreachable_pub)]
mod ours {
    cordial::include_protos!("documents.v1");
}

/// As prost makes them, with pbjson's `Serialize` and `Deserialize`.
#[allow(missing_docs, unreachable_pub, clippy::all)]
mod theirs {
    include!(concat!(env!("OUT_DIR"), "/pbjson/documents.v1.rs"));
    include!(concat!(env!("OUT_DIR"), "/pbjson/documents.v1.serde.rs"));
}

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Measurements of each library, interleaved.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Messages of one measurement.
    #[arg(long, default_value_t = 20_000)]
    messages: u32,
    /// Fail if we take more than half of prost-reflect's time, or more than pbjson's.
    #[arg(long)]
    check: bool,
    /// Writes the figures to this file, too.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Medians of microseconds a message.
#[derive(Debug, Serialize)]
struct Row {
    library: &'static str,
    write: Option<f64>,
    read: Option<f64>,
}

impl Row {
    fn both(&self) -> Option<f64> {
        Some(self.write? + self.read?)
    }
}

/// A library: writes a message it holds, and reads a text it holds, this often.
type Library<'a> = (&'static str, Box<dyn Fn(u32) + 'a>, Box<dyn Fn(u32) + 'a>);

pub(crate) fn run(options: &Options) -> Result {
    let document = document();
    let text = cordial_json::to_string(&document)?;
    println!(
        "a message of {} bytes, {} as JSON; microseconds, medians of {} rounds:",
        document.encoded_len(),
        text.len(),
        options.rounds
    );
    let reflected = descriptor()?;
    let copy = theirs::Document::decode(document.encode_to_vec().as_slice())?;
    check_alike(&document, &copy, &text)?;

    let libraries: [Library<'_>; 3] = [
        (
            "cordial",
            Box::new(repeat(|| cordial_json::to_string(&document).ok())),
            Box::new(repeat(|| {
                cordial_json::from_str::<ours::Document>(&text).ok()
            })),
        ),
        (
            "pbjson",
            Box::new(repeat(|| serde_json::to_string(&copy).ok())),
            Box::new(repeat(|| {
                serde_json::from_str::<theirs::Document>(&text).ok()
            })),
        ),
        (
            "prost-reflect",
            Box::new(repeat(|| reflected_write(&reflected, &document).ok())),
            Box::new(repeat(|| reflected_read(&reflected, &text).ok())),
        ),
    ];
    let mut rounds = [const { (Vec::new(), Vec::new()) }; 3];
    for _ in 0..options.rounds {
        for ((_, write, read), (writes, reads)) in libraries.iter().zip(&mut rounds) {
            writes.push(measure(write, options.messages));
            reads.push(measure(read, options.messages));
        }
    }
    let rows: Vec<_> = libraries
        .iter()
        .zip(rounds)
        .map(|((library, ..), (writes, reads))| Row {
            library,
            write: stats::median(writes),
            read: stats::median(reads),
        })
        .collect();
    let own = rows[0].both();
    let shown: Vec<_> = rows.iter().map(|row| show(row, own)).collect();
    table::print(["library", "write", "read", "both", "to ours, x"], &shown);
    table::write_json(options.json.as_deref(), &rows)?;
    match options.check {
        true => check(&rows),
        false => Ok(()),
    }
}

/// The targets: twice as fast as what reads descriptors, and no slower than what generates code.
fn check(rows: &[Row]) -> Result {
    for (row, least) in rows.iter().skip(1).zip([1.0, 2.0]) {
        let times = row
            .both()
            .zip(rows[0].both())
            .map(|(their, own)| their / own);
        if times.is_none_or(|times| times < least) {
            let library = row.library;
            return Err(
                format!("{library} takes {times:?} of our time, not {least} at least").into(),
            );
        }
    }
    Ok(())
}

fn show(row: &Row, own: Option<f64>) -> [String; 5] {
    [
        row.library.to_owned(),
        table::figure(row.write, 2),
        table::figure(row.read, 2),
        table::figure(row.both(), 2),
        table::figure(row.both().zip(own).map(|(both, own)| both / own), 2),
    ]
}

/// All three say the same, or nothing is compared.
fn check_alike(document: &ours::Document, copy: &theirs::Document, text: &str) -> Result {
    let descriptor = descriptor()?;
    let ours: serde_json::Value = serde_json::from_str(text)?;
    let alike = serde_json::to_value(copy)? == ours
        && serde_json::from_str::<theirs::Document>(text)? == *copy
        && serde_json::from_str::<serde_json::Value>(&reflected_write(&descriptor, document)?)?
            == ours
        && reflected_read(&descriptor, text)? == *document;
    match alike {
        true => Ok(()),
        false => Err("the libraries do not write and read the same message".into()),
    }
}

fn descriptor() -> Result<MessageDescriptor> {
    let pool = DescriptorPool::decode(cordial::include_descriptors!())?;
    let found = pool.get_message_by_name("documents.v1.Document");
    found.ok_or_else(|| "the descriptors are without `Document`".into())
}

/// From a typed message to text, as programs have to do it.
fn reflected_write(descriptor: &MessageDescriptor, document: &ours::Document) -> Result<String> {
    let bytes = document.encode_to_vec();
    let message = DynamicMessage::decode(descriptor.clone(), bytes.as_slice())?;
    Ok(serde_json::to_string(&message)?)
}

/// From text to a typed message.
fn reflected_read(descriptor: &MessageDescriptor, text: &str) -> Result<ours::Document> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let message = DynamicMessage::deserialize(descriptor.clone(), &mut reader)?;
    reader.end()?;
    Ok(ours::Document::decode(message.encode_to_vec().as_slice())?)
}

fn repeat<T>(once: impl Fn() -> T) -> impl Fn(u32) {
    move |times| {
        for _ in 0..times {
            std::hint::black_box(once());
        }
    }
}

/// Microseconds a message.
fn measure(repeat: &dyn Fn(u32), messages: u32) -> f64 {
    repeat(messages / 10);
    let began = Instant::now();
    repeat(messages);
    began.elapsed().as_secs_f64() * 1e6 / f64::from(messages)
}

fn document() -> ours::Document {
    let section = |nth: u64| ours::Section {
        title: format!("Section {nth}"),
        body: "What is said here is said \"once\", and then left alone. ".repeat(2),
        word_count: 1_000 * nth,
        weights: vec![0.25, 1.5, 3.75],
        status: ours::Status::Reviewed.into(),
    };
    let label = |name: &str| (name.to_owned(), format!("the value of {name}"));
    ours::Document {
        id: "documents/0190b6a2-7c1e-7a53-9d51-1f9a3d6b2c44".to_owned(),
        created_micros: 1_795_405_425_123_456,
        version: 17,
        published: true,
        score: 0.875,
        status: ours::Status::Draft.into(),
        author: Some(ours::Author {
            display_name: "Ada Lovelace".to_owned(),
            email: "ada@example.org".to_owned(),
            account_id: 9_007_199_254_740_993,
        }),
        tags: ["engines", "notes", "history", "numbers"]
            .map(str::to_owned)
            .into(),
        sections: (1..=4).map(section).collect(),
        labels: ["team", "region", "tier"].map(label).into(),
        sizes: vec![1, 22, 333, 4_444, 55_555],
        digest: (0..32).collect(),
        subtitle: Some("A sketch, with translator's notes".to_owned()),
        source: Some(ours::document::Source::ImportId(1 << 60)),
    }
}
