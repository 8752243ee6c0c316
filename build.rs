//! The facade is the first user of the generator.

use std::env;

fn main() -> cordial_codegen::Result {
    cordial_codegen::Config::new()
        .google_in_place(true)
        .json(env::var_os("CARGO_FEATURE_JSON").is_some())
        .compile(["protos"])
}
