//! Names: how proto names become Rust names.
//!
//! Messages, enums and fields are named by prost-build, whose rules are repeated here so that
//! collisions are found before rustc finds them.

use heck::{ToShoutySnakeCase, ToSnakeCase, ToUpperCamelCase};

/// Keywords that `r#` makes into names.
const RAW: [&str; 47] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn",
    "else", "enum", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
    "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "static",
    "struct", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual",
    "where", "while", "yield",
];

/// Keywords that stay keywords even after `r#`: they get an underscore.
const STUBBORN: [&str; 6] = ["_", "Self", "crate", "extern", "self", "super"];

/// Names every client already has: a method called so gets an underscore.
const CLIENT: [&str; 2] = ["clone", "new"];

/// `SayHello` -> `say_hello`, `Type` -> `r#type`.
pub(crate) fn snake(name: &str) -> String {
    escape(name.to_snake_case())
}

/// `say_hello` -> `SayHello`, `self` -> `Self_`.
pub(crate) fn camel(name: &str) -> String {
    escape(name.to_upper_camel_case())
}

/// `("Greeter", "SayHello")` -> `GREETER_SAY_HELLO`.
pub(crate) fn shouty(parts: &[&str]) -> String {
    let words: Vec<_> = parts
        .iter()
        .map(|part| part.to_shouty_snake_case())
        .collect();
    escape(words.join("_"))
}

/// The Rust name of a service's method, in the trait and in the client.
pub(crate) fn method(name: &str) -> String {
    let name = snake(name);
    if CLIENT.contains(&name.as_str()) {
        name + "_"
    } else {
        name
    }
}

/// A name without its `r#`, for use as a part of other names.
pub(crate) fn plain(name: &str) -> &str {
    name.strip_prefix("r#").unwrap_or(name)
}

/// The Rust module path of a package.
pub(crate) fn modules(package: &str) -> Vec<String> {
    package
        .split('.')
        .filter(|part| !part.is_empty())
        .map(snake)
        .collect()
}

/// The name, without `.rs`, of the file a package is generated into: `_` for no package.
pub(crate) fn file_stem(package: &str) -> &str {
    if package.is_empty() { "_" } else { package }
}

/// An enum value without its enum's name: `("Color", "COLOR_RED")` -> `Red`.
pub(crate) fn variant(enumeration: &str, value: &str) -> String {
    let (prefix, value) = (camel(enumeration), camel(value));
    match value.strip_prefix(prefix.as_str()) {
        Some(rest) if rest.starts_with(char::is_uppercase) => escape(rest.to_owned()),
        _ => value,
    }
}

fn escape(name: String) -> String {
    if RAW.contains(&name.as_str()) {
        format!("r#{name}")
    } else if STUBBORN.contains(&name.as_str()) {
        name + "_"
    } else if name.starts_with(|c: char| c.is_ascii_digit()) {
        format!("_{name}")
    } else {
        name
    }
}
