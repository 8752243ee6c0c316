//! Whether a server says that it serves (gRFC A17).

use super::slot::Subchannel;
use crate::{
    backoff::backoff,
    body::{Body, of_broken},
    endpoint::Address,
    engine::{Connection, Connector, HttpBody, Unanswered, on_the_clock},
    message::Request,
    method::Method,
    protocol,
    status::{Code, Result, Status},
    streaming::Streaming,
};
use std::sync::Arc;
use tokio::{
    sync::{Notify, watch},
    task::AbortHandle,
    time::{Instant, sleep_until, timeout},
};

/// Both messages are one field of number 1, a string and an enum: what prost has
/// these two types written as.
const WATCH: Method<String, i32> = Method::server_streaming("/grpc.health.v1.Health/Watch");

const SERVING: i32 = 1;

/// Which service of whoever is connected is asked for.
pub(super) struct HealthChecks {
    pub(super) service: Arc<str>,
    pub(super) connector: Arc<Connector>,
    /// Somebody has said something else than before.
    pub(super) news: Arc<Notify>,
}

/// What the server at the end of one connection says; dropping it ends the question.
#[derive(Debug)]
pub(super) struct HealthCheck {
    said: watch::Receiver<Said>,
    task: AbortHandle,
}

#[derive(Clone, Debug)]
enum Said {
    Nothing,
    Serving,
    /// It is to have no calls, and why.
    Not(Arc<Status>),
}

impl HealthChecks {
    pub(super) fn start(&self, subchannel: &Subchannel) -> HealthCheck {
        let (said, hears) = watch::channel(Said::Nothing);
        let question = Question {
            service: self.service.clone(),
            connector: self.connector.clone(),
            connection: subchannel.connection.clone(),
            address: subchannel.candidate.endpoint.address().clone(),
            said,
            news: self.news.clone(),
        };
        HealthCheck {
            said: hears,
            task: tokio::spawn(question.ask_on()).abort_handle(),
        }
    }
}

impl HealthCheck {
    pub(super) fn is_serving(&self) -> bool {
        matches!(*self.said.borrow(), Said::Serving)
    }

    /// The first answer is still to come.
    pub(super) fn is_open(&self) -> bool {
        matches!(*self.said.borrow(), Said::Nothing)
    }

    /// Why it is to have no calls.
    pub(super) fn why(&self) -> Option<Arc<Status>> {
        match &*self.said.borrow() {
            Said::Not(why) => Some(why.clone()),
            _ => None,
        }
    }
}

impl Drop for HealthCheck {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Question {
    service: Arc<str>,
    connector: Arc<Connector>,
    connection: Connection,
    address: Address,
    said: watch::Sender<Said>,
    news: Arc<Notify>,
}

impl Question {
    /// Asks again whenever an answer ends. What was said last holds until the next
    /// one ends before it has said anything.
    async fn ask_on(self) {
        let mut failures = 0;
        loop {
            let began = Instant::now();
            let mut heard = false;
            let ended = match self.ask(&mut heard).await {
                Ok(()) => Status::unavailable("it ended the answer"),
                Err(status) => status,
            };
            let (address, service) = (&self.address, &self.service);
            if ended.code() == Code::Unimplemented {
                tracing::warn!(%address, %service, "knows no grpc.health.v1: taken to serve");
                return self.say(Said::Serving);
            }
            if heard {
                failures = 0;
            } else {
                let (code, message) = (ended.code(), ended.message());
                let why = format!(
                    "`{address}` does not say whether {}: {code:?}: {message}",
                    self.subject("serves")
                );
                self.say(Said::Not(Arc::new(Status::unavailable(why))));
            }
            sleep_until(began + backoff(failures, fastrand::f64())).await;
            failures = failures.saturating_add(1);
        }
    }

    /// Hears what the server says until it ends.
    async fn ask(&self, heard: &mut bool) -> Result<()> {
        let limit = self.connector.limits.connect_timeout;
        let first = timeout(on_the_clock(limit), self.begin());
        let (mut answers, mut answer) = first.await.map_err(|_| {
            Status::deadline_exceeded(format!("nothing was said within {limit:?}"))
        })??;
        while let Some(status) = answer {
            *heard = true;
            self.say(self.verdict(status));
            answer = answers.message().await?;
        }
        Ok(())
    }

    async fn begin(&self) -> Result<(Streaming<i32>, Option<i32>)> {
        let request = Request::new(Body::one(self.service.to_string()));
        let encoded = protocol::request(&self.connector, WATCH.erase(), request, None, usize::MAX)?;
        let request = Box::new(encoded.request);
        let stamp =
            |request: &mut http::Request<HttpBody>| protocol::stamp(request.headers_mut(), None);
        let status = |unanswered: Unanswered| of_broken(&unanswered.why);
        let begun = self.connection.begin(request, stamp).await;
        let response = begun.map_err(status)?.await.map_err(status)?;
        let bytes_max = self.connector.limits.message_bytes_max;
        let response = protocol::read_response(response, bytes_max)?;
        let mut answers = Streaming::from_body(response.into_inner())?;
        let first = answers.message().await?;
        Ok((answers, first))
    }

    fn verdict(&self, status: i32) -> Said {
        let name = match status {
            SERVING => return Said::Serving,
            2 => "NOT_SERVING",
            3 => "SERVICE_UNKNOWN",
            _ => "UNKNOWN",
        };
        let address = &self.address;
        let why = format!("`{address}` says that {} {name}", self.subject("is"));
        Said::Not(Arc::new(Status::unavailable(why)))
    }

    fn subject(&self, verb: &str) -> String {
        match &*self.service {
            "" => format!("it {verb}"),
            service => format!("`{service}` {verb}"),
        }
    }

    fn say(&self, new: Said) {
        let (address, service) = (&self.address, &self.service);
        let changed = self.said.send_if_modified(|old| {
            match (&*old, &new) {
                (Said::Serving, Said::Serving) => return false,
                (Said::Not(old), Said::Not(new)) if old.message() == new.message() => return false,
                (_, Said::Not(why)) => {
                    let why = why.message();
                    tracing::warn!(%address, %service, why, "address left out by its health");
                }
                (Said::Not(_), _) => tracing::info!(%address, %service, "address serves again"),
                _ => {}
            }
            *old = new.clone();
            true
        });
        if changed {
            self.news.notify_one();
        }
    }
}
