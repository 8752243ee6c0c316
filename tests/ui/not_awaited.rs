//! A call that is never made.
#![deny(unused_must_use)]

use pb::{GreeterClient, HelloRequest};

mod pb {
    include!("../../codegen/tests/golden/greeter/hello.v1.rs");
}

async fn call(greeter: GreeterClient) {
    greeter.say_hello(HelloRequest::default());
}

fn main() {}
