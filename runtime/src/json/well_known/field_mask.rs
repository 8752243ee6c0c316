//! `FieldMask`: `user.displayName,photo`.

use super::as_text;
use crate::json::text::{camel_path, snake_path};
use prost_types::FieldMask;

fn write(mask: &FieldMask) -> Result<String, &'static str> {
    let paths: Option<Vec<_>> = mask.paths.iter().map(|path| camel_path(path)).collect();
    match paths {
        Some(paths) => Ok(paths.join(",")),
        None => Err("a path of a `FieldMask` that lowerCamelCase has no form for"),
    }
}

fn parse(text: &str) -> Option<FieldMask> {
    let paths = text.split(',').filter(|_| !text.is_empty());
    let paths: Option<Vec<_>> = paths.map(snake_path).collect();
    Some(FieldMask { paths: paths? })
}

as_text!(
    FieldMask,
    "paths such as \"user.displayName,photo\"",
    write,
    parse
);
