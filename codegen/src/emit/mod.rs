//! Emitters: each takes a piece of the model and returns one item.

mod client;
mod constant;
mod extension;
mod handler;
mod server;
pub(crate) mod tonic;

use crate::{
    Config,
    model::{MethodKind, Package, Service},
    resolve,
};
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

/// What every emitter may ask for besides the model.
#[derive(Clone, Copy)]
pub(crate) struct Emit<'a> {
    pub(crate) config: &'a Config,
}

/// Everything of a package but its messages.
pub(crate) fn package(package: &Package, config: &Config) -> TokenStream {
    let emit = Emit { config };
    let services = package.services.iter().map(|service| emit.service(service));
    let extensions = package
        .extensions
        .iter()
        .map(|extension| emit.extension(extension));
    let runtime = emit.runtime();
    quote! {
        #(#services)*
        #(#extensions)*
        const _: () = #runtime::codegen::GENERATED_BY_0_1;
    }
}

impl Emit<'_> {
    fn service(self, service: &Service) -> TokenStream {
        let server = self
            .config
            .server
            .then(|| [self.handler(service), self.server(service)]);
        let client = self.config.client.then(|| self.client(service));
        let constants = service.methods.iter().map(|method| self.constant(method));
        let tonic = self
            .config
            .tonic_stubs
            .then(|| tonic::stubs(service, self.config));
        let server = server.into_iter().flatten();
        quote! { #(#server)* #client #(#constants)* #tonic }
    }

    /// `::cordial`
    fn runtime(self) -> TokenStream {
        path(&self.config.runtime)
    }

    /// The attributes that the user wants on a service's items.
    fn attributes(self, attributes: &[(String, String)], service: &Service) -> TokenStream {
        let full_name = service.full_name();
        let wanted = attributes
            .iter()
            .filter(|(name, _)| resolve::within(&full_name, name.trim_matches('.')));
        wanted
            .filter_map(|(_, attribute)| attribute.parse::<TokenStream>().ok())
            .collect()
    }
}

/// An identifier; names of the model are identifiers by construction.
fn ident(name: &str) -> Ident {
    match name.strip_prefix("r#") {
        Some(name) => Ident::new_raw(name, Span::call_site()),
        None => Ident::new(name, Span::call_site()),
    }
}

/// A path or a type; those of the model parse by construction, and the user's are checked before.
fn path(path: &str) -> TokenStream {
    path.parse().unwrap_or_default()
}

/// Doc lines as attributes.
fn docs(lines: &[String]) -> TokenStream {
    lines.iter().map(|line| line_doc(line)).collect()
}

fn line_doc(line: &str) -> TokenStream {
    let line = if line.is_empty() {
        String::new()
    } else {
        format!(" {line}")
    };
    quote!(#[doc = #line])
}

/// The word for a kind of method, in the server, the client and the constants.
fn verb(kind: MethodKind) -> Ident {
    ident(match kind {
        MethodKind::Unary => "unary",
        MethodKind::ServerStreaming => "server_streaming",
        MethodKind::ClientStreaming => "client_streaming",
        MethodKind::BidiStreaming => "bidi_streaming",
    })
}
