//! `protoc-gen-cordial`
fn main() {}
