//! Our stubs and messages, and the peers'.

use prost::Message;
use std::{env, error::Error, fs, path::Path};
use tonic_build::manual::{Builder, Method, MethodBuilder, Service};

fn main() -> Result<(), Box<dyn Error>> {
    cordial_codegen::Config::new()
        .json(true)
        .compile(["protos"])?;
    documents()?;

    // tonic's stub over messages in echo.rs, which are what prost-build makes.
    let repeat = method("repeat", "Repeat", "Repetition").server_streaming();
    let feed = method("feed", "Feed", "Repetition").server_streaming();
    let ping_pong = method("ping_pong", "PingPong", "Echo").client_streaming();
    let service = Service::builder()
        .name("Echoes")
        .package("bench.v1")
        .method(method("echo", "Echo", "Echo").build())
        .method(method("wait", "Wait", "Echo").build())
        .method(method("compute", "Compute", "Echo").build())
        .method(repeat.build())
        .method(feed.build())
        .method(ping_pong.server_streaming().build())
        .build();
    Builder::new().compile(&[service, orders()]);
    Ok(())
}

/// The messages of `bench json` as prost makes them, with JSON by pbjson.
fn documents() -> Result<(), Box<dyn Error>> {
    let ours = env::var("OUT_DIR")?;
    let theirs = Path::new(&ours).join("pbjson");
    fs::create_dir_all(&theirs)?;
    let descriptors = fs::read(Path::new(&ours).join("_descriptors.bin"))?;
    let mut set = prost_types::FileDescriptorSet::decode(descriptors.as_slice())?;
    set.file.retain(|file| file.package() == "documents.v1");
    prost_build::Config::new()
        .out_dir(&theirs)
        .compile_fds(set.clone())?;
    pbjson_build::Builder::new()
        .register_descriptors(&set.encode_to_vec())?
        .out_dir(&theirs)
        .build(&[".documents.v1"])?;
    Ok(())
}

/// Over the messages of our own generator: what is compared is not in them.
fn orders() -> Service {
    let order = |name: &str, route: &str| order(name, route, "Order");
    Service::builder()
        .name("Orders")
        .package("orders.v1")
        .method(order("put", "Put").build())
        .method(order("look", "Look").build())
        .method(order("add", "Add").build())
        .method(order("follow", "Follow").server_streaming().build())
        .method(self::order("fail", "Fail", "Failing").build())
        .build()
}

fn order(name: &str, route: &str, input: &str) -> MethodBuilder {
    method(name, route, input)
        .input_type(format!("crate::faults::pb::{input}"))
        .output_type("crate::faults::pb::Done")
}

fn method(name: &str, route: &str, input: &str) -> MethodBuilder {
    Method::builder()
        .name(name)
        .route_name(route)
        .input_type(format!("crate::echo::{input}"))
        .output_type("crate::echo::Echo")
        .codec_path("tonic_prost::ProstCodec")
}
