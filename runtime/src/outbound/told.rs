//! What is told of one attempt: in the log, and to a call that is to be explained.

use crate::{
    body::Body,
    engine::HttpBody,
    explain::{Journal, said},
    message::Response,
    pool::{Pool, Subchannel},
    retry::{self, Failed, Fate},
    status::Status,
};
use std::fmt::Display;
use tokio::time::Instant;

/// An attempt that somebody wants to know of.
pub(super) struct Told {
    journal: Option<Journal>,
    method: String,
    attempt: u32,
    began: Instant,
}

impl Told {
    /// `None` if nobody does, as with most calls.
    pub(super) fn of(request: &http::Request<HttpBody>) -> Option<Self> {
        let journal = request.extensions().get::<Journal>();
        if journal.is_none() && !tracing::enabled!(tracing::Level::DEBUG) {
            return None;
        }
        Some(Self {
            journal: journal.cloned(),
            method: request.uri().path().to_owned(),
            attempt: retry::attempt_number(request.headers()),
            began: Instant::now(),
        })
    }

    pub(super) fn journal(&self) -> Option<&Journal> {
        self.journal.as_ref()
    }

    /// Who it goes to.
    pub(super) fn picked(&self, pool: &Pool, picked: &Subchannel, for_key: bool, again: bool) {
        let Some(journal) = &self.journal else { return };
        let address = picked.candidate.endpoint.address();
        let key = if for_key { " for its key" } else { "" };
        let again = if again { ", there was no other" } else { "" };
        let standing = pool.standing();
        let attempt = self.attempt;
        journal.note(format_args!(
            "attempt {attempt} goes to `{address}`{key}{again}: picked {standing}"
        ));
    }

    /// How it ended.
    pub(super) fn ended(&self, picked: &Subchannel, outcome: &Result<Response<Body>, Failed>) {
        let address = picked.candidate.endpoint.address();
        match outcome {
            Ok(_) => self.tell(format_args!("`{address}`"), "answered"),
            Err(Failed { status, fate }) => {
                let what = match fate {
                    Fate::Unsent(_) => "; nothing of it had left",
                    Fate::Unprocessed => "; the server did not process it",
                    Fate::Unknown | Fate::Lost => "",
                };
                let outcome = format!("{}{what}", said(status));
                self.tell(format_args!("`{address}`"), &outcome);
            }
        }
    }

    /// There is nobody it could go to.
    pub(super) fn nowhere(&self, pool: &Pool, status: &Status) {
        let outcome = match self.journal {
            Some(_) => format!("{}; {}", said(status), pool.standing()),
            None => said(status),
        };
        self.tell("nobody", &outcome);
    }

    fn tell(&self, whom: impl Display, outcome: &str) {
        let Self {
            method,
            attempt,
            began,
            journal,
        } = self;
        let took = began.elapsed();
        tracing::debug!(method, attempt, %whom, outcome, ?took, "attempt ended");
        if let Some(journal) = journal {
            journal.note(format_args!("attempt {attempt} to {whom}: {outcome}"));
        }
    }
}
