//! A handler that takes the bare message.
use cordial::{Response, Result};
use pb::{Greeter, HelloReply, HelloRequest};

mod pb {
    include!("../../codegen/tests/golden/greeter/hello.v1.rs");
}

struct Polite;

impl Greeter for Polite {
    async fn say_hello(&self, request: HelloRequest) -> Result<Response<HelloReply>> {
        Ok(HelloReply { message: request.name }.into())
    }
}

fn main() {}
