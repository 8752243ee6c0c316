//! Adjusting prost-build's items: docs put back, derives replaced, and lints of a strict crate satisfied.

use super::{lints, placeholders::Placeholders, wire::Wire};
use proc_macro2::{Ident, Span};
use syn::{
    AttrStyle, Attribute, Expr, ExprLit, Fields, ImplItem, Item, Lit, LitStr, Meta, MetaNameValue,
    parse_quote,
};

/// Adjusts the items of the module called `module`.
pub(super) fn items(module: &str, items: &mut Vec<Item>, docs: &Placeholders, wire: &mut Wire) {
    for mut item in std::mem::take(items) {
        let also = adjust(module, &mut item, docs, wire);
        items.push(item);
        items.extend(also);
    }
}

/// Adjusts an item; gives those that are to follow it.
fn adjust(module: &str, item: &mut Item, docs: &Placeholders, wire: &mut Wire) -> Vec<Item> {
    match item {
        Item::Struct(item) => {
            let also = wire.message(item);
            restore(&mut item.attrs, docs);
            item.attrs.extend(lints::of_struct(item));
            if let Fields::Named(fields) = &mut item.fields {
                for field in &mut fields.named {
                    restore(&mut field.attrs, docs);
                }
            }
            return also;
        }
        Item::Enum(item) => {
            restore(&mut item.attrs, docs);
            item.attrs.extend(lints::of_enum(item));
            for variant in &mut item.variants {
                restore(&mut variant.attrs, docs);
                if let Some((_, number)) = &mut variant.discriminant {
                    lints::readable(number);
                }
            }
            return wire.enumeration(item);
        }
        Item::Impl(item) => {
            item.attrs
                .push(parse_quote!(#[allow(dead_code, clippy::trivially_copy_pass_by_ref)]));
            for item in &mut item.items {
                helper(item);
            }
        }
        Item::Mod(item) => {
            let name = item.ident.to_string();
            if name == module {
                item.attrs
                    .push(parse_quote!(#[allow(clippy::module_inception)]));
            }
            if let Some((_, content)) = &mut item.content {
                wire.enter(&name);
                items(&name, content, docs, wire);
                wire.leave();
            }
        }
        _ => {}
    }
    Vec::new()
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
    let found = attributes
        .iter()
        .enumerate()
        .find_map(|(index, attribute)| {
            let held = docs.find(&doc_text(attribute)?)?;
            Some((index, held))
        });
    let Some((index, held)) = found else { return };
    let lines = held.docs.iter().map(|line| -> Attribute {
        let line = if line.is_empty() {
            String::new()
        } else {
            format!(" {line}")
        };
        doc(&line)
    });
    let unused = held.mark.unused.then(|| parse_quote!(#[allow(dead_code)]));
    let unit_map = held
        .mark
        .unit_map
        .then(|| parse_quote!(#[allow(clippy::zero_sized_map_values)]));
    let restored: Vec<_> = lines.chain(unused).chain(unit_map).collect();
    attributes.splice(index..=index, restored);
}

/// `#[doc = "…"]`, built rather than parsed: there are many.
fn doc(line: &str) -> Attribute {
    Attribute {
        pound_token: Default::default(),
        style: AttrStyle::Outer,
        bracket_token: Default::default(),
        meta: Meta::NameValue(MetaNameValue {
            path: Ident::new("doc", Span::call_site()).into(),
            eq_token: Default::default(),
            value: Expr::Lit(ExprLit {
                attrs: Vec::new(),
                lit: Lit::Str(LitStr::new(line, Span::call_site())),
            }),
        }),
    }
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
