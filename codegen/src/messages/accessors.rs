//! Accessors: functions that give an optional field's value or its default, and enum values by name.

use super::{
    lints, literal,
    member::{Kind, Label, Member},
};
use crate::names;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// The accessors of a message, if any of its fields has one.
pub(super) fn of(name: &Ident, members: &[Member], runtime: &TokenStream) -> Option<TokenStream> {
    let accessors: Vec<_> = members
        .iter()
        .filter_map(|member| Accessor::new(member, runtime).emit())
        .collect();
    (!accessors.is_empty()).then(|| {
        quote! {
            #[allow(dead_code, deprecated, clippy::trivially_copy_pass_by_ref)]
            impl #name {
                #(#accessors)*
            }
        }
    })
}

/// What the functions of one field are made of.
struct Accessor<'a> {
    member: &'a Member,
    ident: &'a Ident,
    /// The name without `r#`.
    plain: String,
    runtime: &'a TokenStream,
}

impl<'a> Accessor<'a> {
    fn new(member: &'a Member, runtime: &'a TokenStream) -> Self {
        Self {
            member,
            ident: &member.ident,
            plain: names::plain(&member.shown()).to_owned(),
            runtime,
        }
    }

    fn emit(&self) -> Option<TokenStream> {
        match (&self.member.kind, self.member.label) {
            (Kind::Enumeration(path), label) => self.enumeration(&path.parse().ok()?, label),
            (Kind::Map(key, value), _) => match value.as_ref() {
                Kind::Enumeration(path) => self.map(key, &path.parse().ok()?),
                _ => None,
            },
            (Kind::Scalar(word), Label::Optional) => Some(self.optional(word)),
            _ => None,
        }
    }

    fn optional(&self, word: &str) -> TokenStream {
        let (ident, ty) = (self.ident, literal::rust(word));
        let doc = format!(
            " The value of `{}`, or its default if there is none.",
            self.plain
        );
        let lints = self.lints(word);
        let borrow = matches!(word, "string" | "bytes").then(|| quote!(.as_deref()));
        let or = or_default(literal::declared(self.member).as_ref());
        quote! {
            #[doc = #doc]
            #[must_use]
            #lints
            pub fn #ident(&self) -> #ty {
                self.#ident #borrow #or
            }
        }
    }

    fn enumeration(&self, ty: &TokenStream, label: Label) -> Option<TokenStream> {
        let (ident, plain, runtime) = (self.ident, &self.plain, self.runtime);
        if matches!(label, Label::Repeated | Label::Packed) {
            return Some(self.repeated(ty));
        }
        let set = format_ident!("set_{plain}");
        let (get_doc, set_doc) = (
            format!(" The value of `{plain}`, or its default if there is none or an unknown one."),
            format!(" Sets `{plain}`."),
        );
        let lints = self.lints("");
        let or = or_default(literal::declared(self.member).as_ref());
        let value = match label {
            Label::Optional => quote!(::core::option::Option::Some(value as i32)),
            _ => quote!(value as i32),
        };
        Some(quote! {
            #[doc = #get_doc]
            #[must_use]
            #lints
            pub fn #ident(&self) -> #ty {
                #runtime::codegen::value(self.#ident) #or
            }

            #[doc = #set_doc]
            pub fn #set(&mut self, value: #ty) {
                self.#ident = #value;
            }
        })
    }

    fn repeated(&self, ty: &TokenStream) -> TokenStream {
        let (ident, plain, runtime) = (self.ident, &self.plain, self.runtime);
        let push = format_ident!("push_{plain}");
        let (get_doc, push_doc) = (
            format!(" The known values of `{plain}`."),
            format!(" Appends a value to `{plain}`."),
        );
        let lints = self.lints("");
        quote! {
            #[doc = #get_doc]
            #lints
            pub fn #ident(&self) -> #runtime::codegen::Known<'_, #ty> {
                #runtime::codegen::known(&self.#ident)
            }

            #[doc = #push_doc]
            pub fn #push(&mut self, value: #ty) {
                self.#ident.push(value as i32);
            }
        }
    }

    fn map(&self, key: &str, ty: &TokenStream) -> Option<TokenStream> {
        let (ident, plain, runtime) = (self.ident, &self.plain, self.runtime);
        let (get, insert) = (
            format_ident!("get_{plain}"),
            format_ident!("insert_{plain}"),
        );
        let (get_doc, insert_doc) = (
            format!(" The value that `{plain}` has for the key, if it is a known one."),
            format!(" Puts a value into `{plain}`, and gives back the one it replaces."),
        );
        let seen = literal::rust(key);
        let (owned, borrow) = match key {
            "string" => (quote!(#runtime::prost::alloc::string::String), None),
            _ => (seen.clone(), Some(quote!(&))),
        };
        Some(quote! {
            #[doc = #get_doc]
            #[must_use]
            pub fn #get(&self, key: #seen) -> ::core::option::Option<#ty> {
                self.#ident.get(#borrow key).copied().and_then(#runtime::codegen::value)
            }

            #[doc = #insert_doc]
            pub fn #insert(&mut self, key: #owned, value: #ty) -> ::core::option::Option<#ty> {
                self.#ident.insert(key, value as i32).and_then(#runtime::codegen::value)
            }
        })
    }

    /// What clippy would say of the name, or of a number that is the `.proto`'s choice.
    fn lints(&self, word: &str) -> Option<TokenStream> {
        let float = matches!(word, "double" | "float") && self.member.default.is_some();
        let number =
            float.then(|| quote!(#[allow(clippy::approx_constant, clippy::unreadable_literal)]));
        let name = lints::of_accessor(&self.plain);
        (number.is_some() || name.is_some()).then(|| quote!(#number #name))
    }
}

fn or_default(default: Option<&TokenStream>) -> TokenStream {
    match default {
        Some(default) => quote!(.unwrap_or(#default)),
        None => quote!(.unwrap_or_default()),
    }
}
