//! Tables: what the runtime's macros make messages, oneofs and enums of, a line for each member.

use super::{
    json::{EnumNames, MessageNames},
    lints::grouped,
    member::{Kind, Label, Member},
};

/// `Cart { id = 1: plain string; … }`, the fields in the order of their numbers; with names,
/// `Cart "shop.v1.Cart" { id = 1: plain string => "id"; … }`.
pub(super) fn message(name: &str, members: &[Member], names: Option<&MessageNames>) -> String {
    let mut members: Vec<_> = members.iter().collect();
    members.sort_by_key(|member| member.tags.iter().min().copied());
    let rows = members.into_iter().map(|member| {
        let label = match (&member.kind, member.label) {
            (Kind::Map(..), _) => "map",
            (Kind::Oneof, _) => {
                let tags = tags(member);
                return format!("{} = {tags}: oneof{}", member.ident, end(member, names));
            }
            (_, Label::Plain) => "plain",
            (_, Label::Optional) => "optional",
            (_, Label::Required) => "required",
            (_, Label::Repeated) => "repeated",
            (_, Label::Packed) => "packed",
        };
        let kind = kind(&member.kind);
        let end = end(member, names);
        format!("{} = {}: {label} {kind}{end}", member.ident, tags(member))
    });
    match names {
        Some(MessageNames { full_name, .. }) => table(&format!("{name} {full_name:?}"), rows),
        None => table(name, rows),
    }
}

/// `Way { ByHand = 1: string; … }`, or with names: `ByHand = 1: string => "byHand" / "by_hand";`.
pub(super) fn oneof(name: &str, members: &[Member], names: Option<&MessageNames>) -> String {
    let row = |member: &Member| {
        let (kind, end) = (kind(&member.kind), end(member, names));
        format!("{} = {}: {kind}{end}", member.ident, tags(member))
    };
    table(name, members.iter().map(row))
}

/// `Color { Red = 1; … }`, of variants and numbers, or with names: `Red = 1 => "RED";`.
pub(super) fn enumeration(
    name: &str,
    values: &[(String, String)],
    names: Option<&EnumNames>,
) -> String {
    let row = |(name, number): &(String, String)| match names {
        Some(names) => format!("{name} = {number} => {};", names.of(number)),
        None => format!("{name} = {number};"),
    };
    table(name, values.iter().map(row))
}

fn table(name: &str, rows: impl Iterator<Item = String>) -> String {
    let rows: String = rows.map(|row| format!("\n    {row}")).collect();
    let end = if rows.is_empty() { "" } else { "\n" };
    format!("{name} {{{rows}{end}}}")
}

/// The end of a line: the names of what it describes, if there are any.
fn end(member: &Member, names: Option<&MessageNames>) -> String {
    match names {
        Some(names) => format!(" => {};", names.of(member)),
        None => ";".to_owned(),
    }
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
