//! The peer's stub, over the very message type that ours uses.

use tonic_build::manual::{Builder, Method, Service};

fn main() {
    let echo = Method::builder()
        .name("echo")
        .route_name("Echo")
        .input_type("crate::unary::message::Echo")
        .output_type("crate::unary::message::Echo")
        .codec_path("tonic_prost::ProstCodec")
        .build();
    let service = Service::builder()
        .name("Echoes")
        .package("bench.v1")
        .method(echo)
        .build();
    Builder::new().compile(&[service]);
}
