//! `Debug` and `Default`, where the standard derives would not do.

use super::{
    literal,
    member::{Kind, Label, Member},
};
use proc_macro2::{Ident, TokenStream};
use quote::quote;

/// `Debug` of a message, if a derived one would show numbers for enum values, or other names than prost.
pub(super) fn debug(
    name: &Ident,
    members: &[Member],
    runtime: &TokenStream,
) -> Option<TokenStream> {
    let derives =
        |member: &Member| member.enumeration().is_none() && !member.shown().starts_with("r#");
    if members.iter().all(derives) {
        return None;
    }
    let fields = members.iter().map(|member| {
        let (ident, shown) = (&member.ident, member.shown());
        let value = shown_value(member, &quote!(&self.#ident), runtime);
        quote!(.field(#shown, #value))
    });
    let shown = name.to_string();
    let long = (members.len() > LINES_MAX).then(|| quote!(#[allow(clippy::too_many_lines)]));
    Some(quote! {
        #[allow(deprecated)]
        impl ::core::fmt::Debug for #name {
            #long
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_struct(#shown)#(#fields)*.finish()
            }
        }
    })
}

/// A function of more lines than clippy likes; each field may take several.
const LINES_MAX: usize = 15;

/// `Debug` of a oneof, if a derived one would show numbers for enum values.
pub(super) fn debug_oneof(
    name: &Ident,
    members: &[Member],
    runtime: &TokenStream,
) -> Option<TokenStream> {
    members.iter().find_map(Member::enumeration)?;
    let arms = members.iter().map(|member| {
        let (ident, shown) = (&member.ident, member.shown());
        let value = shown_value(member, &quote!(value), runtime);
        quote!(Self::#ident(value) => f.debug_tuple(#shown).field(#value).finish())
    });
    Some(quote! {
        #[allow(deprecated)]
        impl ::core::fmt::Debug for #name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                match self { #(#arms,)* }
            }
        }
    })
}

fn shown_value(member: &Member, value: &TokenStream, runtime: &TokenStream) -> TokenStream {
    let path = member.enumeration().and_then(|path| path.parse().ok());
    match path {
        Some::<TokenStream>(path) => quote!(&#runtime::codegen::named::<#path, _>(#value)),
        None => value.clone(),
    }
}

/// `Default` of a message, if a required field begins with something else than zero or nothing.
pub(super) fn default(name: &Ident, members: &[Member]) -> Option<TokenStream> {
    let values: Vec<_> = members.iter().map(initial).collect();
    values.iter().find(|value| value.is_some())?;
    let fields = members.iter().zip(values).map(|(member, value)| {
        let ident = &member.ident;
        let value = value.unwrap_or_else(|| quote!(::core::default::Default::default()));
        quote!(#ident: #value)
    });
    Some(quote! {
        #[allow(
            deprecated,
            clippy::approx_constant,
            clippy::default_trait_access,
            clippy::unreadable_literal
        )]
        impl ::core::default::Default for #name {
            fn default() -> Self {
                Self { #(#fields,)* }
            }
        }
    })
}

/// What the field holds at first, if that is not what its type has for a default.
fn initial(member: &Member) -> Option<TokenStream> {
    if member.label != Label::Required {
        return None;
    }
    let declared = literal::declared(member);
    match &member.kind {
        Kind::Enumeration(path) => {
            let path: TokenStream = path.parse().ok()?;
            Some(match declared {
                Some(value) => quote!(#value as i32),
                None => quote!(#path::default() as i32),
            })
        }
        Kind::Scalar(word) => match word.as_str() {
            "string" => declared.map(|value| quote!(::core::convert::From::from(#value))),
            "bytes" => declared.map(|value| quote!(::core::convert::From::from(#value.as_slice()))),
            _ => declared,
        },
        _ => None,
    }
}
