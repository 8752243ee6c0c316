//! The peers in `bench/peers`, a workspace of its own: built when they are
//! asked for, next to what cargo built of this one.

use crate::Result;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

const MANIFEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/Cargo.toml");
const BINARY: &str = "bench-peers";

fn target() -> Result<PathBuf> {
    let binary = std::env::current_exe()?;
    let target = binary.parent().and_then(Path::parent);
    Ok(target
        .ok_or("this binary is in no target directory")?
        .join(BINARY))
}

pub(super) fn binary() -> Result<PathBuf> {
    Ok(target()?.join("release").join(BINARY))
}

pub(super) fn build() -> Result {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args([
        "build",
        "--release",
        "--locked",
        "--manifest-path",
        MANIFEST,
    ]);
    cargo.arg("--target-dir").arg(target()?);
    match cargo.status()?.success() {
        true => Ok(()),
        false => Err(format!("the peers do not build: {cargo:?}").into()),
    }
}
