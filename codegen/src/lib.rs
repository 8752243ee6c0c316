#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod bundled;
mod check;
mod compile;
mod config;
mod diagnostic;
mod docs;
mod emit;
mod error;
mod format;
mod glob;
mod imports;
mod lower;
mod messages;
mod model;
mod names;
mod near;
mod options;
mod packages;
mod parse;
pub mod plugin;
mod policy;
mod pool;
mod resolve;
mod skeleton;
mod source;
mod write;

pub use config::Config;
pub use error::{Error, ErrorKind};

/// What everything here that can fail returns.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// Compiles every `.proto` below `dir` into `OUT_DIR`: the whole of a build script.
///
/// ```no_run
/// fn main() -> cordial_codegen::Result {
///     cordial_codegen::compile("protos")
/// }
/// ```
///
/// # Errors
///
/// All mistakes of all files at once; then nothing is written.
pub fn compile(dir: impl AsRef<std::path::Path>) -> Result {
    Config::new().compile([dir])
}
