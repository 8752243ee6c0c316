//! A whole run: every row, against every server.

use crate::{
    Result, check,
    measured::{Measured, Spans, measure},
    process, report,
    row::Row,
    rows,
    subject::Stack,
};
use futures_util::future::join_all;
use std::{path::PathBuf, time::Duration};
use tokio::{
    runtime::{Builder, Handle},
    time::Instant,
};

/// Played again that often if only the neighbour's calls took too long: on a
/// machine that others use, too, they sometimes do.
const AGAIN_MAX: usize = 2;

/// What to play, and what to do with it.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// A tenth of the frames, and less time for each row
    #[arg(long)]
    quick: bool,
    /// Fail unless our server keeps within what each row may cost
    #[arg(long)]
    check: bool,
    /// Rows to play, by name or by how their name begins; all of them if none is given
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Servers to play them against
    #[arg(long, value_delimiter = ',', default_value = "cordial,tonic")]
    servers: Vec<Stack>,
    /// Write everything measured here, too
    #[arg(long)]
    json: Option<PathBuf>,
    /// Name the rows, and play none
    #[arg(long)]
    list: bool,
}

impl Options {
    fn spans(&self) -> Spans {
        let millis = if self.quick { 250 } else { 1_000 };
        Spans {
            quiet: Duration::from_millis(millis),
            meanwhile: Duration::from_millis(millis),
        }
    }

    fn rows(&self) -> Result<Vec<Row>> {
        let mut rows = rows::all();
        for name in &self.only {
            if !rows.iter().any(|row| row.name.starts_with(name.as_str())) {
                return Err(format!("no row `{name}`; `--list` names them all").into());
            }
        }
        rows.retain(|row| {
            self.only.is_empty() || self.only.iter().any(|name| row.name.starts_with(name))
        });
        Ok(rows)
    }
}

/// Whether nothing was broken.
pub(crate) fn run(options: &Options) -> Result<bool> {
    let rows = options.rows()?;
    if options.list {
        for row in &rows {
            println!("{:<28}{}", row.name, row.title);
        }
        return Ok(true);
    }
    process::raise_open_files()?;
    let attackers = Builder::new_multi_thread()
        .worker_threads(1)
        .on_thread_start(process::step_back)
        .enable_all()
        .build()?;
    let calm = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let begun = Instant::now();
    let played = calm.block_on(play(&rows, options, attackers.handle()));
    attackers.shutdown_background();
    let Played { measured, broken } = played?;

    println!();
    report::print(&measured);
    report::write_json(options.json.as_deref(), &measured)?;
    let seconds = begun.elapsed().as_secs();
    println!("\n{} rows in {seconds} s", rows.len());
    if options.check {
        for line in &broken {
            println!("FAILED  {line}");
        }
        let failed = rows.iter().filter(|row| {
            let head = format!("{}: ", row.name);
            broken.iter().any(|line| line.starts_with(&head))
        });
        let failed = failed.count();
        println!("{} passed, {failed} failed", rows.len() - failed);
    }
    Ok(!options.check || broken.is_empty())
}

#[derive(Default)]
struct Played {
    measured: Vec<Measured>,
    /// What our server broke, each after the name of its row.
    broken: Vec<String>,
}

/// Those that need the machine one after another, then all that wait together.
async fn play(rows: &[Row], options: &Options, attackers: &Handle) -> Result<Played> {
    let mut played = Played::default();
    for row in rows.iter().filter(|row| !row.waits) {
        let mut tried = 0;
        loop {
            let both = one(row, options, attackers).await?;
            let ours = both
                .iter()
                .find(|measured| measured.stack == Stack::Cordial);
            let delayed = ours.and_then(check::delayed).is_some();
            if options.check && delayed && tried < AGAIN_MAX {
                tried += 1;
                eprintln!("{}: the neighbour's calls took long; once more", row.name);
                continue;
            }
            played.add(row, both);
            break;
        }
    }
    let waiting: Vec<_> = rows.iter().filter(|row| row.waits).collect();
    let together = waiting.iter().map(|row| {
        let each = options
            .servers
            .iter()
            .map(|&stack| measure(row, stack, options.quick, options.spans(), attackers));
        join_all(each)
    });
    if !waiting.is_empty() {
        eprintln!("{} rows that wait, together", waiting.len());
    }
    for (row, both) in waiting.iter().zip(join_all(together).await) {
        let both = both.into_iter().collect::<Result<Vec<_>>>();
        played.add(row, both.map_err(|error| format!("{}: {error}", row.name))?);
    }
    Ok(played)
}

async fn one(row: &Row, options: &Options, attackers: &Handle) -> Result<Vec<Measured>> {
    let mut both = Vec::new();
    for &stack in &options.servers {
        eprint!("{:<28}{stack:<8} ... ", row.name);
        let begun = Instant::now();
        let measured = measure(row, stack, options.quick, options.spans(), attackers)
            .await
            .map_err(|error| format!("{} against {stack}: {error}", row.name))?;
        eprintln!("{:.1} s", begun.elapsed().as_secs_f64());
        both.push(measured);
    }
    Ok(both)
}

impl Played {
    fn add(&mut self, row: &Row, both: Vec<Measured>) {
        let broken = broken(row, &both).into_iter();
        self.broken
            .extend(broken.map(|broken| format!("{}: {broken}", row.name)));
        self.measured.extend(both);
    }
}

/// What our server broke, if it is among `measured`.
fn broken(row: &Row, measured: &[Measured]) -> Vec<String> {
    let of = |stack| measured.iter().find(|measured| measured.stack == stack);
    let ours = of(Stack::Cordial);
    ours.map_or_else(Vec::new, |ours| {
        check::broken(&row.bound, ours, of(Stack::Tonic))
    })
}
