//! The constant that reads an option declared in the package.

use super::{Emit, docs, ident, path};
use crate::{messages::lints, model::Extension};
use proc_macro2::TokenStream;
use quote::quote;

impl Emit<'_> {
    pub(super) fn extension(self, extension: &Extension) -> TokenStream {
        let (docs, name, runtime) = (
            docs(&extension.docs),
            ident(&extension.constant),
            self.runtime(),
        );
        let (constructor, ty) = (ident(extension.constructor), path(&extension.ty));
        let number = path(&lints::grouped(&extension.number.to_string()));
        let deprecated = extension.deprecated.then(|| quote!(#[deprecated]));
        quote! {
            #docs
            #deprecated
            #[allow(dead_code)]
            pub const #name: #runtime::Extension<#ty> = #runtime::Extension::#constructor(#number);
        }
    }
}
