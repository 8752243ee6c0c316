//! Tables: what the runtime's macros make messages, oneofs and enums of, a line for each member.

use super::{
    lints::grouped,
    member::{Kind, Label, Member},
};

/// `Cart { id = 1: plain string; … }`, the fields in the order of their numbers.
pub(super) fn message(name: &str, members: &[Member]) -> String {
    let mut members: Vec<_> = members.iter().collect();
    members.sort_by_key(|member| member.tags.iter().min().copied());
    let rows = members.into_iter().map(|member| {
        let label = match (&member.kind, member.label) {
            (Kind::Map(..), _) => "map",
            (Kind::Oneof, _) => return format!("{} = {}: oneof;", member.ident, tags(member)),
            (_, Label::Plain) => "plain",
            (_, Label::Optional) => "optional",
            (_, Label::Required) => "required",
            (_, Label::Repeated) => "repeated",
            (_, Label::Packed) => "packed",
        };
        let kind = kind(&member.kind);
        format!("{} = {}: {label} {kind};", member.ident, tags(member))
    });
    table(name, rows)
}

/// `Way { ByHand = 1: string; … }`
pub(super) fn oneof(name: &str, members: &[Member]) -> String {
    let row = |member: &Member| {
        format!(
            "{} = {}: {};",
            member.ident,
            tags(member),
            kind(&member.kind)
        )
    };
    table(name, members.iter().map(row))
}

/// `Color { Red = 1; … }`, of names and numbers.
pub(super) fn enumeration(name: &str, values: &[(String, String)]) -> String {
    let row = |(name, number): &(String, String)| format!("{name} = {number};");
    table(name, values.iter().map(row))
}

fn table(name: &str, rows: impl Iterator<Item = String>) -> String {
    let rows: String = rows.map(|row| format!("\n    {row}")).collect();
    let end = if rows.is_empty() { "" } else { "\n" };
    format!("{name} {{{rows}{end}}}")
}

fn tags(member: &Member) -> String {
    let tags: Vec<_> = member
        .tags
        .iter()
        .map(|tag| grouped(&tag.to_string()))
        .collect();
    tags.join(" | ")
}

fn kind(kind: &Kind) -> String {
    match kind {
        Kind::Scalar(word) => word.clone(),
        Kind::Enumeration(path) => format!("enumeration<{path}>"),
        Kind::Message => "message".to_owned(),
        Kind::Group => "group".to_owned(),
        Kind::Map(key, value) => format!("{key}, {}", self::kind(value)),
        Kind::Oneof => "oneof".to_owned(),
    }
}
