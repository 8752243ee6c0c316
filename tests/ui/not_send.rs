//! A handler that holds something thread-bound while it waits.
use cordial::{Request, Response, Result};
use pb::{Greeter, HelloReply, HelloRequest};
use std::rc::Rc;

mod pb {
    include!("../../codegen/tests/golden/greeter/hello.v1.rs");
}

struct Polite;

impl Greeter for Polite {
    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>> {
        let name = Rc::new(request.into_inner().name);
        std::future::ready(()).await;
        Ok(HelloReply { message: name.to_string() }.into())
    }
}

fn main() {}
