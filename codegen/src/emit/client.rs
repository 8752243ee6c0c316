//! The client.

use super::{Emit, docs, ident, line_doc, path, verb};
use crate::{
    messages::lints,
    model::{Method, MethodKind, Service},
};
use proc_macro2::TokenStream;
use quote::quote;

/// Derives of the prelude: a link to a trait of such a name could mean either.
const AMBIGUOUS: [&str; 9] = [
    "Clone",
    "Copy",
    "Debug",
    "Default",
    "Eq",
    "Hash",
    "Ord",
    "PartialEq",
    "PartialOrd",
];

impl Emit<'_> {
    pub(super) fn client(self, service: &Service) -> TokenStream {
        let (name, runtime) = (ident(&service.client), self.runtime());
        let doc = self.client_doc(service);
        let attributes = self.attributes(&self.config.client_attributes, service);
        let deprecated = service.deprecated.then(|| quote!(#[deprecated]));
        // A program that only serves calls nothing.
        let unused = service
            .methods
            .is_empty()
            .then(|| quote!(#[allow(dead_code)]));
        let uses_deprecated =
            service.deprecated || service.methods.iter().any(|method| method.deprecated);
        let also = uses_deprecated.then(|| quote!(, deprecated));
        let methods = service
            .methods
            .iter()
            .map(|method| self.client_method(method));
        quote! {
            #doc
            #deprecated
            #unused
            #attributes
            #[derive(Clone, Debug)]
            pub struct #name(#runtime::Channel);

            #[allow(dead_code #also)]
            impl #name {
                /// A client that calls through `channel`.
                pub fn new(channel: impl ::core::convert::Into<#runtime::Channel>) -> Self {
                    Self(channel.into())
                }
                #(#methods)*
            }
        }
    }

    fn client_doc(self, service: &Service) -> TokenStream {
        let name = &service.name;
        line_doc(&match name.as_str() {
            _ if !self.config.server => {
                format!("Calls `{}` through a channel.", service.full_name())
            }
            name if AMBIGUOUS.contains(&name) => {
                format!("Calls [`{name}`](trait@{name}) through a channel.")
            }
            name => format!("Calls [`{name}`] through a channel."),
        })
    }

    fn client_method(self, method: &Method) -> TokenStream {
        let (docs, name, runtime) = (docs(&method.docs), ident(&method.name), self.runtime());
        let (call, constant) = (verb(method.kind), ident(&method.constant));
        let (input, output) = (path(&method.input), path(&method.output));
        let input = match method.kind {
            MethodKind::Unary | MethodKind::ServerStreaming => {
                quote!(impl #runtime::IntoRequest<#input>)
            }
            MethodKind::ClientStreaming | MethodKind::BidiStreaming => {
                quote!(impl #runtime::IntoStreamingRequest<Message = #input>)
            }
        };
        let output = match method.kind {
            MethodKind::Unary | MethodKind::ClientStreaming => output,
            MethodKind::ServerStreaming | MethodKind::BidiStreaming => {
                quote!(#runtime::Streaming<#output>)
            }
        };
        let deprecated = method.deprecated.then(|| quote!(#[deprecated]));
        let lints = lints::of_name(&method.name);
        quote! {
            #docs
            #deprecated
            #lints
            pub fn #name(&self, request: #input) -> #runtime::Call<#output> {
                self.0.#call(#constant, request)
            }
        }
    }
}
