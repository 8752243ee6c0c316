//! The constant that reads an option declared in the package.

use super::{Emit, docs, ident, path};
use crate::model::Extension;
use proc_macro2::{Literal, TokenStream};
use quote::quote;

impl Emit<'_> {
    pub(super) fn extension(self, extension: &Extension) -> TokenStream {
        let (docs, name, runtime) = (
            docs(&extension.docs),
            ident(&extension.constant),
            self.runtime(),
        );
        let (constructor, ty) = (ident(extension.constructor), path(&extension.ty));
        let number = readable(extension.number);
        let deprecated = extension.deprecated.then(|| quote!(#[deprecated]));
        quote! {
            #docs
            #deprecated
            #[allow(dead_code)]
            pub const #name: #runtime::Extension<#ty> = #runtime::Extension::#constructor(#number);
        }
    }
}

/// A number with its thousands apart, when it is long.
pub(crate) fn readable(number: u32) -> Literal {
    let digits = number.to_string();
    if digits.len() < 6 {
        return Literal::u32_unsuffixed(number);
    }
    let head = digits.len() % 3;
    let groups = digits
        .as_bytes()
        .iter()
        .enumerate()
        .flat_map(|(index, digit)| {
            let separator = (index > 0 && index % 3 == head).then_some('_');
            separator.into_iter().chain([char::from(*digit)])
        });
    let text: String = groups.collect();
    text.parse()
        .unwrap_or_else(|_| Literal::u32_unsuffixed(number))
}
