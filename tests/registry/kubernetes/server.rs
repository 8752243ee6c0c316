//! An API server of Kubernetes as far as its documentation says how it behaves: HTTP over
//! real sockets, lists by pages, watches that end and that expire, and refusals.

use super::store::{Collection, Refusal, Store};
use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    Method, Request, Response,
    body::{Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    net::TcpListener,
    sync::watch,
    task::{AbortHandle, JoinSet},
    time::{Instant, sleep_until},
};

pub const TOKEN: &str = "sesame";

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// One server on one port. It is gone when this is dropped.
pub struct Server {
    pub port: u16,
    state: Arc<State>,
    running: Mutex<Option<AbortHandle>>,
}

struct State {
    store: Mutex<Store>,
    /// Says that the store changed.
    changed: watch::Sender<()>,
    told: Mutex<Told>,
}

/// What a test told the server to do.
#[derive(Default)]
struct Told {
    forbids: HashSet<String>,
    hangs: bool,
    says: Option<String>,
    /// How many times all watches were ended.
    ends: u32,
    /// How many lists and how many watches were asked for.
    lists: usize,
    watches: usize,
}

impl Server {
    pub async fn start() -> Self {
        let server = Self {
            port: crate::port::free_port(),
            state: Arc::new(State {
                store: Mutex::default(),
                changed: watch::Sender::new(()),
                told: Mutex::default(),
            }),
            running: Mutex::default(),
        };
        server.run().await;
        server
    }

    /// Listens where it did, with what it had.
    pub async fn run(&self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        let state = self.state.clone();
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let state = state.clone();
                connections.spawn(async move {
                    let answer = service_fn(|request| state.clone().answer(request));
                    let connection =
                        http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
                    let _ = connection.await;
                });
            }
        });
        *self.running.lock().unwrap() = Some(accepting.abort_handle());
    }

    /// Closes its port and all connections.
    pub async fn kill(&self) {
        if let Some(running) = self.running.lock().unwrap().take() {
            running.abort();
        }
        // Until it is gone.
        while TcpListener::bind(("127.0.0.1", self.port)).await.is_err() {
            tokio::task::yield_now().await;
        }
    }

    pub fn forget_data(&self) {
        *self.state.store.lock().unwrap() = Store::default();
    }

    /// No longer knows what changed until now, as all who watch are told.
    pub fn compact(&self) {
        self.state.store.lock().unwrap().compact();
        self.state.changed.send_replace(());
    }

    pub fn forbid(&self, resource: &str) {
        let mut told = self.state.told.lock().unwrap();
        told.forbids.insert(resource.to_owned());
    }

    pub fn hang(&self) {
        self.state.told.lock().unwrap().hangs = true;
        self.state.changed.send_replace(());
    }

    /// Says this, whatever it is asked.
    pub fn say(&self, answer: Option<&str>) {
        self.state.told.lock().unwrap().says = answer.map(str::to_owned);
    }

    /// Ends all watches, as it does when their time is over.
    pub fn end_watches(&self) {
        self.state.told.lock().unwrap().ends += 1;
        self.state.changed.send_replace(());
    }

    /// How many lists and how many watches were asked for.
    pub fn asked(&self) -> (usize, usize) {
        let told = self.state.told.lock().unwrap();
        (told.lists, told.watches)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(running) = self.running.lock().unwrap().take() {
            running.abort();
        }
    }
}

/// What a request asks for.
struct Asked {
    method: Method,
    of: Collection,
    name: Option<String>,
    query: HashMap<String, String>,
    body: Value,
}

impl Asked {
    async fn read(request: Request<Incoming>) -> Result<Self, Refusal> {
        let not_found = || (404, "NotFound", "no such path".to_owned());
        let path: Vec<_> = request.uri().path().split('/').collect();
        let [
            _,
            "apis",
            _group,
            "v1",
            "namespaces",
            namespace,
            resource,
            ref name @ ..,
        ] = path[..]
        else {
            return Err(not_found());
        };
        let of = (resource.to_owned(), namespace.to_owned());
        let name = name.first().map(|name| (*name).to_owned());
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let query = request.uri().query().unwrap_or_default().split('&');
        let query = query
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, value)| (key.to_owned(), decoded(value)))
            .collect();
        let is_ours = |value: &hyper::header::HeaderValue| value == &format!("Bearer {TOKEN}");
        if !request.headers().get("authorization").is_some_and(is_ours) {
            return Err((401, "Unauthorized", "Unauthorized".to_owned()));
        }
        let method = request.method().clone();
        let body = request.into_body().collect().await;
        let body = body.map_err(|_| not_found())?.to_bytes();
        Ok(Self {
            method,
            of,
            name,
            query,
            body: serde_json::from_slice(&body).unwrap_or_default(),
        })
    }

    fn asks(&self, key: &str) -> Option<&str> {
        self.query.get(key).map(String::as_str)
    }
}

impl State {
    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Infallible> {
        if self.told.lock().unwrap().hangs {
            pending().await
        }
        if let Some(says) = self.told.lock().unwrap().says.clone() {
            return Ok(response(200, says));
        }
        let done = match Asked::read(request).await {
            Ok(asked) => self.done(asked),
            Err(refusal) => Err(refusal),
        };
        self.changed.send_replace(());
        Ok(done.unwrap_or_else(|refusal| response(refusal.0, status(&refusal).to_string())))
    }

    fn done(self: &Arc<Self>, asked: Asked) -> Result<Response<Body>, Refusal> {
        let mut told = self.told.lock().unwrap();
        if told.forbids.contains(&asked.of.0) {
            let why = format!("User \"ada\" cannot touch resource {:?}", asked.of.0);
            return Err((403, "Forbidden", why));
        }
        let mut store = self.store.lock().unwrap();
        let selector = asked.asks("labelSelector").unwrap_or_default();
        let answer = match (asked.method.as_str(), &asked.name) {
            ("GET", None) if asked.asks("watch") == Some("true") => {
                told.watches += 1;
                return Ok(self.watched(&asked, selector, told.ends));
            }
            ("GET", None) => {
                told.lists += 1;
                let limit = asked.asks("limit").and_then(|limit| limit.parse().ok());
                let token = asked.asks("continue");
                store.list(&asked.of, selector, limit.unwrap_or(usize::MAX), token)
            }
            ("GET", Some(name)) => store.get(&asked.of, name),
            ("POST", None) => store.create(&asked.of, asked.body),
            ("PUT", Some(_)) => store.replace(&asked.of, asked.body),
            ("PATCH", Some(_)) if asked.asks("fieldManager").is_some() => {
                store.apply(&asked.of, asked.body)
            }
            ("DELETE", Some(name)) => {
                let revision = asked.body["preconditions"]["resourceVersion"].as_str();
                store.delete(&asked.of, name, revision)
            }
            ("DELETE", None) => {
                store.delete_all(&asked.of);
                Ok(json!({"kind": "Status", "apiVersion": "v1", "status": "Success"}))
            }
            _ => Err((405, "MethodNotAllowed", "not allowed".to_owned())),
        };
        answer.map(|answer| response(200, answer.to_string()))
    }

    /// Events as lines of JSON, until the time is over that was asked for.
    fn watched(self: &Arc<Self>, asked: &Asked, selector: &str, ends: u32) -> Response<Body> {
        let number = |key| asked.asks(key).and_then(|text| text.parse::<u64>().ok());
        let seconds = number("timeoutSeconds").expect("a watch has an end");
        let watching = Watching {
            state: self.clone(),
            changed: self.changed.subscribe(),
            of: asked.of.clone(),
            selector: selector.to_owned(),
            revision: number("resourceVersion").expect("a watch has a beginning"),
            wants_marks: asked.asks("allowWatchBookmarks") == Some("true"),
            end: Instant::now() + Duration::from_secs(seconds),
            ends,
            is_over: false,
        };
        let lines = stream::unfold(watching, |mut watching| async {
            let lines = watching.next().await?;
            Some((Ok(Frame::data(Bytes::from(lines))), watching))
        });
        Response::new(StreamBody::new(lines).boxed_unsync())
    }
}

/// One watch of one client.
struct Watching {
    state: Arc<State>,
    changed: watch::Receiver<()>,
    of: Collection,
    selector: String,
    /// What it was told until.
    revision: u64,
    wants_marks: bool,
    end: Instant,
    ends: u32,
    is_over: bool,
}

impl Watching {
    async fn next(&mut self) -> Option<String> {
        while !self.is_over {
            self.changed.mark_unchanged();
            let hangs = {
                let told = self.state.told.lock().unwrap();
                self.is_over = told.ends > self.ends;
                told.hangs
            };
            if hangs {
                pending().await
            }
            let told = {
                let store = self.state.store.lock().unwrap();
                let events = store.events(&self.of, &self.selector, self.revision);
                if events.is_ok() {
                    self.revision = self.revision.max(store.revision());
                }
                events
            };
            match told {
                Ok(events) if events.is_empty() && self.is_over => break,
                Ok(events) if events.is_empty() => {}
                Ok(events) => return Some(lines(&events)),
                Err(refusal) => {
                    self.is_over = true;
                    return Some(lines(&[
                        json!({"type": "ERROR", "object": status(&refusal)}),
                    ]));
                }
            }
            tokio::select! {
                _ = self.changed.changed() => {}
                () = sleep_until(self.end) => self.is_over = true,
            }
        }
        let revision = self.revision.to_string();
        let mark = json!({
            "kind": "Lease",
            "apiVersion": "coordination.k8s.io/v1",
            "metadata": {"resourceVersion": revision},
        });
        std::mem::take(&mut self.wants_marks)
            .then(|| lines(&[json!({"type": "BOOKMARK", "object": mark})]))
    }
}

fn lines(events: &[Value]) -> String {
    events.iter().map(|event| format!("{event}\n")).collect()
}

fn status((code, reason, message): &Refusal) -> Value {
    json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
    })
}

fn response(code: u16, body: String) -> Response<Body> {
    let body = Full::new(Bytes::from(body)).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = hyper::StatusCode::from_u16(code).unwrap();
    response
}
