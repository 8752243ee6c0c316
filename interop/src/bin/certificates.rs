//! Writes the certificates of one run into a folder: `certificates FOLDER`.

use std::error::Error;
use std::path::PathBuf;

use clap::Parser;
use interop::certificate::Certificates;

/// Writes `ca.pem`, and `.pem` and `.key` of `server` and `client`, made anew.
#[derive(Debug, Parser)]
struct Flags {
    /// Where to.
    folder: PathBuf,
}

fn main() -> Result<(), Box<dyn Error>> {
    let flags = Flags::parse();
    Certificates::generate()?
        .write(&flags.folder)
        .map_err(|error| format!("{}: {error}", flags.folder.display()).into())
}
