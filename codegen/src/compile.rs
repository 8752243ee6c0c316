//! The pipeline, from paths to files.

use crate::{
    Config, Error, ErrorKind, check,
    diagnostic::Diagnostic,
    emit, format, lower,
    messages::{self, Messages},
    model::Package,
    names, options, packages,
    pool::{self, Loaded},
    resolve::Types,
    source::{self, Sources},
    write::{self, Output},
};
use prost::encoding::{WireType, encode_key, encode_varint};
use std::{
    env,
    num::NonZero,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

/// `FileDescriptorProto.source_code_info`: comments, for which a running program has no use.
const SOURCE_CODE_INFO: u32 = 9;

/// `FileDescriptorSet.file`
const FILE: u32 = 1;

/// From paths to written files.
pub(crate) fn run(config: &Config, roots: &[PathBuf]) -> Result<(), Error> {
    let (mut sources, mut problems) = source::find(config, roots);
    let (loaded, found) = pool::load(&mut sources, config.google_in_place);
    problems.extend(found);
    watch(&sources);
    let mut outputs = generate(config, &loaded, problems)?;
    let content = descriptors(&loaded, false);
    outputs.push(Output {
        name: "_descriptors.bin".to_owned(),
        content,
    });
    let dir = out_dir(config)?;
    if config.out_dir.is_none() {
        write::claim(&dir)?;
        write::sweep(&dir, &outputs)?;
    }
    write::all(&dir, &outputs)?;
    match &config.descriptor_set {
        Some(path) => write::one(path, &descriptors(&loaded, true)),
        None => Ok(()),
    }
}

/// From linked descriptors to the text of every file; nothing is read and nothing is written.
pub(crate) fn generate(
    config: &Config,
    loaded: &Loaded,
    mut problems: Vec<Diagnostic>,
) -> Result<Vec<Output>, Error> {
    let types = Types::new(config);
    let packages = lower::packages(loaded, &types);
    if problems.is_empty() {
        // What options name may be in a file that is not there.
        problems = check::config::check(loaded, config);
    }
    problems.extend(check::all(&packages, loaded, &types));
    if !problems.is_empty() {
        return Err(Error::from_diagnostics(problems));
    }
    let messages = messages::generate(loaded, &types, config)?;
    let written: Vec<_> = packages
        .iter()
        .filter(|package| !is_empty(package, &messages))
        .collect();
    let mut outputs = in_parallel(&written, |package| package_file(package, &messages, config))?;
    let names: Vec<_> = written
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    let content = packages::file(&names).into_bytes();
    outputs.push(Output {
        name: "_packages.rs".to_owned(),
        content,
    });
    Ok(outputs)
}

fn is_empty(package: &Package, messages: &Messages) -> bool {
    package.services.is_empty() && package.extensions.is_empty() && !messages.has(&package.name)
}

fn package_file(package: &Package, messages: &Messages, config: &Config) -> Result<Output, Error> {
    let (mut items, tables) = messages.items(&package.name, &config.runtime)?;
    let ours: syn::File = syn::parse2(emit::package(package, config)).map_err(|error| {
        Error::new(
            ErrorKind::Internal,
            format!("package `{}`: {error}", package.name),
        )
    })?;
    items.extend(ours.items);
    let (sources, code) = (sources(package), format::file(items, &tables));
    let content = format!("{} from {sources}. Do not edit.\n\n{code}", write::MARK).into_bytes();
    Ok(Output {
        name: format!("{}.rs", names::file_stem(&package.name)),
        content,
    })
}

/// The files a package comes from, or how many there are when the line would grow long.
fn sources(package: &Package) -> String {
    match package.sources.as_slice() {
        few @ [_] | few @ [_, _] | few @ [_, _, _] => few.join(", "),
        many => format!("{} files", many.len()),
    }
}

/// Does the same to each package, with as many threads as there are cores; results in order.
fn in_parallel(
    packages: &[&Package],
    work: impl Fn(&Package) -> Result<Output, Error> + Sync,
) -> Result<Vec<Output>, Error> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        while let Some((index, package)) = take(packages, &next) {
            done.push((index, work(package)));
        }
        done
    };
    let mut done: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (1..cores.min(packages.len()))
            .map(|_| scope.spawn(worker))
            .collect();
        let here = worker();
        let others = workers.into_iter().flat_map(|worker| match worker.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        here.into_iter().chain(others).collect()
    });
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, output)| output).collect()
}

fn take<'a>(packages: &[&'a Package], next: &AtomicUsize) -> Option<(usize, &'a Package)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    packages.get(index).map(|package| (index, *package))
}

/// Every file of the pool as an encoded `FileDescriptorSet`, custom options and all.
fn descriptors(loaded: &Loaded, comments: bool) -> Vec<u8> {
    let mut set = Vec::new();
    for file in loaded.pool.files() {
        let file = options::encode(&file);
        let file = options::keep(&file, |number| comments || number != SOURCE_CODE_INFO);
        encode_key(FILE, WireType::LengthDelimited, &mut set);
        encode_varint(file.len() as u64, &mut set);
        set.extend(file);
    }
    set
}

fn out_dir(config: &Config) -> Result<PathBuf, Error> {
    let from_cargo = || env::var_os("OUT_DIR").map(PathBuf::from);
    config.out_dir.clone().or_else(from_cargo).ok_or_else(|| {
        let text = "`OUT_DIR` is not set, so there is nowhere to write to\n  \
                    = cargo sets it for build scripts; elsewhere, name a directory with `.out_dir(…)`";
        Error::new(ErrorKind::Output, text)
    })
}

/// Tells cargo, if it is there to listen, what to run the build script again for.
fn watch(sources: &Sources) {
    if env::var_os("OUT_DIR").is_some() {
        for path in &sources.watched {
            println!("cargo:rerun-if-changed={}", path.display());
        }
    }
}
