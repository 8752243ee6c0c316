//! What the parser and the linker complain about, said our way.

use crate::{
    diagnostic::{Diagnostic, Place},
    near,
    pool::Text,
};
use prost_reflect::{DescriptorError, DescriptorPool, MessageDescriptor};
use prost_types::{DescriptorProto, FileDescriptorProto};
use protox_parse::ParseError;
use std::{ops::Range, string::FromUtf8Error, sync::Arc};

/// Every syntax error of one file.
pub(crate) fn syntax(error: &ParseError, text: &Text) -> Vec<Diagnostic> {
    let mut found: Vec<_> = flatten(error)
        .map(|error| syntax_error(error, text))
        .collect();
    if let Some(edition) = found
        .iter()
        .position(|diagnostic| diagnostic.message.contains("editions"))
    {
        found = vec![found.swap_remove(edition)];
    }
    // From the first one on, the parser no longer knows what is a comment.
    let nested = |diagnostic: &Diagnostic| diagnostic.message.starts_with(NESTED_COMMENT);
    if let Some(nested) = found.iter().position(nested) {
        found.truncate(nested + 1);
    }
    found
}

const NESTED_COMMENT: &str = "nested block comments";

fn syntax_error(error: &dyn miette::Diagnostic, text: &Text) -> Diagnostic {
    let source = text.source.as_str();
    let spans = spans(error);
    let found = spans
        .last()
        .map(|(_, span)| source.get(span.clone()).unwrap_or_default());
    let place = match spans.last() {
        Some((_, span)) => Place::bytes(&text.shown, source, span.clone()),
        None => end_of(&text.shown, source),
    };
    if found == Some("edition") {
        return Diagnostic::at(place, "editions are not supported")
            .help("write `syntax = \"proto3\";` instead: fields are then without presence unless marked `optional`")
            .help("or `syntax = \"proto2\";`, where every field says `optional`, `required` or `repeated`");
    }
    let message = quoted(&error.to_string());
    let message = match message.as_str() {
        "invalid group name" if found.is_some_and(|found| found.contains('"')) => {
            "not a valid import path".to_owned()
        }
        _ => message,
    };
    let help = error
        .help()
        .map(|help| quoted(&help.to_string()))
        .or_else(|| {
            let cures = [
                ("expected `;`", "is a `;` missing before this?"),
                ("comment terminator", "is a `*/` missing?"),
                ("end of file", "is a `}` missing?"),
                (
                    NESTED_COMMENT,
                    "close the comment before this, or take the `/*` out of it",
                ),
                (
                    "message numbers must be",
                    "give the field the next free number",
                ),
            ];
            cures
                .iter()
                .find(|(part, _)| message.contains(part))
                .map(|(_, cure)| (*cure).to_owned())
        });
    Diagnostic::at(place, message).maybe_help(help)
}

/// Every mistake of one file that shows only beside the files it imports.
pub(crate) fn links(
    error: &DescriptorError,
    text: &Text,
    file: &FileDescriptorProto,
    pool: &DescriptorPool,
) -> Vec<Diagnostic> {
    flatten(error)
        .map(|error| link_error(error, text, file, pool))
        .collect()
}

fn link_error(
    error: &dyn miette::Diagnostic,
    text: &Text,
    file: &FileDescriptorProto,
    pool: &DescriptorPool,
) -> Diagnostic {
    let message = error.to_string();
    let name = message.split('\'').nth(1).unwrap_or_default();
    let mut spans = spans(error);
    let found = spans
        .iter()
        .position(|(label, _)| label.contains("found here"));
    let found = found
        .or(spans.len().checked_sub(1))
        .map(|index| spans.swap_remove(index).1);
    let place = match found
        .map(|span| unshift(&text.source, &span))
        .or_else(|| word(&text.source, name))
    {
        Some(span) => Place::bytes(&text.shown, &text.source, span),
        None => Place::file(&text.shown),
    };
    let other = spans
        .first()
        .map(|(_, span)| Place::bytes(&text.shown, &text.source, span.clone()).line);
    let other = other.map(|line| format!("the other is on line {line}"));
    let cause = error
        .source()
        .map(|cause| format!(": {}", quoted(&cause.to_string())));
    let said = match message.split_once("' resolves to '") {
        // The option or type was written in full: there is nothing to resolve.
        Some((_, rest)) if rest.starts_with(&format!("{name}'")) => {
            format!("name `{name}` is not defined")
        }
        // In proto2 the linker has forgotten the name, which is that of the field in camel case.
        _ if message == "a field with JSON name '' is already defined" => {
            "the JSON name of this field is that of another".to_owned()
        }
        _ => quoted(&message) + &cause.unwrap_or_default(),
    };
    let cure = cure(&said.replace('`', "'"), file, pool)
        .or_else(|| error.help().map(|help| quoted(&help.to_string())));
    Diagnostic::at(place, said)
        .maybe_help(other)
        .maybe_help(cure)
}

/// Where a word first stands by itself.
fn word(source: &str, word: &str) -> Option<Range<usize>> {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = source.match_indices(word).filter(|_| !word.is_empty());
    let whole =
        |at: usize| !source[..at].ends_with(part) && !source[at + word.len()..].starts_with(part);
    found
        .find(|(at, _)| whole(*at))
        .map(|(at, _)| at..at + word.len())
}

pub(crate) fn not_utf8(shown: &Arc<str>, error: &FromUtf8Error) -> Diagnostic {
    let bytes = error.as_bytes();
    let valid = error.utf8_error().valid_up_to();
    let line = bytes[..valid].iter().filter(|byte| **byte == b'\n').count();
    let text = String::from_utf8_lossy(bytes);
    let column = bytes[..valid]
        .iter()
        .rev()
        .take_while(|byte| **byte != b'\n')
        .count();
    let place = Place::columns(shown, &text, line, column, column + 1);
    Diagnostic::at(
        place,
        format!(
            "the file is not UTF-8: byte 0x{:02x} begins no character",
            bytes[valid]
        ),
    )
    .help("save the file as UTF-8")
}

/// How to mend what the linker only names.
fn cure(message: &str, file: &FileDescriptorProto, pool: &DescriptorPool) -> Option<String> {
    let name = message.split('\'').nth(1).unwrap_or_default();
    if message.starts_with("name '") && message.ends_with("is not defined") {
        return Some(unknown_name(name, file, pool));
    }
    if let Some((_, missing)) = message.split_once(": field '") {
        return unknown_field(missing, pool);
    }
    if message.starts_with("option field '(") {
        return unknown_part(name, pool);
    }
    if message.starts_with("option field") && message.ends_with("is not defined") {
        let hint = near::hint(name, STANDARD_OPTIONS);
        return hint.or_else(|| {
            Some("an option of your own is written in brackets: `(shop.role)`".to_owned())
        });
    }
    let cures = [
        (
            "is already defined in file",
            "give one of the two another name or another package",
        ),
        (
            "is defined twice",
            "give one of the two another name; values of an enum share the names around the enum",
        ),
        (
            "is already used",
            "give the field the next free number; a number once used stays taken",
        ),
        (
            "conflicts with reserved range",
            "take another number: reserved ones belonged to what was removed",
        ),
        (
            "first value for proto3 enums must be 0",
            "begin with a value that says nothing was said, such as `…_UNSPECIFIED = 0`",
        ),
        (
            "has already been used",
            "give the value another number, or set `option allow_alias = true;`",
        ),
        (
            "camel-case name",
            "rename one: in JSON both would have one name",
        ),
        (
            "JSON name",
            "rename one of the fields, or give it another `json_name`",
        ),
        (
            "does not define",
            "take a number that the message sets apart with `extensions`",
        ),
        (
            "expected a value of type",
            "see where the option is declared for what it takes",
        ),
    ];
    cures
        .iter()
        .find(|(part, _)| message.contains(part))
        .map(|(_, cure)| (*cure).to_owned())
}

/// A near name for `x' not found for message 'shop.Cart'`.
fn unknown_field(missing: &str, pool: &DescriptorPool) -> Option<String> {
    let (field, message) = missing.split_once("' not found for message '")?;
    near_field(
        field,
        &pool.get_message_by_name(message.trim_end_matches('\''))?,
    )
}

/// A near name for what an option that is a message does not have: `(shop.role).nmae`.
fn unknown_part(option: &str, pool: &DescriptorPool) -> Option<String> {
    let (option, parts) = option.strip_prefix('(')?.split_once(").")?;
    let option = pool.get_extension_by_name(option.trim_start_matches('.'))?;
    let mut kind = option.kind();
    for part in parts.split('.') {
        let message = kind.as_message()?.clone();
        match message.get_field_by_name(part) {
            Some(field) => kind = field.kind(),
            None => return near_field(part, &message),
        }
    }
    None
}

fn near_field(field: &str, message: &MessageDescriptor) -> Option<String> {
    let fields: Vec<_> = message.fields().collect();
    near::hint(field, fields.iter().map(|field| field.name()))
}

fn unknown_name(name: &str, file: &FileDescriptorProto, pool: &DescriptorPool) -> String {
    let mut names = Vec::new();
    for message in &file.message_type {
        declared(message, &mut names);
    }
    names.extend(
        file.enum_type
            .iter()
            .map(|enumeration| enumeration.name().to_owned()),
    );
    let messages = pool
        .all_messages()
        .filter(|message| !message.is_map_entry());
    let messages = messages.map(|message| (message.full_name().to_owned(), message.parent_file()));
    let enums = pool.all_enums().map(|enumeration| {
        (
            enumeration.full_name().to_owned(),
            enumeration.parent_file(),
        )
    });
    let options = pool
        .all_extensions()
        .map(|option| (option.full_name().to_owned(), option.parent_file()));
    let linked: Vec<_> = messages.chain(enums).chain(options).collect();
    let package = format!("{}.", file.package());
    let (name, short) = (name.trim_start_matches('.'), |full: &str| {
        full.strip_prefix(&package).unwrap_or(full).to_owned()
    });
    if let Some((full, from)) = linked
        .iter()
        .find(|(full, _)| full == name || short(full) == name)
    {
        return format!(
            "`{full}` is declared in `{}`: import that file",
            from.name()
        );
    }
    names.extend(linked.iter().map(|(full, _)| short(full)));
    let last = name.rsplit('.').next();
    let namesake = linked
        .iter()
        .find(|(full, _)| full.rsplit('.').next() == last);
    near::hint(name, names.iter().map(String::as_str))
        .or_else(|| namesake.map(|(full, _)| format!("there is a `{full}`: write its full name")))
        .unwrap_or_else(|| "declare it, or import the file that does".to_owned())
}

fn declared(message: &DescriptorProto, names: &mut Vec<String>) {
    names.push(message.name().to_owned());
    names.extend(
        message
            .enum_type
            .iter()
            .map(|enumeration| enumeration.name().to_owned()),
    );
    for nested in &message.nested_type {
        declared(nested, names);
    }
}

const STANDARD_OPTIONS: [&str; 6] = [
    "deprecated",
    "packed",
    "json_name",
    "allow_alias",
    "idempotency_level",
    "default",
];

/// The error and those reported along with it.
fn flatten(error: &dyn miette::Diagnostic) -> impl Iterator<Item = &dyn miette::Diagnostic> {
    std::iter::once(error).chain(error.related().into_iter().flatten())
}

/// Labels with the bytes they point at.
fn spans(error: &dyn miette::Diagnostic) -> Vec<(String, Range<usize>)> {
    let labels = error.labels().into_iter().flatten();
    labels
        .map(|label| {
            let text = label.label().unwrap_or_default().to_owned();
            (text, label.offset()..label.offset() + label.len())
        })
        .collect()
}

/// The linker counts columns in bytes, then walks that many characters: this walks back.
fn unshift(source: &str, span: &Range<usize>) -> Range<usize> {
    let back = |offset: usize| {
        let offset = offset.min(source.len());
        let line = source[..offset]
            .rfind('\n')
            .map_or(0, |newline| newline + 1);
        line + source[line..offset].chars().count()
    };
    back(span.start)..back(span.end)
}

fn end_of(shown: &Arc<str>, source: &str) -> Place {
    let end = source.trim_end().len();
    Place::bytes(shown, source, end.saturating_sub(1)..end)
}

fn quoted(message: &str) -> String {
    message.replace('\'', "`")
}
