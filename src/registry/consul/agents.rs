//! The agents that are asked.

use crate::{
    Result, Status,
    registry::{
        http::{Answer, Connection, Http, Turn},
        waiting::Waiting,
    },
};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::Full;
use std::{fmt, time::Duration};
use tokio::time::Instant;

/// Characters of a refusal that are told.
const REFUSAL_SHOWN_MAX: usize = 200;

/// Of one cluster, and whoever has the token.
pub(super) struct Agents {
    http: Http,
    token: Option<HeaderValue>,
}

/// Whom to ask, and until when.
#[derive(Clone, Copy)]
pub(super) struct Chance {
    pub(super) turn: Turn,
    pub(super) due: Instant,
}

impl Agents {
    pub(super) fn new(http: Http, token: Option<HeaderValue>) -> Self {
        Self { http, token }
    }

    pub(super) fn hosts(&self) -> String {
        self.http.hosts().join(",")
    }

    /// Asks the one whose turn it is, which is over if nobody has the time to wait.
    pub(super) async fn in_turn<T, F: Future<Output = Result<T>>>(
        &self,
        limit: Duration,
        ask: impl FnOnce(Chance) -> F,
    ) -> Result<T> {
        let turn = self.http.turn();
        let due = Instant::now() + limit;
        let waiting = Waiting::new(|| self.http.give_up(turn));
        let answered = ask(Chance { turn, due }).await;
        waiting.answered();
        answered
    }

    /// What is told of something that is to be true; whether there is such a thing.
    pub(super) async fn put(&self, chance: Chance, path: &str, body: Vec<u8>) -> Result<bool> {
        let request = self.request(Method::PUT, path, body, chance)?;
        let answered = self.http.ask(chance.turn.host, request, chance.limit());
        let answer = self.judge(answered.await, path, chance)?;
        Ok(answer.status == StatusCode::OK)
    }

    /// What is there, as JSON.
    pub(super) async fn get(&self, chance: Chance, path: &str) -> Result<Bytes> {
        let request = self.request(Method::GET, path, Vec::new(), chance)?;
        let answered = self.http.ask(chance.turn.host, request, chance.limit());
        Ok(self.judge(answered.await, path, chance)?.body)
    }

    /// The same over a connection of the asker's own.
    pub(super) async fn get_over(
        &self,
        own: &mut Option<Connection>,
        chance: Chance,
        path: &str,
    ) -> Result<Answer> {
        let request = self.request(Method::GET, path, Vec::new(), chance)?;
        let host = chance.turn.host;
        let answered = self.http.ask_over(own, host, request, chance.limit());
        self.judge(answered.await, path, chance)
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
        chance: Chance,
    ) -> Result<Request<Full<Bytes>>> {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = &self.token {
            request = request.header("x-consul-token", token);
        }
        let request = request.body(Full::new(Bytes::from(body)));
        request.map_err(|error| self.failed(chance, &error))
    }

    /// The answer, if it is one: OK, or that there is no such thing.
    fn judge(
        &self,
        answered: Result<Answer, String>,
        path: &str,
        chance: Chance,
    ) -> Result<Answer> {
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        let answer = answered.map_err(|why| {
            self.give_up(chance);
            self.failed(chance, &format_args!("{path}: {why}"))
        })?;
        let status = answer.status;
        if matches!(status, StatusCode::OK | StatusCode::NOT_FOUND) {
            return Ok(answer);
        }
        // Others may know their leader, or have room.
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            self.give_up(chance);
        }
        let said = String::from_utf8_lossy(&answer.body);
        let said: String = said.trim().chars().take(REFUSAL_SHOWN_MAX).collect();
        let said = said.escape_debug();
        Err(self.failed(chance, &format_args!("{path}: {status}: {said}")))
    }

    /// It is the next one's turn.
    pub(super) fn give_up(&self, chance: Chance) {
        self.http.give_up(chance.turn);
    }

    pub(super) fn failed(&self, chance: Chance, why: &dyn fmt::Display) -> Status {
        let host = &self.http.hosts()[chance.turn.host];
        Status::unavailable(format!("`{host}`: {why}"))
    }
}

impl Chance {
    fn limit(self) -> Duration {
        self.due.saturating_duration_since(Instant::now())
    }
}
