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
/// machine that others use, too, they sometimes do. A server at fault is late
/// each time.
const AGAIN_MAX: usize = 5;

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
    if options.check && !options.servers.contains(&Stack::Cordial) {
        return Err("--check is about our server: add cordial to --servers".into());
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

    println!();
    report::print(&played.measured);
    report::write_json(options.json.as_deref(), &played.measured)?;
    let seconds = begun.elapsed().as_secs();
    println!("\n{} rows in {seconds} s", rows.len());
    if options.check {
        for line in &played.broken {
            println!("FAILED  {line}");
        }
        let failed = played.rows_broken;
        println!("{} passed, {failed} failed", rows.len() - failed);
    }
    Ok(!options.check || played.broken.is_empty())
}

/// Those that need the machine one after another, then all that wait together.
async fn play(rows: &[Row], options: &Options, attackers: &Handle) -> Played {
    let mut played = Played::default();
    for row in rows.iter().filter(|row| !row.waits) {
        let each = one_by_one(row, options, attackers).await;
        played.add(row, unless_late(row, each, options, attackers).await);
    }
    let waiting: Vec<_> = rows.iter().filter(|row| row.waits).collect();
    if !waiting.is_empty() {
        eprintln!("{} rows that wait, together", waiting.len());
    }
    let together = waiting.iter().map(|row| {
        let servers = options.servers.iter();
        join_all(servers.map(|&stack| one(row, stack, options, attackers)))
    });
    for (row, each) in waiting.iter().zip(join_all(together).await) {
        played.add(row, unless_late(row, each, options, attackers).await);
    }
    played
}

/// What was tried; or what came of it when it was tried again, if the neighbour's
/// calls took too long and nothing else was wrong. The best of the tries is held
/// against the longest that such calls took while nobody did any harm.
async fn unless_late(
    row: &Row,
    mut each: Vec<Tried>,
    options: &Options,
    attackers: &Handle,
) -> Vec<Tried> {
    let (mut quiet, mut meanwhile) = (0.0_f64, f64::INFINITY);
    for again in 0..=AGAIN_MAX {
        let mut measured = each.iter_mut().flatten();
        if let Some(ours) = measured.find(|ours| ours.stack == Stack::Cordial) {
            quiet = quiet.max(ours.quiet.p99_millis);
            meanwhile = meanwhile.min(ours.meanwhile.p99_millis);
            ours.quiet.p99_millis = quiet;
            ours.meanwhile.p99_millis = meanwhile;
        }
        let late = of(&each, Stack::Cordial).and_then(check::delayed);
        let only = late.is_some() && broken(row, &each).len() == 1;
        if !options.check || !only || again == AGAIN_MAX {
            break;
        }
        eprintln!("{}: the neighbour's calls took long; once more", row.name);
        each = one_by_one(row, options, attackers).await;
    }
    each
}

async fn one_by_one(row: &Row, options: &Options, attackers: &Handle) -> Vec<Tried> {
    let mut each = Vec::new();
    for &stack in &options.servers {
        eprint!("{:<28}{stack:<8} ... ", row.name);
        let begun = Instant::now();
        each.push(one(row, stack, options, attackers).await);
        eprintln!("{:.1} s", begun.elapsed().as_secs_f64());
    }
    each
}

/// What was measured, or why it could not be: most likely the server is gone.
type Tried = std::result::Result<Measured, String>;

async fn one(row: &Row, stack: Stack, options: &Options, attackers: &Handle) -> Tried {
    measure(row, stack, options.quick, options.spans(), attackers)
        .await
        .map_err(|error| format!("cannot be played against {stack}: {error}"))
}

fn of(each: &[Tried], stack: Stack) -> Option<&Measured> {
    let mut measured = each.iter().flatten();
    measured.find(|measured| measured.stack == stack)
}

/// What our server broke, if it is among them; and what could not be measured.
fn broken(row: &Row, each: &[Tried]) -> Vec<String> {
    let ours = of(each, Stack::Cordial);
    let broken = ours.map(|ours| check::broken(&row.bound, ours, of(each, Stack::Tonic)));
    let failed = each
        .iter()
        .filter_map(|tried| tried.as_ref().err().cloned());
    broken
        .unwrap_or_default()
        .into_iter()
        .chain(failed)
        .collect()
}

#[derive(Default)]
struct Played {
    measured: Vec<Measured>,
    /// Each after the name of its row.
    broken: Vec<String>,
    rows_broken: usize,
}

impl Played {
    fn add(&mut self, row: &Row, each: Vec<Tried>) {
        let broken = broken(row, &each);
        self.rows_broken += usize::from(!broken.is_empty());
        let lines = broken
            .iter()
            .map(|broken| format!("{}: {broken}", row.name));
        self.broken.extend(lines);
        self.measured.extend(each.into_iter().flatten());
    }
}
