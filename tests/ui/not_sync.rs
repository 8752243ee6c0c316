//! A service that cannot be shared between threads.
use cordial::{Request, Response, Result};
use pb::{Greeter, HelloReply, HelloRequest};
use std::cell::Cell;

mod pb {
    include!("../../codegen/tests/golden/greeter/hello.v1.rs");
}

struct Counting {
    calls: Cell<u64>,
}

impl Greeter for Counting {
    async fn say_hello(&self, _: Request<HelloRequest>) -> Result<Response<HelloReply>> {
        self.calls.set(self.calls.get() + 1);
        Ok(HelloReply::default().into())
    }
}

fn main() {}
