fn main() -> cordial_codegen::Result {
    cordial_codegen::compile("protos")
}
