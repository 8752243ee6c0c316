//! What people read.

use crate::{
    Result,
    measured::{End, Measured},
};
use std::path::Path;

const HEAD: [&str; 7] = [
    "row",
    "server",
    "taken",
    "end",
    "growth MiB",
    "p99 ms",
    "handlers, resets, answers",
];

/// One line for each row and server.
pub(crate) fn print(measured: &[Measured]) {
    let lines: Vec<_> = measured.iter().map(line).collect();
    let mut widths = HEAD.map(str::len);
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    print_line(&HEAD.map(str::to_owned), &widths);
    print_line(&widths.map(|width| "-".repeat(width)), &widths);
    for line in &lines {
        print_line(line, &widths);
    }
}

fn print_line(cells: &[String; HEAD.len()], widths: &[usize; HEAD.len()]) {
    let cells = cells.iter().zip(widths);
    let line: Vec<_> = cells
        .map(|(cell, &width)| format!("{cell:<width$}"))
        .collect();
    println!("{}", line.join("  ").trim_end());
}

fn line(measured: &Measured) -> [String; HEAD.len()] {
    let Measured { taken, unit, .. } = measured;
    let taken = match measured.end {
        _ if taken < &measured.of => format!("{taken} of {} {unit}", measured.of),
        End::Open => format!("all {taken} {unit}"),
        _ => format!("{taken} {unit}"),
    };
    [
        measured.row.to_owned(),
        measured.stack.to_string(),
        taken,
        end(&measured.end),
        format!("{:.1}", measured.growth_bytes as f64 / f64::from(1 << 20)),
        format!(
            "{:.1} -> {:.1}",
            measured.quiet.p99_millis, measured.meanwhile.p99_millis
        ),
        remarks(measured),
    ]
}

fn end(end: &End) -> String {
    match end {
        End::Open => "open".to_owned(),
        End::Closed => "closed".to_owned(),
        End::Stalled => "STALLED".to_owned(),
        End::GoAway { name, debug, .. } if debug.is_empty() => format!("GOAWAY {name}"),
        End::GoAway { name, debug, .. } => format!("GOAWAY {name} `{debug}`"),
    }
}

fn remarks(measured: &Measured) -> String {
    const ANSWERS_SHOWN: usize = 3;
    let mut remarks = Vec::new();
    if let End::GoAway { last_stream, .. } = measured.end {
        remarks.push(format!("last stream {last_stream}"));
    }
    if measured.handlers_most > 0 {
        remarks.push(format!("{} handlers", measured.handlers_most));
    }
    if measured.resets > 0 {
        remarks.push(format!("{} resets", measured.resets));
    }
    if measured.meanwhile.failed > 0 {
        remarks.push(format!(
            "{} CALLS OF THE NEIGHBOUR FAILED",
            measured.meanwhile.failed
        ));
    }
    if measured.note.is_empty() {
        let answers = measured.answers.iter().take(ANSWERS_SHOWN);
        remarks.extend(answers.map(|(answer, count)| format!("{count} x {answer}")));
    }
    remarks.push(measured.note.clone());
    remarks.extend(measured.fault.as_ref().map(|fault| fault.to_uppercase()));
    remarks.retain(|remark| !remark.is_empty());
    remarks.join("; ")
}

/// Writes everything to `path`, if there is one.
pub(crate) fn write_json(path: Option<&Path>, measured: &[Measured]) -> Result {
    let Some(path) = path else {
        return Ok(());
    };
    let mut json = serde_json::to_string_pretty(measured)?;
    json.push('\n');
    std::fs::write(path, json)
        .map_err(|error| format!("cannot write `{}`: {error}", path.display()))?;
    println!("\nwritten to {}", path.display());
    Ok(())
}
