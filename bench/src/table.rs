//! Figures in columns, and in files.

use crate::Result;
use serde::Serialize;
use std::path::Path;

/// Prints `rows` below `head`: the first column to the left, the others to the right.
pub(crate) fn print<const N: usize>(head: [&str; N], rows: &[[String; N]]) {
    let mut widths = head.map(|cell| cell.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    print_row(&head.map(str::to_owned), &widths);
    print_row(&widths.map(|width| "-".repeat(width)), &widths);
    for row in rows {
        print_row(row, &widths);
    }
}

fn print_row<const N: usize>(row: &[String; N], widths: &[usize; N]) {
    let cells = row.iter().zip(widths).enumerate();
    let cells = cells.map(|(column, (cell, &width))| match column {
        0 => format!("{cell:<width$}"),
        _ => format!("{cell:>width$}"),
    });
    println!("{}", cells.collect::<Vec<_>>().join("  "));
}

/// `value` with `places` decimals; a dash if there is none.
pub(crate) fn figure(value: Option<f64>, places: usize) -> String {
    value.map_or("-".into(), |value| format!("{value:.places$}"))
}

/// Writes `report` to `path`, if there is one.
pub(crate) fn write_json(path: Option<&Path>, report: &impl Serialize) -> Result {
    let Some(path) = path else {
        return Ok(());
    };
    let mut json = serde_json::to_string_pretty(report)?;
    json.push('\n');
    std::fs::write(path, json)
        .map_err(|error| format!("cannot write `{}`: {error}", path.display()))?;
    println!("\nwritten to {}", path.display());
    Ok(())
}
