//! Serving something that implements no trait.
use pb::greeter_server;

mod pb {
    include!("../../codegen/tests/golden/greeter/hello.v1.rs");
}

struct Polite;

fn main() {
    let _ = cordial::Server::new().add(greeter_server(Polite));
}
