//! The function that binds an implementation to its paths.

use super::{Emit, ident, line_doc, verb};
use crate::model::Service;
use proc_macro2::TokenStream;
use quote::quote;

impl Emit<'_> {
    pub(super) fn server(self, service: &Service) -> TokenStream {
        let (name, function, runtime) =
            (ident(&service.name), ident(&service.server), self.runtime());
        let full_name = service.full_name();
        let doc = line_doc(&format!("Serves `service` at `/{full_name}/*`."));
        // A service may be called `S` itself.
        let parameter = ident(if service.name == "S" { "T" } else { "S" });
        // A program that only calls serves nothing.
        let also = service
            .methods
            .iter()
            .any(|method| method.deprecated)
            .then(|| quote!(, deprecated));
        let binds = service.methods.iter().map(|method| {
            let (bind, constant, name) = (
                verb(method.kind),
                ident(&method.constant),
                ident(&method.name),
            );
            quote!(.#bind(#constant, #parameter::#name))
        });
        quote! {
            #doc
            #[allow(dead_code #also)]
            pub fn #function<#parameter: #name>(service: #parameter) -> #runtime::Routes<#parameter> {
                #runtime::Routes::new(#full_name, service) #(#binds)*
            }
        }
    }
}
