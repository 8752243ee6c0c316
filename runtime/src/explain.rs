//! What became of one call, for whoever asks.

use crate::status::Status;
use http::Extensions;
use std::{
    cmp::Ordering,
    fmt::{self, Display},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// Events of one call that are kept.
const EVENTS_MAX: usize = 200;

/// What became of one call, one event after another: which addresses there were and
/// which were left out, where each attempt went and how it ended, and why it was tried
/// again or not ([`Call::explain`](crate::Call::explain)). It is written for people: print it.
#[derive(Clone, Debug, Default)]
pub struct Explanation(Vec<(Duration, String)>);

impl Explanation {
    /// Each event, and when it was, from the start of the call.
    pub fn events(&self) -> impl Iterator<Item = (Duration, &str)> {
        self.0.iter().map(|(at, event)| (*at, event.as_str()))
    }
}

/// An event on each line.
impl Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, (at, event)) in self.0.iter().enumerate() {
            let line_end = if nth == 0 { "" } else { "\n" };
            write!(f, "{line_end}{:9.3} ms  ", at.as_secs_f64() * 1e3)?;
            // Whatever a peer said is on the line of its event.
            for char in event.chars() {
                match char.is_control() {
                    true => write!(f, "{}", char.escape_default())?,
                    false => write!(f, "{char}")?,
                }
            }
        }
        Ok(())
    }
}

/// Where the events of one call are written down. It travels among the call's
/// extensions; clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Journal {
    began: Instant,
    events: Arc<Mutex<Explanation>>,
}

impl Journal {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            events: Arc::default(),
        }
    }

    pub(crate) fn note(&self, event: impl Display) {
        let at = self.began.elapsed();
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        match events.0.len().cmp(&EVENTS_MAX) {
            Ordering::Less => events.0.push((at, event.to_string())),
            Ordering::Equal => events.0.push((at, "what follows is left out".into())),
            Ordering::Greater => {}
        }
    }

    /// What was written down until now.
    pub(crate) fn read(&self) -> Explanation {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.clone()
    }
}

/// Writes an event down if the call with these extensions is to be explained.
pub(crate) fn note<D: Display>(extensions: &Extensions, event: impl FnOnce() -> D) {
    if let Some(journal) = extensions.get::<Journal>() {
        journal.note(event());
    }
}

/// A status on one line.
pub(crate) fn said(status: &Status) -> String {
    format!("{:?}: {}", status.code(), status.message())
}
