//! A service that leaves a method out.
use pb::Greeter;

mod pb {
    include!("../../codegen/tests/golden/greeter/hello.v1.rs");
}

struct Silent;

impl Greeter for Silent {}

fn main() {}
