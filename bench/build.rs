//! The peer's stub, over the very message types that ours uses.

use tonic_build::manual::{Builder, Method, MethodBuilder, Service};

fn main() {
    let repeat = method("repeat", "Repeat", "Repetition").server_streaming();
    let ping_pong = method("ping_pong", "PingPong", "Echo").client_streaming();
    let service = Service::builder()
        .name("Echoes")
        .package("bench.v1")
        .method(method("echo", "Echo", "Echo").build())
        .method(method("wait", "Wait", "Echo").build())
        .method(method("compute", "Compute", "Echo").build())
        .method(repeat.build())
        .method(ping_pong.server_streaming().build())
        .build();
    Builder::new().compile(&[service]);
}

fn method(name: &str, route: &str, input: &str) -> MethodBuilder {
    Method::builder()
        .name(name)
        .route_name(route)
        .input_type(format!("crate::echo::{input}"))
        .output_type("crate::echo::Echo")
        .codec_path("tonic_prost::ProstCodec")
}
