//! A list of objects that is followed: read whole, then by its events.

use super::{CALL_TIMEOUT, shown};
use crate::{Listing, Result};
use futures_util::{StreamExt, stream::BoxStream};
use k8s_openapi::serde::de::DeserializeOwned;
use kube::{
    Api, Error, Resource,
    api::{ListParams, WatchEvent, WatchParams},
};
use std::{collections::BTreeSet, convert::Infallible, fmt::Debug, time::Duration};
use tokio::{
    sync::watch::Sender,
    time::{Instant, sleep_until, timeout},
};

/// For a list of many pages.
const LIST_TIMEOUT: Duration = Duration::from_secs(12);

/// Objects in one page of a list: of the largest records, 50 MiB.
const PAGE_OBJECTS: u32 = 200;

/// Pages of a list that are read.
const PAGES_MAX: usize = 500;

/// How long the server is asked to tell events before it is asked anew, in seconds.
/// One that vanished without a word does not answer then,
const EVENTS_SECONDS: u32 = 15;

/// nor has it ended the events, as it should, by then.
const EVENTS_MAX: Duration = Duration::from_secs(17);

/// Between lists that are read anew: what ends within it ends with one list.
const LISTS_APART: Duration = Duration::from_millis(500);

/// Changes that come within so long of one another are told as one,
const TOGETHER: Duration = Duration::from_millis(5);

/// and none is told later than so long after it came.
const TOGETHER_MAX: Duration = Duration::from_millis(50);

/// Objects of one watch that are held. Far more than a listing has, so that only what
/// nobody needs is let go of.
pub(super) const OBJECTS_MAX: usize = 100_000;

/// `410 Gone`: what comes after a revision is known no longer.
const GONE: u16 = 410;

/// What was read of the objects of one kind so far.
pub(super) trait Book<K>: Send {
    /// Takes what the object of this name is, `is_news` if it has just been written;
    /// whether that changes the listing.
    fn put(&mut self, name: String, object: K, is_news: bool) -> bool;

    /// There is no such object any more; whether that changes the listing.
    fn remove(&mut self, name: &str) -> bool;

    /// There are none but those that were `seen` in a list that was asked for at
    /// `asked`; whether that changes the listing.
    fn settle(&mut self, seen: &BTreeSet<String>, asked: Instant) -> bool;

    /// When something may have changed without an event, so that a list should say.
    fn due(&mut self) -> Option<Instant>;

    fn listing(&self) -> Listing;
}

/// Reads the list of what is labelled so, follows it, and tells what it has become. Ends
/// with why it cannot go on.
pub(super) async fn follow<K, B>(
    api: Api<K>,
    labels: String,
    book: B,
    tell: &Sender<Result<Listing>>,
) -> String
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
    B: Book<K>,
{
    let now = Instant::now();
    let follow = Follow {
        api,
        labels,
        book,
        revision: String::new(),
        events: futures_util::stream::empty().boxed(),
        end: now,
        listed: now,
        is_gone: false,
    };
    match follow.run(tell).await {
        Ok(never) => match never {},
        Err(why) => why,
    }
}

struct Follow<K, B> {
    api: Api<K>,
    labels: String,
    book: B,
    /// What was read last, in the server's words.
    revision: String,
    events: BoxStream<'static, Result<WatchEvent<K>, Error>>,
    /// When the events must have ended.
    end: Instant,
    listed: Instant,
    /// The server no longer knows what came after the revision.
    is_gone: bool,
}

enum Next<K> {
    Tell,
    Event(Result<WatchEvent<K>, Error>),
    EventsOver,
    ListDue,
}

impl<K, B> Follow<K, B>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
    B: Book<K>,
{
    async fn run(mut self, tell: &Sender<Result<Listing>>) -> Result<Infallible, String> {
        self.read_list().await?;
        let _earlier = tell.send_replace(Ok(self.book.listing()));
        // Since when something has not been told, and when it will be.
        let mut untold: Option<(Instant, Instant)> = None;
        loop {
            let changed = match self.next(untold.map(|(_, at)| at)).await {
                Next::Tell => {
                    let _earlier = tell.send_replace(Ok(self.book.listing()));
                    untold = None;
                    false
                }
                Next::Event(event) => self.take(event)?,
                Next::EventsOver => {
                    // Who ends them at once is not asked without end.
                    sleep_until(self.end - EVENTS_MAX + LISTS_APART).await;
                    self.read_events().await.map(|()| false)?
                }
                Next::ListDue => self.read_list().await?,
            };
            if changed {
                let now = Instant::now();
                let (since, _) = untold.unwrap_or((now, now));
                untold = Some((since, (now + TOGETHER).min(since + TOGETHER_MAX)));
            }
            if self.is_gone && self.listed.elapsed() < LISTS_APART {
                return Err("what it has just listed it knows no longer".to_owned());
            }
        }
    }

    /// What is to be done next, at `tell` for what has changed.
    async fn next(&mut self, tell: Option<Instant>) -> Next<K> {
        if self.is_gone {
            return Next::ListDue;
        }
        let end = self.end;
        let due = self
            .book
            .due()
            .map(|due| due.max(self.listed + LISTS_APART));
        tokio::select! {
            biased;
            () = sleep_until(tell.unwrap_or(end)), if tell.is_some() => Next::Tell,
            event = self.events.next() => event.map_or(Next::EventsOver, Next::Event),
            () = sleep_until(due.unwrap_or(end)), if due.is_some() => Next::ListDue,
            () = sleep_until(end) => Next::EventsOver,
        }
    }

    fn take(&mut self, event: Result<WatchEvent<K>, Error>) -> Result<bool, String> {
        let event = match event {
            Ok(WatchEvent::Error(status)) => Err(Error::Api(status)),
            event => event,
        };
        let (object, is_there) = match event {
            Ok(WatchEvent::Added(object) | WatchEvent::Modified(object)) => (object, true),
            Ok(WatchEvent::Deleted(object)) => (object, false),
            Ok(WatchEvent::Bookmark(mark)) => {
                self.revision = mark.metadata.resource_version;
                return Ok(false);
            }
            Ok(WatchEvent::Error(status)) => return Err(shown(&Error::Api(status))),
            Err(Error::Api(status)) if status.code == GONE => {
                self.is_gone = true;
                return Ok(false);
            }
            Err(error) => return Err(shown(&error)),
        };
        let (Some(name), Some(revision)) = named(&object) else {
            return Err("it told of an object without a name or a revision".to_owned());
        };
        self.revision = revision;
        Ok(match is_there {
            true => self.book.put(name, object, true),
            false => self.book.remove(&name),
        })
    }

    /// Reads the list, and asks for the events behind it; whether it is another one.
    async fn read_list(&mut self) -> Result<bool, String> {
        let read = timeout(LIST_TIMEOUT, self.read_pages()).await;
        let late = |_| format!("no list within {LIST_TIMEOUT:?}");
        let changed = read.map_err(late)??;
        self.is_gone = false;
        self.read_events().await?;
        Ok(changed)
    }

    async fn read_pages(&mut self) -> Result<bool, String> {
        let asked = Instant::now();
        let mut parameters = ListParams::default()
            .labels(&self.labels)
            .limit(PAGE_OBJECTS);
        let (mut seen, mut changed) = (BTreeSet::new(), false);
        for _ in 0..PAGES_MAX {
            let page = self.api.list(&parameters).await;
            let page = page.map_err(|error| shown(&error))?;
            self.revision = page.metadata.resource_version.unwrap_or_default();
            for object in page.items {
                if let (Some(name), _) = named(&object) {
                    seen.insert(name.clone());
                    changed |= self.book.put(name, object, false);
                }
            }
            match page.metadata.continue_ {
                Some(token) if !token.is_empty() => {
                    parameters = parameters.continue_token(&token);
                }
                _ => break,
            }
        }
        if self.revision.is_empty() {
            return Err("it told a list without a revision".to_owned());
        }
        self.listed = asked;
        Ok(self.book.settle(&seen, asked) | changed)
    }

    /// Asks for what came after the revision that was read last.
    async fn read_events(&mut self) -> Result<(), String> {
        let parameters = WatchParams::default()
            .labels(&self.labels)
            .timeout(EVENTS_SECONDS);
        self.end = Instant::now() + EVENTS_MAX;
        let asked = self.api.watch(&parameters, &self.revision);
        match timeout(CALL_TIMEOUT, asked).await {
            Ok(Ok(events)) => {
                self.events = events.boxed();
                Ok(())
            }
            Ok(Err(Error::Api(status))) if status.code == GONE => {
                self.events = futures_util::stream::empty().boxed();
                self.is_gone = true;
                Ok(())
            }
            Ok(Err(error)) => Err(shown(&error)),
            Err(_) => Err(format!("no answer within {CALL_TIMEOUT:?}")),
        }
    }
}

/// The name of an object, and the revision that it is of.
fn named<K: Resource>(object: &K) -> (Option<String>, Option<String>) {
    let meta = object.meta();
    (meta.name.clone(), meta.resource_version.clone())
}
