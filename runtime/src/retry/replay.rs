//! A request that can be sent several times.

use super::{
    budget::{Budget, Held},
    chain::{self, PREVIOUS_ATTEMPTS_HEADER},
    tee::Tee,
};
use crate::engine::HttpBody;
use bytes::Bytes;
use http::{Extensions, HeaderName, HeaderValue, Method, Request, Uri, Version, request::Parts};
use std::{
    sync::Arc,
    task::{Context, Poll},
};

/// What it takes to make a request again.
pub(super) struct Replay<'a> {
    head: Head,
    body: Kept<'a>,
}

enum Kept<'a> {
    Whole {
        data: Bytes,
        _held: Held<&'a Budget>,
    },
    Stream(Arc<Tee>),
    /// Larger than may be kept: the first attempt has the only one.
    Nothing,
}

/// A request about to be sent.
pub(super) struct Sending {
    pub(super) request: Box<Request<HttpBody>>,
    /// Which of the readers of the call's body it has.
    pub(super) reader: u32,
}

impl<'a> Replay<'a> {
    /// Prepares for `request` to be sent again, and the request to be sent first.
    ///
    /// A body that is whole is shared, a stream is kept as it is read. Neither is
    /// kept beyond the limits, which makes the first attempt the only one.
    pub(super) fn new(
        request: Request<HttpBody>,
        budget: &'a Arc<Budget>,
        is_of_retry: bool,
    ) -> (Self, Sending) {
        let (mut parts, mut body) = request.into_parts();
        chain::prepare(&mut parts.headers, is_of_retry);
        let head = Head::of(&parts);
        let (kept, body) = match body.take_whole() {
            Some((data, _)) => {
                let mut held = Held::new(&**budget);
                let kept = match held.grow(data.len()) {
                    true => Kept::Whole {
                        data: data.clone(),
                        _held: held,
                    },
                    false => Kept::Nothing,
                };
                (kept, whole(data))
            }
            None => {
                let tee = Arc::new(Tee::new(body, Held::new(budget.clone())));
                let body = HttpBody::new(tee.reader());
                (Kept::Stream(tee), body)
            }
        };
        let request = Box::new(Request::from_parts(parts, body));
        let sending = Sending { request, reader: 0 };
        (Self { head, body: kept }, sending)
    }

    /// The request once more, after `previous` attempts; `None` once the call is
    /// committed to an attempt that has been made.
    pub(super) fn again(&self, previous: u32) -> Option<Sending> {
        let (body, reader) = match &self.body {
            Kept::Whole { data, .. } => (whole(data.clone()), 0),
            Kept::Stream(tee) => {
                let reader = tee.another()?;
                let id = reader.id();
                (HttpBody::new(reader), id)
            }
            Kept::Nothing => return None,
        };
        let request = Box::new(self.head.request(previous, body));
        Some(Sending { request, reader })
    }

    /// Whether it can still be sent again.
    pub(super) fn is_kept(&self) -> bool {
        match &self.body {
            Kept::Whole { .. } => true,
            Kept::Stream(tee) => !tee.is_committed(),
            Kept::Nothing => false,
        }
    }

    /// The reader that the call is committed to, if its body is a stream.
    pub(super) fn committed(&self) -> Option<u32> {
        match &self.body {
            Kept::Stream(tee) => tee.committed(),
            Kept::Whole { .. } | Kept::Nothing => None,
        }
    }

    /// Commits the call to the attempt with this reader, unless it is committed to
    /// another one: nothing is kept for others.
    pub(super) fn commit(&self, reader: u32) {
        if let Kept::Stream(tee) = &self.body {
            tee.commit(reader);
        }
    }

    /// Says that the attempt with this reader has failed.
    pub(super) fn retire(&self, reader: u32) {
        if let Kept::Stream(tee) = &self.body {
            tee.retire(reader);
        }
    }

    /// Ready with a reader once what it reads has outgrown the limits, so that
    /// the call is committed to it.
    pub(super) fn poll_committed(&self, cx: &Context<'_>) -> Poll<u32> {
        match &self.body {
            Kept::Stream(tee) => tee.poll_committed(cx),
            Kept::Whole { .. } | Kept::Nothing => Poll::Pending,
        }
    }

    /// Whoever is to be told of the call is among them.
    pub(super) fn extensions(&self) -> &Extensions {
        &self.head.extensions
    }

    /// What is called, for the log.
    pub(super) fn path(&self) -> &str {
        self.head.uri.path()
    }
}

fn whole(data: Bytes) -> HttpBody {
    match data.is_empty() {
        true => HttpBody::empty(),
        false => HttpBody::from(data),
    }
}

/// The head of a request. Its headers are a list: a header map has two allocations
/// and hashes what it holds, and most calls need no second one, nor have headers of
/// their own.
struct Head {
    method: Method,
    uri: Uri,
    version: Version,
    headers: Vec<(HeaderName, HeaderValue)>,
    extensions: Extensions,
}

impl Head {
    fn of(parts: &Parts) -> Self {
        let headers = parts.headers.iter();
        Self {
            method: parts.method.clone(),
            uri: parts.uri.clone(),
            version: parts.version,
            headers: headers
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            extensions: parts.extensions.clone(),
        }
    }

    fn request(&self, previous: u32, body: HttpBody) -> Request<HttpBody> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.version_mut() = self.version;
        *request.extensions_mut() = self.extensions.clone();
        let headers = request.headers_mut();
        headers.reserve(self.headers.len() + 1);
        for (name, value) in &self.headers {
            headers.append(name, value.clone());
        }
        if previous > 0 {
            headers.insert(&PREVIOUS_ATTEMPTS_HEADER, HeaderValue::from(previous));
        }
        request
    }
}
