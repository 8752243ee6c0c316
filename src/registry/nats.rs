//! Adapter: NATS, a key-value bucket of its JetStream.

use super::{place::Place, record, records::Records, waiting::Waiting};
use crate::{
    BoxStream, Instance, Listing, Registry, RegistryFuture, Result, Status, check_service,
};
use async_nats::{
    ConnectOptions, Event, HeaderMap, header,
    jetstream::{
        self, Context, Message,
        consumer::{AckPolicy, DeliverPolicy, PushConsumer, push},
        stream::{Config, DiscardPolicy, Stream},
    },
};
use futures_util::{FutureExt, StreamExt};
use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    runtime,
    sync::watch,
    time::{Instant, timeout, timeout_at},
};

pub(super) const FORM: &str = "`nats://host:4222,host:4222/package.Service` (NATS)";

const PORT: u16 = 4222;

/// The bucket of a URL without a path.
const BUCKET: &str = "cordial";

/// For whatever is asked,
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// and for a list that comes piece by piece.
const LIST_TIMEOUT: Duration = Duration::from_secs(12);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// A connection is asked so often whether it is there, and lost when it misses two answers.
const PING_INTERVAL: Duration = Duration::from_secs(5);

/// A watch without changes shows so often that it goes on, and is lost when it misses two.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// How long the end of a record is kept for those who watch.
const MARKER_LIFE: Duration = Duration::from_secs(60);

/// A first list whose next piece takes longer may be complete: records that end before
/// they are sent leave their number promised.
const SILENCE: Duration = Duration::from_millis(300);

/// A message of its own life for each instance, `package/Service.id`: the last of
/// its subject is the record, JSON. A renewal is the record written again.
#[derive(Clone)]
struct NatsRegistry(Arc<Nats>);

struct Nats {
    place: Place,
    is_tls: bool,
    bucket: String,
    session: tokio::sync::Mutex<Option<Arc<Session>>>,
}

/// One connection, from its first word to its first trouble.
struct Session {
    /// Tasks of the runtime it was made on are part of it.
    runtime: runtime::Id,
    context: Context,
    stream: Stream,
    trouble: watch::Receiver<Option<String>>,
    /// Something that was asked over it failed.
    is_given_up: AtomicBool,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// `nats://user:password@host:4222,host:4222/bucket`.
pub(super) fn open(authority: &str, path: &str) -> Result<Arc<dyn Registry>, String> {
    open_as(authority, path, false)
}

/// The same, never without TLS.
pub(super) mod tls {
    use crate::Registry;
    use std::sync::Arc;

    pub(in crate::registry) const FORM: &str =
        "`natss://host:4222,host:4222/package.Service` (NATS, over TLS)";

    pub(in crate::registry) fn open(
        authority: &str,
        path: &str,
    ) -> Result<Arc<dyn Registry>, String> {
        super::open_as(authority, path, true)
    }
}

fn open_as(authority: &str, path: &str, is_tls: bool) -> Result<Arc<dyn Registry>, String> {
    let bucket = match path.trim_matches('/') {
        "" => BUCKET,
        path => path,
    };
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !bucket.bytes().all(known) {
        let bucket = bucket.escape_debug();
        return Err(format!(
            "`{bucket}` is no bucket of NATS: write letters, digits, `-` and `_`"
        ));
    }
    Ok(Arc::new(NatsRegistry(Arc::new(Nats {
        place: Place::parse(authority, PORT)?,
        is_tls,
        bucket: bucket.to_owned(),
        session: Default::default(),
    }))))
}

impl Nats {
    async fn session(&self) -> Result<Arc<Session>> {
        let here = runtime::Handle::current().id();
        let mut session = self.session.lock().await;
        if let Some(session) = session.as_ref()
            && session.runtime == here
            && session.trouble.borrow().is_none()
            && !session.is_given_up.load(Relaxed)
        {
            return Ok(session.clone());
        }
        *session = None;
        let began = self.connect(here).await;
        let began = began.map_err(|error| self.failed(&shown(&*error)))?;
        Ok(session.insert(Arc::new(began)).clone())
    }

    async fn connect(&self, here: runtime::Id) -> Result<Session, Failure> {
        let (tell, trouble) = watch::channel(None);
        let tell = Arc::new(Mutex::new(tell));
        let mut options = ConnectOptions::new()
            .require_tls(self.is_tls)
            .connection_timeout(CONNECT_TIMEOUT)
            .request_timeout(Some(CALL_TIMEOUT))
            .ping_interval(PING_INTERVAL)
            .ignore_discovered_servers()
            .event_callback(move |event| {
                let what = match &event {
                    Event::Connected | Event::ServerError(_) | Event::ClientError(_) => None,
                    // It closes, was lost, or has dropped what came.
                    event => Some(event.to_string()),
                };
                if what.is_some() {
                    let tell = tell.lock().unwrap_or_else(PoisonError::into_inner);
                    tell.send_replace(what);
                }
                async {}
            });
        if let Some((name, password)) = &self.place.user {
            options = options.user_and_password(name.clone(), password.clone());
        }
        let client = options.connect(&self.place.hosts).await?;
        let context = jetstream::new(client);
        let stream = self.stream(&context).await?;
        Ok(Session {
            runtime: here,
            context,
            stream,
            trouble,
            is_given_up: AtomicBool::new(false),
        })
    }

    /// The stream that is the bucket, made if there is none.
    async fn stream(&self, context: &Context) -> Result<Stream, Failure> {
        let bucket = &self.bucket;
        let config = Config {
            name: format!("KV_{bucket}"),
            subjects: vec![format!("$KV.{bucket}.>")],
            max_messages_per_subject: 1,
            discard: DiscardPolicy::New,
            allow_rollup: true,
            deny_delete: true,
            allow_direct: true,
            allow_message_ttl: true,
            subject_delete_marker_ttl: Some(MARKER_LIFE),
            ..Config::default()
        };
        let stream = context.get_or_create_stream(config).await?;
        let has = &stream.cached_info().config;
        let ends_leases = has.allow_message_ttl && has.subject_delete_marker_ttl.is_some();
        match ends_leases && has.max_messages_per_subject == 1 {
            true => Ok(stream),
            false => Err(format!(
                "bucket `{bucket}` cannot end leases: it needs nats-server 2.11 or later, and \
                 allow_msg_ttl, subject_delete_marker_ttl and max_msgs_per_subject of 1; \
                 if it is deleted it is made so"
            )
            .into()),
        }
    }

    async fn ask<T, F: Future<Output = Result<T, Failure>>>(
        &self,
        limit: Duration,
        ask: impl FnOnce(Arc<Session>) -> F,
    ) -> Result<T> {
        let due = Instant::now() + limit;
        let late = || self.failed(&format_args!("no answer within {limit:?}"));
        let session = timeout_at(due, self.session())
            .await
            .map_err(|_| late())??;
        let waiting = Waiting::new(|| session.give_up());
        let status = match timeout_at(due, ask(session.clone())).await {
            Ok(Ok(answer)) => {
                waiting.answered();
                return Ok(answer);
            }
            Ok(Err(error)) => self.failed(&shown(&*error)),
            Err(_) => late(),
        };
        waiting.failed();
        Err(status)
    }

    fn failed(&self, why: &dyn fmt::Display) -> Status {
        Status::unavailable(format!("`{}`: {why}", self.place.hosts.join(",")))
    }

    /// Writes `record`, which ends by itself, as what `instance` is now.
    async fn write(&self, instance: &Instance, headers: HeaderMap, record: Vec<u8>) -> Result<()> {
        let subject = format!(
            "{}{}",
            self.subjects(&instance.service),
            token(&instance.id)
        );
        let write = async |session: Arc<Session>| {
            let written = session
                .context
                .publish_with_headers(subject, headers, record.into());
            written.await?.await?;
            Ok(())
        };
        self.ask(CALL_TIMEOUT, write).await
    }

    /// What the subjects of the instances of `service` begin with.
    fn subjects(&self, service: &str) -> String {
        format!("$KV.{}.{}.", self.bucket, token(service))
    }

    /// Reads the list, and follows it from there.
    async fn follow(&self, session: Arc<Session>, prefix: String) -> Result<Follow, Failure> {
        let config = push::Config {
            deliver_subject: session.context.client().new_inbox(),
            filter_subject: format!("{prefix}*"),
            deliver_policy: DeliverPolicy::LastPerSubject,
            ack_policy: AckPolicy::None,
            max_deliver: 1,
            flow_control: true,
            idle_heartbeat: HEARTBEAT,
            memory_storage: true,
            num_replicas: 1,
            ..push::Config::default()
        };
        let mut consumer: PushConsumer = session.stream.create_consumer(config).await?;
        let mut pending = consumer.cached_info().num_pending;
        let messages = consumer.messages().await?;
        let records = Records::default();
        let mut follow = Follow {
            session,
            prefix,
            records,
            messages,
            received: 0,
        };
        while pending > 0 {
            match timeout(SILENCE, follow.messages.next()).await {
                Ok(message) => (_, pending) = follow.take(message)?,
                Err(_) => {
                    let info = consumer.info().await?;
                    if info.delivered.consumer_sequence == follow.received {
                        pending = info.num_pending;
                    }
                }
            }
        }
        Ok(follow)
    }
}

impl Session {
    /// What is asked next is asked over another.
    fn give_up(&self) {
        self.is_given_up.store(true, Relaxed);
    }
}

/// A name as one token of a subject: neither services nor ids have a `/`.
fn token(name: &str) -> String {
    name.replace('.', "/")
}

/// The error with its causes.
fn shown(error: &dyn std::error::Error) -> String {
    let mut shown = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_shown = cause.to_string();
        if !shown.contains(&cause_shown) {
            shown = format!("{shown}: {cause_shown}");
        }
        source = cause.source();
    }
    shown
}

fn lasting(life: Duration) -> HeaderMap {
    let seconds = life.as_secs() + u64::from(life.subsec_nanos() > 0);
    let mut headers = HeaderMap::new();
    headers.insert(header::NATS_MESSAGE_TTL, format!("{}s", seconds.max(1)));
    headers
}

/// A list that is followed.
struct Follow {
    session: Arc<Session>,
    prefix: String,
    records: Records,
    messages: push::Messages,
    /// Messages so far.
    received: u64,
}

impl Follow {
    /// The next list, of all that has arrived.
    async fn next(&mut self) -> Result<Listing, Failure> {
        let mut trouble = self.session.trouble.clone();
        let mut changed = false;
        while !changed {
            let arrived = tokio::select! {
                biased;
                trouble = trouble.wait_for(Option::is_some) => {
                    let what = trouble.ok().and_then(|what| what.clone());
                    return Err(what.unwrap_or_else(|| "the connection ended".to_owned()).into());
                }
                arrived = self.messages.next() => arrived,
            };
            (changed, _) = self.take(arrived)?;
            while let Some(arrived) = self.messages.next().now_or_never() {
                changed |= self.take(arrived)?.0;
            }
        }
        Ok(self.records.listing())
    }

    /// Whether the list has changed, and how many messages are on their way.
    fn take(
        &mut self,
        arrived: Option<Result<Message, push::MessagesError>>,
    ) -> Result<(bool, u64), Failure> {
        let message = arrived.ok_or("it ended the watch")??;
        let info = message.info()?;
        self.received += 1;
        if info.consumer_sequence != self.received {
            return Err("a message was lost".into());
        }
        let pending = info.pending;
        let id = message
            .subject
            .strip_prefix(&self.prefix)
            .unwrap_or_default();
        let id = id.replace('/', ".");
        let is_end = message.headers.as_ref().is_some_and(|headers| {
            let operation = headers
                .get("KV-Operation")
                .map(|operation| operation.as_str());
            headers.get(header::NATS_MARKER_REASON).is_some()
                || matches!(operation, Some("DEL" | "PURGE"))
        });
        let changed = match is_end {
            true => self.records.remove(&id),
            false => self.records.put(&id, &message.payload),
        };
        Ok((changed, pending))
    }
}

impl Registry for NatsRegistry {
    fn register<'a>(&'a self, instance: &'a Instance, lease: Duration) -> RegistryFuture<'a> {
        Box::pin(async move {
            instance.check()?;
            let record = record::write(instance);
            self.0.write(instance, lasting(lease), record).await
        })
    }

    fn deregister<'a>(&'a self, instance: &'a Instance) -> RegistryFuture<'a> {
        Box::pin(async move {
            instance.check()?;
            let mut headers = lasting(MARKER_LIFE);
            headers.insert("KV-Operation", "DEL");
            self.0.write(instance, headers, Vec::new()).await
        })
    }

    fn watch(&self, service: &str) -> BoxStream<Listing> {
        if let Err(status) = check_service(service) {
            return Box::pin(tokio_stream::once(Err(status)));
        }
        let begun = (self.0.clone(), Stage::Begun(self.0.subjects(service)));
        Box::pin(futures_util::stream::unfold(begun, |(nats, stage)| async {
            let (listed, stage) = stage.next(&nats).await?;
            Some((listed, (nats, stage)))
        }))
    }
}

/// How far a watch has come.
enum Stage {
    Begun(String),
    Follows(Box<Follow>),
    Failed,
}

impl Stage {
    async fn next(self, nats: &Nats) -> Option<(Result<Listing>, Self)> {
        match self {
            Self::Begun(prefix) => {
                let follow = |session| nats.follow(session, prefix);
                match nats.ask(LIST_TIMEOUT, follow).await {
                    Ok(follow) => {
                        let listing = follow.records.listing();
                        Some((Ok(listing), Self::Follows(Box::new(follow))))
                    }
                    Err(status) => Some((Err(status), Self::Failed)),
                }
            }
            Self::Follows(mut follow) => match follow.next().await {
                Ok(listing) => Some((Ok(listing), Self::Follows(follow))),
                Err(error) => {
                    follow.session.give_up();
                    Some((Err(nats.failed(&shown(&*error))), Self::Failed))
                }
            },
            Self::Failed => None,
        }
    }
}

impl fmt::Debug for NatsRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.0.is_tls { "natss" } else { "nats" };
        let hosts = self.0.place.hosts.join(",");
        write!(f, "{scheme}://{hosts}/{}", self.0.bucket)
    }
}
