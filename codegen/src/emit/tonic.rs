//! tonic's own stubs, for those who move from tonic step by step.

use crate::{
    Config,
    model::{Method, MethodKind, Service},
};
use proc_macro2::TokenStream;
use quote::quote;
use tonic_build::CodeGenBuilder;

/// The modules `greeter_client` and `greeter_server`, as tonic-build writes them.
pub(crate) fn stubs(service: &Service, config: &Config) -> TokenStream {
    let builder = CodeGenBuilder::new();
    let client = config
        .client
        .then(|| builder.generate_client(service, "super"));
    let server = config
        .server
        .then(|| builder.generate_server(service, "super"));
    let modules = client.into_iter().chain(server);
    // tonic's code is not held to the lints that ours is.
    modules
        .map(|module| quote!(#[allow(clippy::all, clippy::pedantic)] #module))
        .collect()
}

impl tonic_build::Service for Service {
    type Comment = String;
    type Method = Method;

    fn name(&self) -> &str {
        &self.name
    }

    fn package(&self) -> &str {
        &self.package
    }

    fn identifier(&self) -> &str {
        &self.proto_name
    }

    fn methods(&self) -> &[Method] {
        &self.methods
    }

    fn comment(&self) -> &[String] {
        &self.docs
    }
}

impl tonic_build::Method for Method {
    type Comment = String;

    fn name(&self) -> &str {
        &self.name
    }

    fn identifier(&self) -> &str {
        &self.proto_name
    }

    fn codec_path(&self) -> &str {
        "::tonic_prost::ProstCodec"
    }

    fn client_streaming(&self) -> bool {
        matches!(
            self.kind,
            MethodKind::ClientStreaming | MethodKind::BidiStreaming
        )
    }

    fn server_streaming(&self) -> bool {
        matches!(
            self.kind,
            MethodKind::ServerStreaming | MethodKind::BidiStreaming
        )
    }

    fn comment(&self) -> &[String] {
        &self.docs
    }

    fn deprecated(&self) -> bool {
        self.deprecated
    }

    fn request_response_name(&self, proto_path: &str, _: bool) -> (TokenStream, TokenStream) {
        (
            seen_from(proto_path, &self.input),
            seen_from(proto_path, &self.output),
        )
    }
}

/// A path of the package's module, seen from the module inside it.
fn seen_from(module: &str, path: &str) -> TokenStream {
    const SCALARS: [&str; 8] = ["()", "bool", "f32", "f64", "i32", "i64", "u32", "u64"];
    let absolute = path.starts_with("::") || path.starts_with("crate::") || SCALARS.contains(&path);
    let path = if absolute {
        path.to_owned()
    } else {
        format!("{module}::{path}")
    };
    path.parse().unwrap_or_default()
}
