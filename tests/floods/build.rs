//! The peer's stub, over the very message types that ours uses.

use tonic_build::manual::{Builder, Method, MethodBuilder, Service};

fn method(name: &str, route: &str) -> MethodBuilder {
    Method::builder()
        .name(name)
        .route_name(route)
        .input_type("crate::subject::message::Note")
        .output_type("crate::subject::message::Note")
        .codec_path("tonic_prost::ProstCodec")
}

fn main() {
    let service = Service::builder()
        .name("Target")
        .package("floods.v1")
        .method(method("echo", "Echo").build())
        .method(method("large", "Large").build())
        .method(method("slow", "Slow").build())
        .method(method("endless", "Endless").server_streaming().build())
        .method(method("collect", "Collect").client_streaming().build())
        .method(method("unread", "Unread").client_streaming().build())
        .method(
            method("count", "Count")
                .output_type("crate::subject::message::Count")
                .build(),
        )
        .build();
    Builder::new().compile(&[service]);
}
