//! The facade is the first user of the generator.

fn main() -> cordial_codegen::Result {
    cordial_codegen::Config::new()
        .google_in_place(true)
        .compile(["protos"])
}
