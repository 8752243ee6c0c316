//! Lints that a message cannot help: its shape is the `.proto`'s choice. Each is allowed only where it
//! would fire.

use heck::ToSnakeCase;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    Attribute, Expr, ExprLit, ExprUnary, Field, Fields, GenericArgument, ItemEnum, ItemStruct, Lit,
    LitInt, PathArguments, PathSegment, Type, parse_quote,
};

/// clippy's own thresholds.
const NAMES_MIN: usize = 3;
const BOOLS_MAX: usize = 3;

pub(super) fn of_struct(item: &ItemStruct) -> Option<Attribute> {
    let Fields::Named(fields) = &item.fields else {
        return None;
    };
    let mut lints: Vec<syn::Path> = Vec::new();
    if fields.named.iter().filter(|field| is_bool(field)).count() > BOOLS_MAX {
        lints.push(parse_quote!(clippy::struct_excessive_bools));
    }
    let names = fields
        .named
        .iter()
        .filter_map(|field| Some(field.ident.as_ref()?.to_string()))
        .collect();
    if repeat(&item.ident.to_string(), names) {
        lints.push(parse_quote!(clippy::struct_field_names));
    }
    let named = |name: &str| fields.named.iter().find(|field| is_named(field, name));
    if named("len").is_some_and(is_optional_integer) && named("is_empty").is_none() {
        lints.push(parse_quote!(clippy::len_without_is_empty));
    }
    allow(&lints)
}

pub(super) fn of_enum(item: &ItemEnum) -> Option<Attribute> {
    let mut lints: Vec<syn::Path> = Vec::new();
    let names = item
        .variants
        .iter()
        .map(|variant| variant.ident.to_string())
        .collect();
    if repeat(&item.ident.to_string(), names) {
        lints.push(parse_quote!(clippy::enum_variant_names));
    }
    if item.variants.len() > 1
        && item
            .variants
            .iter()
            .any(|variant| variant.fields.iter().any(may_be_large))
    {
        lints.push(parse_quote!(clippy::large_enum_variant));
    }
    allow(&lints)
}

/// Allows what clippy would say of a function's name, which promises something else in Rust.
pub(crate) fn of_name(name: &str) -> Option<TokenStream> {
    let mutable = name.ends_with("_mut") && (name.starts_with("as_") || name.starts_with("to_"));
    let lint = match name {
        "cmp" => quote!(clippy::should_implement_trait),
        "iter" | "iter_mut" => quote!(clippy::iter_not_returning_iterator),
        _ if mutable || name.starts_with("from_") || name.starts_with("into_") => {
            quote!(clippy::wrong_self_convention)
        }
        _ => return None,
    };
    Some(quote!(#[allow(#lint)]))
}

/// The same for a function that takes `&self` alone and looks at it.
pub(super) fn of_accessor(name: &str) -> Option<TokenStream> {
    match name {
        "as_ref" | "borrow" | "clone" | "deref" => {
            Some(quote!(#[allow(clippy::should_implement_trait)]))
        }
        _ if name.starts_with("to_") => Some(quote!(#[allow(clippy::wrong_self_convention)])),
        _ => of_name(name),
    }
}

/// Sets the thousands of a long number apart.
pub(super) fn readable(number: &mut Expr) {
    match number {
        Expr::Unary(ExprUnary { expr, .. }) => readable(expr),
        Expr::Lit(ExprLit {
            lit: Lit::Int(int), ..
        }) => {
            *int = LitInt::new(&grouped(int.base10_digits()), int.span());
        }
        _ => {}
    }
}

/// `1234567` -> `1_234_567`, `50001` as it is.
pub(crate) fn grouped(digits: &str) -> String {
    if digits.len() < 6 {
        return digits.to_owned();
    }
    let head = digits.len() % 3;
    let separated = digits.char_indices().flat_map(|(index, digit)| {
        let separator = (index > 0 && index % 3 == head).then_some('_');
        separator.into_iter().chain([digit])
    });
    separated.collect()
}

fn allow(lints: &[syn::Path]) -> Option<Attribute> {
    (!lints.is_empty()).then(|| parse_quote!(#[allow(#(#lints),*)]))
}

/// Whether names share a word with each other or with the type they are in.
fn repeat(ty: &str, names: Vec<String>) -> bool {
    let split = |name: &str| -> Vec<String> {
        name.trim_start_matches("r#")
            .to_snake_case()
            .split('_')
            .map(str::to_owned)
            .collect()
    };
    let (ty, names): (_, Vec<_>) = (split(ty), names.iter().map(|name| split(name)).collect());
    let plain_ty = ty.concat();
    let plain = |name: &Vec<String>| name.concat();
    let of_type = names
        .iter()
        .map(plain)
        .any(|name| name.starts_with(&plain_ty) || name.ends_with(&plain_ty));
    let first = |name: &Vec<String>| name.first().cloned();
    let last = |name: &Vec<String>| name.last().cloned();
    let all_same = |word: &dyn Fn(&Vec<String>) -> Option<String>| {
        let mut words = names.iter().map(word);
        words
            .next()
            .is_some_and(|one| words.all(|other| other == one))
    };
    of_type || (names.len() >= NAMES_MIN && (all_same(&first) || all_same(&last)))
}

fn is_bool(field: &Field) -> bool {
    matches!(&field.ty, Type::Path(path) if path.path.is_ident("bool"))
}

fn is_named(field: &Field, name: &str) -> bool {
    field.ident.as_ref().is_some_and(|ident| ident == name)
}

/// prost derives an accessor for such a field.
fn is_optional_integer(field: &Field) -> bool {
    let argument = last_segment(&field.ty)
        .filter(|last| last.ident == "Option")
        .and_then(|last| match &last.arguments {
            PathArguments::AngleBracketed(arguments) => arguments.args.first(),
            _ => None,
        });
    let Some(GenericArgument::Type(Type::Path(ty))) = argument else {
        return false;
    };
    ["i32", "i64", "u32", "u64"]
        .iter()
        .any(|integer| ty.path.is_ident(integer))
}

fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

/// A message that is not in a box.
fn may_be_large(field: &Field) -> bool {
    let (Type::Path(path), Some(last)) = (&field.ty, last_segment(&field.ty)) else {
        return false;
    };
    let known = [
        "String", "Vec", "Box", "Bytes", "bool", "f32", "f64", "i32", "i64", "u32", "u64",
    ];
    let ours = path.path.segments.len() == 1 || path.path.leading_colon.is_none();
    !known.contains(&last.ident.to_string().as_str())
        || (ours && last.ident.to_string().starts_with(char::is_uppercase))
}
