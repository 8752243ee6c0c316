//! The stubs of the suite: ours for the binaries, and tonic's own beside ours
//! for the test against stock tonic.

use cordial_codegen::{Config, Result};
use std::{env, fs, path::PathBuf};

fn main() -> Result {
    Config::new().compile(["protos"])?;
    let folder = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("tonic");
    fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    Config::new()
        .select("grpc/testing/*.proto")
        .tonic_stubs(true)
        .out_dir(folder)
        .compile(["protos"])
}
