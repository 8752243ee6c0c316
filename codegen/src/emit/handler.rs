//! The trait that a person implements.

use super::{Emit, docs, ident, path};
use crate::{
    messages::lints,
    model::{Method, MethodKind, Service},
};
use proc_macro2::TokenStream;
use quote::quote;

impl Emit<'_> {
    /// A deprecated method is not marked here: whoever serves it must go on serving it.
    pub(super) fn handler(self, service: &Service) -> TokenStream {
        let (docs, name) = (docs(&service.docs), ident(&service.name));
        let attributes = self.attributes(&self.config.service_attributes, service);
        let methods = service
            .methods
            .iter()
            .map(|method| self.handler_method(method));
        quote! {
            #docs
            #attributes
            pub trait #name: ::core::marker::Send + ::core::marker::Sync + 'static {
                #(#methods)*
            }
        }
    }

    fn handler_method(self, method: &Method) -> TokenStream {
        let (docs, name, runtime) = (docs(&method.docs), ident(&method.name), self.runtime());
        let (input, output) = (path(&method.input), path(&method.output));
        let (input, output) = match method.kind {
            MethodKind::Unary => (input, output),
            MethodKind::ServerStreaming => (input, quote!(#runtime::BoxStream<#output>)),
            MethodKind::ClientStreaming => (quote!(#runtime::Streaming<#input>), output),
            MethodKind::BidiStreaming => (
                quote!(#runtime::Streaming<#input>),
                quote!(#runtime::BoxStream<#output>),
            ),
        };
        let lints = lints::of_name(&method.name);
        quote! {
            #docs
            #lints
            fn #name(&self, request: #runtime::Request<#input>) -> impl #runtime::Reply<#output>;
        }
    }
}
