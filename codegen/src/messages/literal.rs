//! Defaults that a `.proto` declares, as expressions of Rust.

use super::{
    lints::grouped,
    member::{Kind, Member},
};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

/// The default that the field declares; none if it is what the type has anyway.
pub(super) fn declared(member: &Member) -> Option<TokenStream> {
    let text = member.default.as_deref()?;
    match &member.kind {
        Kind::Enumeration(path) => {
            let path: TokenStream = path.parse().ok()?;
            let value = format_ident!("{text}");
            Some(quote!(#path::#value))
        }
        Kind::Scalar(word) => match word.as_str() {
            "string" => Some(quote!(#text)),
            "double" => Some(float(
                text,
                "f64",
                &format!("{:?}", text.parse::<f64>().ok()?),
            )),
            "float" => Some(float(
                text,
                "f32",
                &format!("{:?}", text.parse::<f32>().ok()?),
            )),
            "bytes" | "bool" => text.parse().ok(),
            _ => grouped_integer(text).parse().ok(),
        },
        _ => None,
    }
}

/// `inf` and the like have names; others are written with as few digits as tell them apart.
fn float(text: &str, ty: &str, digits: &str) -> TokenStream {
    let ty = format_ident!("{ty}");
    match text {
        "inf" => quote!(#ty::INFINITY),
        "-inf" => quote!(#ty::NEG_INFINITY),
        "nan" => quote!(#ty::NAN),
        _ => digits.parse().unwrap_or_default(),
    }
}

fn grouped_integer(text: &str) -> String {
    match text.strip_prefix('-') {
        Some(digits) => format!("-{}", grouped(digits)),
        None => grouped(text),
    }
}

/// `f64` for `double`, `str` for `string`: what a function gives a look at.
pub(super) fn rust(word: &str) -> TokenStream {
    match word {
        "double" => quote!(f64),
        "float" => quote!(f32),
        "int32" | "sint32" | "sfixed32" => quote!(i32),
        "int64" | "sint64" | "sfixed64" => quote!(i64),
        "uint32" | "fixed32" => quote!(u32),
        "uint64" | "fixed64" => quote!(u64),
        "bool" => quote!(bool),
        "string" => quote!(&str),
        _ => quote!(&[u8]),
    }
}
