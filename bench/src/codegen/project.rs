//! Throw-away crates, each with a build script as its users write it.

use super::protos::PACKAGE;
use crate::Result;
use serde::Serialize;
use std::{
    fmt, fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant, SystemTime},
};

/// Whose generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// Ours.
    Cordial,
    /// Stock tonic's.
    Tonic,
    /// prost's alone, which is within the other two.
    Messages,
}

/// How long one round took.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Sample {
    /// The build script.
    pub(super) generation_seconds: f64,
    /// All the rest: `cargo` and the compiler.
    pub(super) check_seconds: f64,
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (generation, check) = (self.generation_seconds, self.check_seconds);
        write!(f, "generation {generation:.2} s, check {check:.2} s")
    }
}

/// Where a build script leaves how long it took, in microseconds.
const GENERATION: &str = "generation";

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Cordial, Self::Tonic, Self::Messages];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Cordial => "cordial",
            Self::Tonic => "tonic",
            Self::Messages => "messages",
        }
    }

    /// The lines of Cargo.toml from `[dependencies]` on; `root` is our workspace.
    fn dependencies(self, root: &str) -> String {
        match self {
            Self::Cordial => format!(
                "[dependencies]\ncordial = {{ path = {root:?} }}\n\n\
                 [build-dependencies]\ncordial-codegen = {{ path = \"{root}/codegen\" }}\n"
            ),
            Self::Tonic => "[dependencies]\nprost = \"0.14\"\ntonic = \"=0.14.9\"\n\
                 tonic-prost = \"=0.14.9\"\n\n\
                 [build-dependencies]\nprotox = \"0.10\"\ntonic-prost-build = \"=0.14.9\"\n"
                .to_owned(),
            Self::Messages => "[dependencies]\nprost = \"0.14\"\n\n\
                 [build-dependencies]\nprost-build = \"0.14\"\nprotox = \"0.10\"\n"
                .to_owned(),
        }
    }

    fn build_script(self) -> String {
        const PROTOX: &str = r#"let files = std::fs::read_dir("../protos")?;
    let files = files.map(|file| Ok(file?.path())).collect::<std::io::Result<Vec<_>>>()?;
    let files = protox::compile(files, ["../protos"])?;
    "#;
        let (before, generate) = match self {
            Self::Cordial => ("", r#"cordial_codegen::compile("../protos")?;"#),
            Self::Tonic => (
                PROTOX,
                "tonic_prost_build::configure().compile_fds(files)?;",
            ),
            Self::Messages => (PROTOX, "prost_build::Config::new().compile_fds(files)?;"),
        };
        format!(
            r#"fn main() -> Result<(), Box<dyn std::error::Error>> {{
    println!("cargo:rerun-if-changed=../protos");
    let started = std::time::Instant::now();
    {before}{generate}
    std::fs::write("{GENERATION}", started.elapsed().as_micros().to_string())?;
    Ok(())
}}
"#
        )
    }

    fn library(self) -> String {
        let include = match self {
            Self::Cordial => format!("cordial::include_protos!({PACKAGE:?});"),
            Self::Tonic => format!("tonic::include_proto!({PACKAGE:?});"),
            Self::Messages => format!("include!(concat!(env!(\"OUT_DIR\"), \"/{PACKAGE}.rs\"));"),
        };
        format!("pub mod pb {{\n    {include}\n}}\n")
    }
}

/// A cargo workspace of one crate for each [`Kind`].
pub(super) struct Workspace {
    dir: PathBuf,
    protos: PathBuf,
}

impl Workspace {
    /// Writes it into `dir`; what was built there before stays built.
    pub(super) fn create(dir: PathBuf) -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let root = fs::canonicalize(root)?;
        let members = Kind::ALL.map(Kind::name);
        fs::create_dir_all(&dir)?;
        let manifest = format!("[workspace]\nresolver = \"3\"\nmembers = {members:?}\n");
        fs::write(dir.join("Cargo.toml"), manifest)?;
        let lock = dir.join("Cargo.lock");
        if !lock.exists() {
            // Both generators stand on the very versions that we are tested with.
            fs::copy(root.join("Cargo.lock"), lock)?;
        }
        for kind in Kind::ALL {
            let member = dir.join(kind.name());
            fs::create_dir_all(member.join("src"))?;
            let manifest = format!(
                "[package]\nname = \"generated-{}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
                 publish = false\n\n{}",
                kind.name(),
                kind.dependencies(&root.to_string_lossy())
            );
            fs::write(member.join("Cargo.toml"), manifest)?;
            fs::write(member.join("build.rs"), kind.build_script())?;
            fs::write(member.join("src/lib.rs"), kind.library())?;
        }
        let protos = dir.join("protos");
        Ok(Self { dir, protos })
    }

    pub(super) fn protos(&self) -> &Path {
        &self.protos
    }

    /// Makes the crate's code, generated and other, new to cargo.
    pub(super) fn touch(&self, kind: Kind) -> Result {
        let library = self.dir.join(kind.name()).join("src/lib.rs");
        touch(&library)?;
        for proto in fs::read_dir(&self.protos)? {
            touch(&proto?.path())?;
        }
        Ok(())
    }

    /// Checks one crate, and what it depends on if need be.
    pub(super) fn check(&self, kind: Kind) -> Result<Sample> {
        let generation = self.dir.join(kind.name()).join(GENERATION);
        if generation.exists() {
            fs::remove_file(&generation)?;
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command
            .args(["check", "--quiet", "--package"])
            .arg(format!("generated-{}", kind.name()))
            .current_dir(&self.dir)
            .env("CARGO_TARGET_DIR", self.dir.join("target"))
            // Nothing of the round before may help.
            .env("CARGO_INCREMENTAL", "0");
        let started = Instant::now();
        let output = command.output()?;
        let whole = started.elapsed();
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{command:?} failed:\n{said}").into());
        }
        let micros = fs::read_to_string(&generation)
            .map_err(|error| format!("the build script of {} did not run: {error}", kind.name()))?;
        let generation = Duration::from_micros(micros.parse()?);
        Ok(Sample {
            generation_seconds: generation.as_secs_f64(),
            check_seconds: whole.saturating_sub(generation).as_secs_f64(),
        })
    }
}

fn touch(path: &Path) -> Result {
    let file = fs::File::options().append(true).open(path)?;
    Ok(file.set_modified(SystemTime::now())?)
}
