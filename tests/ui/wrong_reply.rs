//! A handler that returns the message of another method.
use cordial::{Request, Response, Result};
use pb::{Greeter, HelloRequest};

mod pb {
    include!("../../codegen/tests/golden/greeter/hello.v1.rs");
}

struct Polite;

impl Greeter for Polite {
    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloRequest>> {
        Ok(request.into_inner().into())
    }
}

fn main() {}
