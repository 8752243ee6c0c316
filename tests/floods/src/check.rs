//! What a row may come to on our server.

use crate::{
    measured::{End, Measured},
    row::{Answers, Bound},
};

/// How much longer a neighbour's calls may take meanwhile, or as long again as they
/// took before: where others keep the machine busy, that is much.
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
    let most = quiet + quiet.max(DELAY_MILLIS_MAX);
    (meanwhile > most).then(|| {
        format!(
            "the neighbour's p99 rose from {quiet:.1} to {meanwhile:.1} ms, to {most:.1} ms it may"
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

#[cfg(test)]
mod tests {
    use super::broken;
    use crate::{
        measured::{End, Measured},
        neighbour::Calls,
        row::{Answers, Bound},
        subject::Stack,
    };

    const BOUND: Bound = Bound {
        growth_bytes: 1 << 20,
        handlers: 200,
        resets: Some(100),
        ends: false,
        answers: Answers::Any,
    };

    /// A row that took ten of a hundred frames.
    fn ended() -> Measured {
        Measured {
            row: "some",
            stack: Stack::Cordial,
            taken: 10,
            of: 100,
            burst: 1,
            unit: "frames",
            end: End::Closed,
            resets: 0,
            answers: [("grpc-status 8".to_owned(), 1)].into(),
            note: String::new(),
            fault: None,
            times: 1,
            growth_bytes: 0,
            handlers_most: 0,
            handlers_total: 0,
            cpu_seconds: 0.0,
            quiet: Calls::default(),
            meanwhile: Calls::default(),
        }
    }

    fn open() -> Measured {
        Measured {
            taken: 100,
            end: End::Open,
            ..ended()
        }
    }

    #[test]
    fn an_ending_is_held_against_the_peers() {
        let later = Measured {
            taken: 12,
            ..ended()
        };
        let ends = Bound {
            ends: true,
            ..BOUND
        };
        for (bound, ours, theirs, expected) in [
            (BOUND, open(), Some(open()), 0),
            (BOUND, open(), None, 0),
            (BOUND, open(), Some(ended()), 1),
            (BOUND, later.clone(), Some(ended()), 1),
            (BOUND, ended(), Some(later), 0),
            (ends, open(), Some(open()), 1),
            (ends, ended(), None, 0),
        ] {
            let broken = broken(&bound, &ours, theirs.as_ref());
            assert_eq!(broken.len(), expected, "{broken:?}");
        }
    }

    #[test]
    fn everything_spent_has_a_bound() {
        let slow = Calls {
            p99_millis: 5.1,
            ..Calls::default()
        };
        let failed = Calls {
            failed: 1,
            ..Calls::default()
        };
        for measured in [
            Measured {
                growth_bytes: 2 << 20,
                ..ended()
            },
            Measured {
                handlers_most: 201,
                ..ended()
            },
            Measured {
                resets: 101,
                ..ended()
            },
            Measured {
                meanwhile: slow,
                ..ended()
            },
            Measured {
                meanwhile: failed,
                ..ended()
            },
            Measured {
                end: End::Stalled,
                ..ended()
            },
            Measured {
                fault: Some("it broke".into()),
                ..ended()
            },
        ] {
            let broken = broken(&BOUND, &measured, None);
            assert_eq!(broken.len(), 1, "{measured:?}: {broken:?}");
        }
    }

    #[test]
    fn answers_are_those_expected() {
        let accepted = Measured {
            answers: [("grpc-status 0".to_owned(), 1)].into(),
            ..ended()
        };
        let silent = Measured {
            answers: [].into(),
            ..ended()
        };
        for (answers, measured, expected) in [
            (Answers::Only("grpc-status 8"), ended(), 0),
            (Answers::Only("grpc-status 11"), ended(), 1),
            (Answers::Refusals, ended(), 0),
            (Answers::Refusals, accepted, 1),
            (Answers::Refusals, silent, 1),
        ] {
            let broken = broken(&Bound { answers, ..BOUND }, &measured, None);
            assert_eq!(broken.len(), expected, "{broken:?}");
        }
    }
}
