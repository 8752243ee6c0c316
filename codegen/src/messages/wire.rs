//! The items that take the place of prost's derives: what they would have written, and the compiler
//! would have read anew in every build, is in the runtime.

use super::{
    accessors, impls, json,
    member::{self, Member},
    table,
};
use proc_macro2::{Literal, TokenStream};
use quote::quote;
use syn::{
    Attribute, Fields, Ident, Item, ItemEnum, ItemMacro, ItemStruct, Macro, MacroDelimiter, Meta,
    Path, Token, parse_quote, punctuated::Punctuated,
};

/// Makes such items, and keeps the bodies of their macros for the formatter.
pub(super) struct Wire<'a> {
    /// `::cordial`
    runtime: TokenStream,
    tables: Vec<String>,
    /// What JSON calls everything, if it is on.
    json: Option<&'a json::Package>,
    /// The module that the items are in.
    path: Vec<String>,
}

impl<'a> Wire<'a> {
    pub(super) fn new(runtime: &str, json: Option<&'a json::Package>) -> Self {
        Self {
            runtime: runtime.parse().unwrap_or_default(),
            tables: Vec::new(),
            json,
            path: Vec::new(),
        }
    }

    /// What follows is in this module.
    pub(super) fn enter(&mut self, module: &str) {
        self.path.push(module.to_owned());
    }

    /// What follows is around the module that was entered last.
    pub(super) fn leave(&mut self) {
        self.path.pop();
    }

    pub(super) fn into_tables(self) -> Vec<String> {
        self.tables
    }

    /// What makes a struct a message; none if it is not to be one.
    pub(super) fn message(&mut self, item: &mut ItemStruct) -> Vec<Item> {
        if !take_derive(&mut item.attrs, "Message") {
            return Vec::new();
        }
        let Fields::Named(fields) = &mut item.fields else {
            return Vec::new();
        };
        let members: Vec<_> = fields
            .named
            .iter_mut()
            .filter_map(|field| Member::take(field.ident.as_ref()?, &mut field.attrs))
            .collect();
        let hidden = take_prost(&mut item.attrs);
        let debug = impls::debug(&item.ident, &members, &self.runtime).filter(|_| !hidden);
        let default = impls::default(&item.ident, &members);
        derive(&mut item.attrs, "Debug", !hidden && debug.is_none());
        derive(&mut item.attrs, "Default", default.is_none());
        let accessors = accessors::of(&item.ident, &members, &self.runtime);
        let name = item.ident.to_string();
        let names = self.json.and_then(|json| json.names_of(&self.path, &name));
        let table = table::message(&name, &members, names);
        let table = self.invoke("message", names.is_some(), table);
        with(table, [accessors, default, debug])
    }

    /// What makes an enum a oneof, or one that travels.
    pub(super) fn enumeration(&mut self, item: &mut ItemEnum) -> Vec<Item> {
        if take_derive(&mut item.attrs, "Enumeration") {
            take_prost(&mut item.attrs);
            let values: Vec<_> = item
                .variants
                .iter()
                .filter_map(|variant| {
                    let (_, number) = variant.discriminant.as_ref()?;
                    let number = quote!(#number).to_string().replace(' ', "");
                    Some((variant.ident.to_string(), number))
                })
                .collect();
            let name = item.ident.to_string();
            let names = self
                .json
                .and_then(|json| json.names_of_enum(&self.path, &name));
            let table = table::enumeration(&name, &values, names);
            return vec![self.invoke("enumeration", names.is_some(), table)];
        }
        if !take_derive(&mut item.attrs, "Oneof") {
            return Vec::new();
        }
        let members: Vec<_> = item
            .variants
            .iter_mut()
            .filter_map(|variant| Member::take(&variant.ident, &mut variant.attrs))
            .collect();
        let hidden = take_prost(&mut item.attrs);
        let debug = impls::debug_oneof(&item.ident, &members, &self.runtime).filter(|_| !hidden);
        derive(&mut item.attrs, "Debug", !hidden && debug.is_none());
        let names = self.json.and_then(|json| json.names_around(&self.path));
        let table = table::oneof(&item.ident.to_string(), &members, names);
        let table = self.invoke("oneof", names.is_some(), table);
        with(table, [debug])
    }

    /// `::cordial::codegen::message!(7);`, where 7 stands for the table; `json_message!` if it has names.
    fn invoke(&mut self, name: &str, has_names: bool, table: String) -> Item {
        let name = match has_names {
            true => format!("json_{name}"),
            false => name.to_owned(),
        };
        let (runtime, name) = (
            &self.runtime,
            Ident::new(&name, proc_macro2::Span::call_site()),
        );
        let number = Literal::usize_unsuffixed(self.tables.len());
        self.tables.push(table);
        Item::Macro(ItemMacro {
            attrs: Vec::new(),
            ident: None,
            mac: Macro {
                path: parse_quote!(#runtime::codegen::#name),
                bang_token: Default::default(),
                delimiter: MacroDelimiter::Paren(Default::default()),
                tokens: quote!(#number),
            },
            semi_token: Some(Default::default()),
        })
    }
}

fn with<const N: usize>(table: Item, others: [Option<TokenStream>; N]) -> Vec<Item> {
    let others = others.into_iter().flatten();
    let others = others.filter_map(|tokens| syn::parse2(tokens).ok());
    [table].into_iter().chain(others).collect()
}

/// Takes prost's derive of this name away; whether it was there.
fn take_derive(attributes: &mut [Attribute], name: &str) -> bool {
    attributes.iter_mut().any(|attribute| {
        let paths = derived(attribute);
        let is_wanted = |path: &Path| {
            path.segments.len() > 1 && path.segments.last().is_some_and(|last| last.ident == name)
        };
        let found = paths.iter().any(is_wanted);
        if found && let Meta::List(list) = &mut attribute.meta {
            let kept = paths.iter().filter(|path| !is_wanted(path));
            list.tokens = quote!(#(#kept),*);
        }
        found
    })
}

/// Adds a derive to prost-build's own, the last one that there is.
fn derive(attributes: &mut [Attribute], name: &str, wanted: bool) {
    let own = attributes
        .iter_mut()
        .rev()
        .find(|attribute| attribute.path().is_ident("derive"));
    if let Some(Meta::List(list)) = own.filter(|_| wanted).map(|own| &mut own.meta) {
        let (tokens, name) = (
            &list.tokens,
            Ident::new(name, proc_macro2::Span::call_site()),
        );
        list.tokens = quote!(#tokens, #name);
    }
}

fn derived(attribute: &Attribute) -> Vec<Path> {
    if !attribute.path().is_ident("derive") {
        return Vec::new();
    }
    let paths = attribute.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated);
    paths.into_iter().flatten().collect()
}

/// Takes away what prost's derives would read; whether that says to derive no `Debug`.
fn take_prost(attributes: &mut Vec<Attribute>) -> bool {
    let mut hidden = false;
    attributes.retain(|attribute| {
        let is_prost = member::is_prost(attribute);
        hidden |= is_prost
            && attribute
                .parse_args::<Ident>()
                .is_ok_and(|word| word == "skip_debug");
        !is_prost
    });
    hidden
}
