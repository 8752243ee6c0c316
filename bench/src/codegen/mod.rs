//! Generated code: how long it takes to make and to check.

mod project;
mod protos;
mod report;

use crate::Result;
use project::{Kind, Workspace};
use protos::Shape;
use report::Report;
use std::path::PathBuf;

/// What to generate, and how often.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    shape: Shape,
    /// Measurements of each generator, interleaved
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Where the throw-away crates and their dependencies are built [default: beside this program]
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Write every measurement here too
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Measures every generator, prints a table of medians and writes the JSON.
pub(crate) fn run(options: &Options) -> Result {
    if options.rounds == 0 {
        return Err("one round is the least".into());
    }
    let dir = match &options.dir {
        Some(dir) => std::path::absolute(dir)?,
        None => beside_this_program()?,
    };
    let workspace = Workspace::create(dir)?;

    println!("building what generated code depends on");
    protos::write(workspace.protos(), Shape::LEAST)?;
    for kind in Kind::ALL {
        workspace.check(kind)?;
    }

    let Shape {
        services,
        methods,
        messages,
        fields,
    } = options.shape;
    println!(
        "{services} services of {methods} methods, {messages} messages of {fields} fields, {} rounds",
        options.rounds
    );
    protos::write(workspace.protos(), options.shape)?;
    let mut report = Report::new(options.shape, options.rounds);
    for round in 0..options.rounds {
        let mut order = Kind::ALL;
        if round % 2 == 1 {
            order.reverse();
        }
        for kind in order {
            workspace.touch(kind)?;
            let sample = workspace.check(kind)?;
            println!("  round {}: {}: {sample}", round + 1, kind.name());
            report.add(kind, sample);
        }
    }
    report.print();
    crate::table::write_json(options.json.as_deref(), &report)
}

/// A directory of cargo's target directory, so that dependencies stay built.
fn beside_this_program() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(2);
    let target = target.ok_or("this program is in no target directory; say --dir")?;
    Ok(target.join("bench-codegen"))
}
