//! The peers' code, by their own generators.

use std::{env, error::Error, fs, path::PathBuf};

const PROTO: &str = "../protos/bench/v1/echoes.proto";

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);

    // connectrpc takes what protox parsed, so that nobody needs protoc.
    let descriptors = out.join("descriptors");
    let mut compiler = protox::Compiler::new(["../protos"])?;
    compiler.include_source_info(true).include_imports(true);
    compiler.open_file("bench/v1/echoes.proto")?;
    fs::write(&descriptors, compiler.encode_file_descriptor_set())?;
    connectrpc_build::Config::new()
        .files(&["bench/v1/echoes.proto"])
        .descriptor_set(&descriptors)
        .generate_json(false)
        .include_file("connectrpc.rs")
        .compile()?;

    volo_build::Builder::protobuf()
        .add_service(PROTO)
        .include_dirs(vec![PathBuf::from("../protos")])
        .filename("volo.rs".into())
        .write()?;
    println!("cargo:rerun-if-changed={PROTO}");
    Ok(())
}
