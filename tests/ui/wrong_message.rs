//! A call with the message of another method.
use pb::{GreeterClient, HelloReply};

mod pb {
    include!("../../codegen/tests/golden/greeter/hello.v1.rs");
}

async fn call(greeter: GreeterClient) {
    let _ = greeter.say_hello(HelloReply::default()).await;
}

fn main() {}
