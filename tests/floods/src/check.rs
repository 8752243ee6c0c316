//! What a row may come to on our server.

use crate::{
    measured::{End, Measured},
    row::{Answers, Bound},
};

/// How much longer a neighbour's calls may take meanwhile.
const DELAY_MILLIS_MAX: f64 = 5.0;

/// Everything that `ours` broke; `theirs` is the same row on stock tonic.
pub(crate) fn broken(bound: &Bound, ours: &Measured, theirs: Option<&Measured>) -> Vec<String> {
    let mut broken = Vec::new();
    ending(bound, ours, theirs, &mut broken);
    spending(bound, ours, &mut broken);
    answers(bound, ours, &mut broken);
    broken.extend(ours.fault.clone());
    broken.extend(delayed(ours));
    broken
}

/// What `ours` broke that a busy machine breaks, too.
pub(crate) fn delayed(ours: &Measured) -> Option<String> {
    let (quiet, meanwhile) = (ours.quiet.p99_millis, ours.meanwhile.p99_millis);
    (meanwhile > quiet + DELAY_MILLIS_MAX).then(|| {
        format!(
            "the neighbour's p99 rose from {quiet:.1} to {meanwhile:.1} ms, by at most \
             {DELAY_MILLIS_MAX} ms it may"
        )
    })
}

fn ending(bound: &Bound, ours: &Measured, theirs: Option<&Measured>, broken: &mut Vec<String>) {
    let (taken, unit) = (ours.taken, ours.unit);
    if matches!(ours.end, End::Stalled) {
        broken.push(format!("after {taken} {unit} it neither reads nor closes"));
        return;
    }
    let theirs = theirs.filter(|theirs| theirs.end.is_end());
    match theirs {
        _ if !ours.end.is_end() && (bound.ends || theirs.is_some()) => {
            broken.push(format!(
                "it took all {taken} {unit} and did not end the connection"
            ));
        }
        Some(theirs) if taken > theirs.taken + theirs.burst => {
            let theirs = theirs.taken;
            broken.push(format!(
                "it ended after {taken} {unit}, stock tonic after {theirs}"
            ));
        }
        _ => {}
    }
}

fn spending(bound: &Bound, ours: &Measured, broken: &mut Vec<String>) {
    let mut at_most = |value: u64, most: u64, what: &str| {
        if value > most {
            broken.push(format!("{value} {what}, at most {most} there may be"));
        }
    };
    at_most(ours.handlers_most, bound.handlers, "handlers at once");
    if let Some(most) = bound.resets {
        at_most(ours.resets, most, "streams reset by the server");
    }
    at_most(
        ours.growth_bytes >> 10,
        bound.growth_bytes >> 10,
        "KiB of memory more",
    );
    at_most(
        ours.meanwhile.failed as u64,
        0,
        "calls of the neighbour failed",
    );
}

fn answers(bound: &Bound, ours: &Measured, broken: &mut Vec<String>) {
    for answer in ours.answers.keys() {
        match bound.answers {
            Answers::Only(expected) if answer != expected => {
                broken.push(format!("it answered {answer}, not {expected}"));
            }
            Answers::Refusals if answer == "grpc-status 0" => {
                broken.push(format!("it accepted one ({})", ours.note));
            }
            _ => {}
        }
    }
    if ours.answers.is_empty() && !matches!(bound.answers, Answers::Any) {
        broken.push("it answered nothing".into());
    }
}
