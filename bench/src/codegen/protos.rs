//! A set of .proto files like those of a large company, the same every time.

use crate::Result;
use serde::Serialize;
use std::{fmt::Write, fs, path::Path};

/// How much of everything there is.
#[derive(Clone, Copy, Debug, clap::Args, Serialize)]
pub(crate) struct Shape {
    /// Services, each in a file of its own
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) services: u32,
    /// Methods of each service
    #[arg(long, default_value_t = 10)]
    pub(super) methods: u32,
    /// Messages of all files together
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) messages: u32,
    /// Fields of each message
    #[arg(long, default_value_t = 9)]
    pub(super) fields: u32,
}

impl Shape {
    /// Enough for everything that generated code depends on to be built.
    pub(super) const LEAST: Self = Self {
        services: 1,
        methods: 1,
        messages: 1,
        fields: 1,
    };
}

/// The package of all files.
pub(super) const PACKAGE: &str = "bench.v1";

/// Field types, one after another; `$` is another message.
const TYPES: [&str; 9] = [
    "string",
    "int64",
    "optional int32",
    "bool",
    "repeated string",
    "double",
    "bytes",
    "$",
    "map<string, int64>",
];

/// Replaces whatever is in `dir`. A message names only those of its own file
/// or of the file before, which is as far as imports go.
pub(super) fn write(dir: &Path, shape: Shape) -> Result {
    if dir.exists() {
        fs::remove_dir_all(dir)?;
    }
    fs::create_dir_all(dir)?;
    for service in 0..shape.services {
        fs::write(dir.join(file_name(service)), file(shape, service)?)?;
    }
    Ok(())
}

fn file_name(service: u32) -> String {
    format!("part_{service:03}.proto")
}

/// The messages of the file of `service`: their numbers.
fn messages_of(shape: Shape, service: u32) -> std::ops::Range<u32> {
    let first = |service: u64| {
        let first = service * u64::from(shape.messages) / u64::from(shape.services);
        u32::try_from(first).unwrap_or(u32::MAX)
    };
    first(u64::from(service))..first(u64::from(service) + 1)
}

fn file(shape: Shape, service: u32) -> Result<String> {
    let mut out = format!("syntax = \"proto3\";\n\npackage {PACKAGE};\n\n");
    if service > 0 {
        writeln!(out, "import \"{}\";\n", file_name(service - 1))?;
    }
    // Messages hold messages of their own file: a chain through all files would
    // be longer than rustc follows in tonic's clients.
    let mut own = Vec::new();
    for message in messages_of(shape, service) {
        own.push(message);
        write_message(&mut out, shape, message, &own)?;
    }
    let mut known: Vec<u32> = match service {
        0 => Vec::new(),
        _ => messages_of(shape, service - 1).collect(),
    };
    known.append(&mut own);
    // With fewer messages than services some files have none to name.
    if known.is_empty() {
        return Ok(out);
    }
    writeln!(
        out,
        "// Service number {service}.\nservice Service{service} {{"
    )?;
    for method in 0..shape.methods {
        let name = |step: u32| known[(method * 2 + step) as usize % known.len()];
        let (asks, answers) = match method % 10 {
            7 => ("", "stream "),
            8 => ("stream ", ""),
            9 => ("stream ", "stream "),
            _ => ("", ""),
        };
        writeln!(out, "  // Does thing number {method}.")?;
        writeln!(
            out,
            "  rpc Method{method}({asks}Message{}) returns ({answers}Message{});",
            name(0),
            name(1)
        )?;
    }
    writeln!(out, "}}")?;
    Ok(out)
}

fn write_message(out: &mut String, shape: Shape, message: u32, known: &[u32]) -> Result {
    writeln!(
        out,
        "// Message number {message}.\nmessage Message{message} {{"
    )?;
    for field in 0..shape.fields {
        let other = known[field as usize % known.len()];
        let kind = TYPES[field as usize % TYPES.len()].replace('$', &format!("Message{other}"));
        writeln!(out, "  // Field number {field}.")?;
        writeln!(out, "  {kind} field_{field} = {};", field + 1)?;
    }
    writeln!(out, "}}\n")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_is_in_one_file() {
        let shape = Shape {
            services: 7,
            messages: 100,
            ..Shape::LEAST
        };
        let all = (0..7).flat_map(|service| messages_of(shape, service));
        assert!(all.eq(0..100));
    }

    #[test]
    fn a_small_file_reads_like_this() -> Result {
        let shape = Shape {
            services: 2,
            methods: 2,
            messages: 2,
            fields: 2,
        };
        let want = "syntax = \"proto3\";\n\npackage bench.v1;\n\nimport \"part_000.proto\";\n\n\
            // Message number 1.\nmessage Message1 {\n\
            \x20 // Field number 0.\n  string field_0 = 1;\n\
            \x20 // Field number 1.\n  int64 field_1 = 2;\n}\n\n\
            // Service number 1.\nservice Service1 {\n\
            \x20 // Does thing number 0.\n  rpc Method0(Message0) returns (Message1);\n\
            \x20 // Does thing number 1.\n  rpc Method1(Message0) returns (Message1);\n}\n";
        assert_eq!(file(shape, 1)?, want);
        Ok(())
    }
}
