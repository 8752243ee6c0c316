//! Adjusting prost-build's items: docs put back, and lints of a strict crate satisfied.

use super::placeholders::Placeholders;
use syn::{Attribute, Expr, ExprLit, Fields, ImplItem, Item, Lit, Meta, parse_quote};

pub(super) fn items(items: &mut [Item], docs: &Placeholders) {
    for item in items {
        adjust(item, docs);
    }
}

fn adjust(item: &mut Item, docs: &Placeholders) {
    match item {
        Item::Struct(item) => {
            restore(&mut item.attrs, docs);
            if let Fields::Named(fields) = &mut item.fields {
                for field in &mut fields.named {
                    restore(&mut field.attrs, docs);
                }
            }
        }
        Item::Enum(item) => {
            restore(&mut item.attrs, docs);
            for variant in &mut item.variants {
                restore(&mut variant.attrs, docs);
            }
        }
        Item::Impl(item) => {
            item.attrs.push(parse_quote!(#[allow(dead_code)]));
            for item in &mut item.items {
                helper(item);
            }
        }
        Item::Mod(item) => {
            if let Some((_, content)) = &mut item.content {
                items(content, docs);
            }
        }
        _ => {}
    }
}

/// The two functions that every enum gets.
fn helper(item: &mut ImplItem) {
    let ImplItem::Fn(function) = item else { return };
    let doc = match function.sig.ident.to_string().as_str() {
        "as_str_name" => " The name of the value, as declared.",
        "from_str_name" => " The value of this name, as declared.",
        _ => return,
    };
    function
        .attrs
        .retain(|attribute| doc_text(attribute).is_none());
    function.attrs.push(parse_quote!(#[doc = #doc]));
    function.attrs.push(parse_quote!(#[must_use]));
}

/// Puts docs back where their placeholder stands.
fn restore(attributes: &mut Vec<Attribute>, docs: &Placeholders) {
    let Some(index) = attributes
        .iter()
        .position(|attribute| doc_text(attribute).is_some_and(|text| docs.find(&text).is_some()))
    else {
        return;
    };
    let text = doc_text(&attributes[index]).unwrap_or_default();
    let lines = docs
        .find(&text)
        .unwrap_or_default()
        .iter()
        .map(|line| -> Attribute {
            let line = if line.is_empty() {
                String::new()
            } else {
                format!(" {line}")
            };
            parse_quote!(#[doc = #line])
        });
    let lines: Vec<_> = lines.collect();
    attributes.splice(index..=index, lines);
}

fn doc_text(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(meta) = &attribute.meta else {
        return None;
    };
    match &meta.value {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) if meta.path.is_ident("doc") => Some(text.value()),
        _ => None,
    }
}
