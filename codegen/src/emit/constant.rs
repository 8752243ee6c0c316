//! The constant that describes a method, shared by both sides.

use super::{Emit, ident, line_doc, path, verb};
use crate::model::{Idempotency, Method};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

impl Emit<'_> {
    pub(super) fn constant(self, method: &Method) -> TokenStream {
        let (name, runtime, address) = (ident(&method.constant), self.runtime(), &method.path);
        let (input, output) = (path(&method.input), path(&method.output));
        let kind = verb(method.kind);
        let doc = line_doc(&format!("`{address}`"));
        let attribute = method.deprecated.then(|| quote!(#[deprecated]));
        let idempotency = match method.idempotency {
            Idempotency::Unknown => None,
            Idempotency::Idempotent => Some(quote!(.idempotent())),
            Idempotency::NoSideEffects => Some(quote!(.no_side_effects())),
        };
        let deprecated = method.deprecated.then(|| quote!(.deprecated()));
        let json = self.config.json.then(|| quote!(.json()));
        let hash_by = hash_by(&method.hash_path);
        let options = bytes("options", &method.options);
        let service_options = bytes("service_options", &method.service_options);
        quote! {
            #doc
            #attribute
            pub const #name: #runtime::Method<#input, #output> =
                #runtime::Method::#kind(#address) #idempotency #deprecated #json #hash_by #options #service_options;
        }
    }
}

fn hash_by(path: &[u32]) -> Option<TokenStream> {
    let numbers = path.iter().copied().map(Literal::u32_unsuffixed);
    (!path.is_empty()).then(|| quote!(.hash_by(&[#(#numbers),*])))
}

fn bytes(builder: &str, bytes: &[u8]) -> Option<TokenStream> {
    let (builder, literal) = (ident(builder), Literal::byte_string(bytes));
    (!bytes.is_empty()).then(|| quote!(.#builder(#literal)))
}
