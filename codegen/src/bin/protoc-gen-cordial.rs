//! `protoc-gen-cordial`: the generator as a plugin of protoc and buf.

use cordial_codegen::plugin;
use std::{
    env,
    error::Error,
    io::{self, IsTerminal, Read, Write},
    process::ExitCode,
};

fn main() -> ExitCode {
    match answer() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn answer() -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    match env::args().nth(1).as_deref() {
        Some("--help" | "-h") => out.write_all(plugin::HELP.as_bytes())?,
        Some("--version" | "-V") => {
            writeln!(out, "protoc-gen-cordial {}", env!("CARGO_PKG_VERSION"))?
        }
        Some(other) => {
            return Err(
                format!("unknown argument `{other}`; see `protoc-gen-cordial --help`").into(),
            );
        }
        None if io::stdin().is_terminal() => return Err(plugin::HELP.into()),
        None => {
            let mut request = Vec::new();
            io::stdin().lock().read_to_end(&mut request)?;
            out.write_all(&plugin::run(&request)?)?;
        }
    }
    out.flush()?;
    Ok(())
}
