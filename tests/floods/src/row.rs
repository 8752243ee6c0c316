//! One way to harm a server, and what it may come to.

use crate::{
    Result,
    subject::Stack,
    wire::{Ending, Peer, Seen},
};
use futures_util::future::BoxFuture;
use std::{collections::BTreeMap, fmt, net::SocketAddr, time::Duration};

/// What one connection of ours may have open, as it announces.
const HANDLERS_MAX: u64 = 200;

/// Where a row is played, and how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stage {
    pub(crate) server: SocketAddr,
    pub(crate) stack: Stack,
    pub(crate) quick: bool,
}

impl Stage {
    /// A tenth of `full` where it should go quickly.
    pub(crate) fn count(&self, full: u64) -> u64 {
        if self.quick { full / 10 } else { full }
    }

    /// How long a peer that does nothing does it.
    pub(crate) fn hold(&self) -> Duration {
        Duration::from_secs(if self.quick { 1 } else { 3 })
    }
}

/// What a server made of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// How many units it took, to the end of the burst that was the last.
    pub(crate) taken: u64,
    /// How many there were.
    pub(crate) of: u64,
    /// How many units the last burst had: so exact is `taken`.
    pub(crate) burst: u64,
    pub(crate) unit: &'static str,
    pub(crate) ending: Option<Ending>,
    /// RST_STREAM frames from the server.
    pub(crate) resets: u64,
    /// How often each answer came.
    pub(crate) answers: BTreeMap<String, u64>,
    /// What else there is to say.
    pub(crate) note: String,
    /// What must not happen, and did.
    pub(crate) fault: Option<String>,
}

impl Outcome {
    /// What became of a flood over one connection.
    pub(crate) fn of(peer: &Peer, unit: &'static str, taken: u64, of: u64, burst: u64) -> Self {
        let seen = peer.seen();
        let resets = seen.resets();
        let answers = answers([&*seen]);
        drop(seen);
        Self {
            taken,
            of,
            burst,
            unit,
            ending: peer.ending(),
            resets,
            answers,
            note: String::new(),
            fault: None,
        }
    }

    pub(crate) fn with_note(mut self, note: String) -> Self {
        self.note = note;
        self
    }
}

/// How often each answer came on some connections.
pub(crate) fn answers<'a>(seen: impl IntoIterator<Item = &'a Seen>) -> BTreeMap<String, u64> {
    let mut answers = BTreeMap::new();
    for answer in seen.into_iter().flat_map(|seen| seen.answers.values()) {
        *answers.entry(answer.said()).or_default() += 1;
    }
    answers
}

/// Which answers there may be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answers {
    Any,
    /// This one alone.
    Only(&'static str),
    /// Anything but success.
    Refusals,
}

/// What our server may spend.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    pub(crate) growth_bytes: u64,
    pub(crate) handlers: u64,
    /// RST_STREAM frames sent, refused streams included.
    pub(crate) resets: Option<u64>,
    /// The connection ends, whatever stock tonic does.
    pub(crate) ends: bool,
    pub(crate) answers: Answers,
}

type Play = Box<dyn Fn(Stage) -> BoxFuture<'static, Result<Outcome>> + Send + Sync>;

pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) bound: Bound,
    /// It mostly waits, and can do so beside others.
    pub(crate) waits: bool,
    pub(crate) play: Play,
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Row {
    pub(crate) fn new<P, F>(name: &'static str, title: &'static str, play: P) -> Self
    where
        P: Fn(Stage) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Outcome>> + Send + 'static,
    {
        Self {
            name,
            title,
            bound: Bound {
                growth_bytes: 8 << 20,
                handlers: HANDLERS_MAX,
                resets: None,
                ends: false,
                answers: Answers::Any,
            },
            waits: false,
            play: Box::new(move |stage| Box::pin(play(stage))),
        }
    }

    pub(crate) fn growth_mib(mut self, mib: u64) -> Self {
        self.bound.growth_bytes = mib << 20;
        self
    }

    pub(crate) fn handlers(mut self, most: u64) -> Self {
        self.bound.handlers = most;
        self
    }

    pub(crate) fn resets(mut self, most: u64) -> Self {
        self.bound.resets = Some(most);
        self
    }

    pub(crate) fn ends(mut self) -> Self {
        self.bound.ends = true;
        self
    }

    pub(crate) fn answers(mut self, answers: Answers) -> Self {
        self.bound.answers = answers;
        self
    }

    pub(crate) fn waits(mut self) -> Self {
        self.waits = true;
        self
    }
}
