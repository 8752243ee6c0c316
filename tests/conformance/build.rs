//! The stubs of the suite's service.

fn main() -> cordial_codegen::Result {
    cordial_codegen::compile("protos")
}
