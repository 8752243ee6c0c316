//! Whether a client did right by a server that did not.

use super::connection::Seen;
use crate::case::Case;

/// The verdict on what was seen on all connections.
pub(super) fn of(case: Case, seen: &[Seen]) -> Result<(), String> {
    if let Some(fault) = seen.iter().find_map(|seen| seen.fault.as_ref()) {
        return Err(fault.clone());
    }
    let sum = |count: fn(&Seen) -> usize| seen.iter().map(count).sum::<usize>();
    let (calls, answered) = (sum(|seen| seen.calls), sum(|seen| seen.answered));
    let connections = seen.len();
    let pings = (sum(|seen| seen.pings), sum(|seen| seen.pings_unanswered));
    let calls_most = seen.iter().map(|seen| seen.calls_most).max();
    let right = match case {
        Case::GoAway => connections == 2 && seen.iter().all(|seen| seen.answered == 1),
        // What began to be answered must not be called again.
        Case::RstAfterHeader | Case::RstDuringData | Case::RstAfterData => calls == 1,
        Case::Ping => answered > 0 && pings.0 > 0 && pings.1 == 0,
        Case::MaxStreams => connections > 0 && answered == calls && calls_most == Some(1),
        _ => answered > 0,
    };
    if right {
        return Ok(());
    }
    Err(format!(
        "this is not what `{case}` wants: {connections} connections, {calls} calls, {answered} of \
         them answered, up to {} at once; {} PINGs, {} of them not acknowledged",
        calls_most.unwrap_or_default(),
        pings.0,
        pings.1
    ))
}

#[cfg(test)]
mod tests {
    use super::{Case, Seen, of};

    fn one_call() -> Seen {
        Seen {
            calls: 1,
            answered: 1,
            calls_most: 1,
            ..Seen::default()
        }
    }

    #[test]
    fn what_no_case_wants() {
        let twice = || Seen {
            calls: 2,
            calls_most: 2,
            ..Seen::default()
        };
        let silent = Seen {
            pings: 4,
            pings_unanswered: 1,
            ..one_call()
        };
        let fault = Seen {
            fault: Some("it broke".to_owned()),
            ..one_call()
        };
        for (case, seen) in [
            (Case::GoAway, vec![one_call()]),
            (Case::GoAway, vec![one_call(), twice()]),
            (Case::RstAfterHeader, vec![]),
            (Case::RstDuringData, vec![twice()]),
            (Case::RstAfterData, vec![one_call(), one_call()]),
            (Case::Ping, vec![one_call()]),
            (Case::Ping, vec![silent]),
            (Case::MaxStreams, vec![]),
            (Case::MaxStreams, vec![twice()]),
            (Case::DataFramePadding, vec![]),
            (Case::DataFramePadding, vec![fault]),
        ] {
            assert!(of(case, &seen).is_err(), "{case}: {seen:?}");
        }
        assert_eq!(of(Case::GoAway, &[one_call(), one_call()]), Ok(()));
        assert_eq!(of(Case::MaxStreams, &[one_call()]), Ok(()));
    }
}
