//! Messages of every kind, with their form in JSON; and those of protobuf's own suite, if it is there.

use std::env;

/// Where `tests/protobuf-conformance` has put the suite's `.proto` files.
const SUITE: &str = "PROTOBUF_CONFORMANCE";

fn main() -> cordial_codegen::Result {
    println!("cargo::rustc-check-cfg=cfg(conformance)");
    println!("cargo::rerun-if-env-changed={SUITE}");
    let config = cordial_codegen::Config::new()
        .json(true)
        .btree_map("zoo.Sorted")
        .bytes("zoo.Zoo.shared");
    match env::var_os(SUITE) {
        Some(suite) => {
            println!("cargo::rustc-cfg=conformance");
            config.compile(["protos".into(), suite])
        }
        None => config.compile(["protos"]),
    }
}
