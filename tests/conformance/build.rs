//! The stubs of the suite's service.

use cordial_codegen::{Config, Result};

fn main() -> Result {
    Config::new().json(true).compile(["protos"])
}
