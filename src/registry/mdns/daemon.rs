//! What asks a network, and answers it.

use super::{
    DOMAIN, Settings,
    state::{Own, State},
    txt::Txt,
};
use crate::{Result, Status};
use mdns_sd::{
    Error, IfKind, Receiver, RecvTimeoutError, ServiceDaemon, ServiceEvent, ServiceInfo,
};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};
use tokio::{
    sync::watch,
    time::{sleep_until, timeout, timeout_at},
};

/// All services of all hosts: `_cordial` over TCP.
const TYPE: &str = "_cordial._tcp.local.";

/// Most hosts answer within so long, if they are there,
const MOST_ANSWER: Duration = Duration::from_millis(500);
/// and all within this: who has just said it to everybody may say it again after a second,
/// when he is asked for the second time.
const ALL_ANSWER: Duration = Duration::from_millis(1_300);

/// How long what was announced may take to come back from the network.
const ECHO_TIMEOUT: Duration = Duration::from_secs(3);

/// Between two looks at what nobody has renewed.
const TICK: Duration = Duration::from_millis(500);

/// It says goodbye for all that it announced when it is dropped.
pub(super) struct Daemon {
    pub(super) shared: Arc<Shared>,
    thread: thread::JoinHandle<()>,
}

/// What the thread and those who ask it share.
pub(super) struct Shared {
    mdns: ServiceDaemon,
    state: Mutex<State>,
    begun: Instant,
    /// Tells that a list may have changed; `true` once it hears nothing any more.
    pub(super) news: watch::Sender<bool>,
}

impl Daemon {
    pub(super) fn start(settings: &Settings) -> Result<Self, Error> {
        let mdns = ServiceDaemon::new_with_port(settings.port)?;
        if !settings.interfaces.is_empty() {
            mdns.disable_interface(IfKind::All)?;
            mdns.enable_interface(settings.interfaces.iter().collect::<Vec<_>>())?;
        }
        let events = mdns.browse(TYPE)?;
        let shared = Arc::new(Shared {
            mdns,
            state: Mutex::default(),
            begun: Instant::now(),
            news: watch::Sender::new(false),
        });
        let of_thread = shared.clone();
        let thread = thread::Builder::new()
            .name("cordial-mdns".to_owned())
            .spawn(move || of_thread.listen(events))
            .map_err(|error| Error::Msg(error.to_string()))?;
        Ok(Self { shared, thread })
    }

    pub(super) fn is_over(&self) -> bool {
        self.thread.is_finished()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Err(error) = self.shared.mdns.shutdown() {
            tracing::debug!(%error, "mDNS goes on");
        }
    }
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until most hosts have had the time to answer, and if then not `enough` is
    /// known, all of them.
    pub(super) async fn asked(&self, enough: impl Fn(&State) -> bool) {
        let mut news = self.news.subscribe();
        sleep_until((self.begun + MOST_ANSWER).into()).await;
        let known = async {
            while !enough(&self.state()) {
                // The sender is in `self`.
                let _ = news.changed().await;
            }
        };
        let _all_have = timeout_at((self.begun + ALL_ANSWER).into(), known).await;
    }

    pub(super) fn announce(&self, own: &Own) -> Result<()> {
        let strings = own.txt.strings();
        let strings: Vec<_> = strings.into_iter().map(Into::into).collect();
        // A host of its own for each, or a goodbye would take the addresses of others along.
        let host = format!("{}.{DOMAIN}.", own.name);
        let info = ServiceInfo::new(TYPE, &own.name, &host, (), own.port, strings);
        let info = info.map_err(|error| self.failed(&error))?;
        let mut info = info.enable_addr_auto();
        // The name is random: nobody has to be asked whether he has it.
        info.set_requires_probe(false);
        self.mdns
            .register(info)
            .map_err(|error| self.failed(&error))
    }

    /// Says goodbye for what was announced under that name.
    pub(super) fn say_goodbye(&self, name: &str) {
        if let Err(error) = self.mdns.unregister(&format!("{name}.{TYPE}")) {
            tracing::debug!(name, %error, "its lease will end what was announced");
        }
    }

    /// Waits until what was announced has come back from the network.
    pub(super) async fn echo(&self, own: &Own, was_last: bool) -> Result<()> {
        let mut news = self.news.subscribe();
        let heard = async {
            while !self.state().has_heard(own, was_last) {
                // The sender is in `self`.
                let _ = news.changed().await;
            }
        };
        timeout(ECHO_TIMEOUT, heard).await.map_err(|_| {
            let what = format_args!(
                "what was announced did not come back within {ECHO_TIMEOUT:?}: is there an \
                 interface with multicast?"
            );
            self.failed(&what)
        })
    }

    pub(super) fn failed(&self, why: &dyn fmt::Display) -> Status {
        Status::unavailable(format!("mDNS: {why}"))
    }

    /// Takes over what the network says, until it is dropped.
    fn listen(&self, mut events: Receiver<ServiceEvent>) {
        loop {
            let tick = Instant::now() + TICK;
            let end = self.state().next_end();
            let event = events.recv_deadline(end.map_or(tick, |end| end.min(tick)));
            let now = Instant::now();
            match event {
                Ok(ServiceEvent::ServiceResolved(service)) => {
                    let text = Txt::read(|name| service.get_property_val(name).flatten());
                    if let (Some(name), Some(txt)) = (name(&service.fullname), text) {
                        let over = self.state().hear(name.to_owned(), txt, now);
                        over.iter().for_each(|over| self.say_goodbye(over));
                        self.news.send_replace(false);
                    }
                }
                Ok(ServiceEvent::ServiceRemoved(_, full_name)) => {
                    if let Some(name) = name(&full_name) {
                        self.state().forget(name, now);
                        self.news.send_replace(false);
                    }
                }
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => {}
                // It had too much to say, or was stopped.
                Err(RecvTimeoutError::Disconnected) => match self.mdns.browse(TYPE) {
                    Ok(again) => events = again,
                    Err(Error::Again) => thread::sleep(TICK),
                    Err(error) => {
                        tracing::debug!(%error, "mDNS ended");
                        self.news.send_replace(true);
                        return;
                    }
                },
            }
            let ended = self.state().ended(now);
            for own in &ended {
                let last = self.announce(own);
                last.unwrap_or_else(|status| tracing::debug!(%status, "an end was not announced"));
                self.say_goodbye(&own.name);
            }
        }
    }
}

/// What stands before the type.
fn name(full_name: &str) -> Option<&str> {
    full_name.strip_suffix(TYPE)?.strip_suffix('.')
}

/// A label that nobody else has, in lower case as all names of mDNS are compared.
pub(super) fn random() -> String {
    format!("{:016x}", fastrand::u64(..))
}
