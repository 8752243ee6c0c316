//! `Cors`: which web pages may call a server.

use crate::engine::{Error, ErrorKind, HttpBody};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method as Verb, StatusCode, Uri,
    header::{
        ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS,
        ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS,
        ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
    },
};
use std::time::Duration;

/// What gRPC-Web and Connect send beside metadata.
const SENT: &str = "content-type, content-encoding, x-grpc-web, x-user-agent, grpc-timeout, \
     grpc-encoding, grpc-accept-encoding, connect-protocol-version, connect-timeout-ms, \
     connect-content-encoding, connect-accept-encoding";

/// What they answer beside metadata.
const READ: &str = "grpc-status, grpc-message, grpc-status-details-bin, grpc-encoding, \
     content-encoding, connect-content-encoding";

/// No browser keeps a permission for longer than that.
const MAX_AGE: Duration = Duration::from_secs(2 * 60 * 60);

/// Which web pages may call a server from a browser (the Fetch standard, "CORS protocol").
/// Without it no page may but those of the server's own origin.
///
/// Browsers ask first, and are answered without any handler or layer. What gRPC-Web and
/// Connect send and answer is allowed; metadata has to be named:
///
/// ```
/// use cordial_runtime::{Cors, Server};
///
/// let cors = Cors::new(["https://shop.example"])
///     .with_request_metadata(["authorization"])
///     .with_response_metadata(["x-trace"]);
/// let server = Server::new().cors(cors);
/// # let _ = server;
/// ```
///
/// It keeps pages from reading answers, and from calls that browsers ask about first; a GET of a
/// method without side effects is made all the same. It keeps nobody else: who calls is for a
/// layer to find out.
#[derive(Clone, Debug)]
#[must_use]
pub struct Cors {
    /// `None` is every origin.
    origins: Option<Vec<String>>,
    sent: String,
    read: String,
    credentials: bool,
    max_age: Duration,
}

impl Cors {
    /// Pages of these origins, each `scheme://host` or `scheme://host:port`.
    pub fn new(origins: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let origins = origins.into_iter();
        let origins = origins.map(|origin| origin.as_ref().to_lowercase());
        Self::of(Some(origins.collect()))
    }

    /// Pages of every origin: for what anybody may read who reaches the server.
    pub fn any_origin() -> Self {
        Self::of(None)
    }

    fn of(origins: Option<Vec<String>>) -> Self {
        Self {
            origins,
            sent: SENT.into(),
            read: READ.into(),
            credentials: false,
            max_age: MAX_AGE,
        }
    }

    /// Lets pages send this metadata too.
    pub fn with_request_metadata(
        mut self,
        keys: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Self {
        for key in keys {
            self.sent.extend([", ", key.as_ref()]);
        }
        self
    }

    /// Lets pages read this metadata of responses too, before and after the messages.
    pub fn with_response_metadata(
        mut self,
        keys: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Self {
        for key in keys {
            // Connect has trailers of unary calls among the headers, under such names.
            self.read
                .extend([", ", key.as_ref(), ", trailer-", key.as_ref()]);
        }
        self
    }

    /// Lets pages send cookies and client certificates, if their origin is named: those
    /// of [`any_origin`](Self::any_origin) never may.
    pub fn with_credentials(mut self) -> Self {
        self.credentials = true;
        self
    }

    /// How long browsers need not ask again. Default 2 h, the most that any heeds.
    pub fn with_max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }
}

/// The same, ready to be sent.
#[derive(Debug)]
pub(crate) struct Crossing {
    origins: Option<Vec<HeaderValue>>,
    sent: HeaderValue,
    read: HeaderValue,
    credentials: bool,
    max_age: HeaderValue,
}

/// What to do with a request.
pub(crate) enum Crossed {
    /// Answer it so, and nothing else.
    Answer(Box<http::Response<HttpBody>>),
    /// Answer it, and add these headers.
    Add(Box<HeaderMap>),
}

impl Crossing {
    /// # Errors
    /// `Config` if an origin or a key could never be one.
    pub(crate) fn of(cors: Cors) -> Result<Self, Error> {
        let origins = cors
            .origins
            .map(|origins| origins.iter().map(|one| origin(one)).collect());
        let max_age = cors.max_age.as_secs();
        Ok(Self {
            origins: origins.transpose()?,
            sent: keys(&cors.sent)?,
            read: keys(&cors.read)?,
            credentials: cors.credentials,
            max_age: HeaderValue::from(max_age),
        })
    }

    /// What to do with `request`.
    pub(crate) fn look<T>(&self, request: &http::Request<T>) -> Crossed {
        let mut headers = HeaderMap::new();
        headers.insert(VARY, HeaderValue::from_static("origin"));
        let origin = request.headers().get(ORIGIN);
        let allowed = origin.and_then(|origin| self.allowed(origin));
        let asks = request.method() == Verb::OPTIONS
            && origin.is_some()
            && request
                .headers()
                .contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        let is_allowed = allowed.is_some();
        if let Some(origin) = allowed {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            if self.credentials && self.origins.is_some() {
                headers.insert(
                    ACCESS_CONTROL_ALLOW_CREDENTIALS,
                    HeaderValue::from_static("true"),
                );
            }
        }
        if !asks {
            if is_allowed {
                headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, self.read.clone());
            }
            return Crossed::Add(Box::new(headers));
        }
        let mut response = http::Response::new(HttpBody::empty());
        *response.status_mut() = StatusCode::FORBIDDEN;
        if is_allowed {
            *response.status_mut() = StatusCode::NO_CONTENT;
            headers.insert(
                ACCESS_CONTROL_ALLOW_METHODS,
                HeaderValue::from_static("GET, POST"),
            );
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, self.sent.clone());
            headers.insert(ACCESS_CONTROL_MAX_AGE, self.max_age.clone());
        }
        *response.headers_mut() = headers;
        Crossed::Answer(Box::new(response))
    }

    /// What a page of `origin` is told of who may call.
    fn allowed(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        match &self.origins {
            None => Some(HeaderValue::from_static("*")),
            Some(origins) => origins.contains(origin).then(|| origin.clone()),
        }
    }
}

fn origin(origin: &str) -> Result<HeaderValue, Error> {
    let bad = || {
        Error::new(
            ErrorKind::Config,
            format!(
                "the origin `{origin}` of `Cors` is no `scheme://host` or `scheme://host:port`"
            ),
        )
    };
    let uri: Uri = origin.parse().map_err(|_| bad())?;
    let whole = match (uri.scheme_str(), uri.authority()) {
        (Some(scheme), Some(authority)) => format!("{scheme}://{authority}"),
        _ => return Err(bad()),
    };
    let bare = origin.strip_suffix('/').unwrap_or(origin);
    match whole == bare && !origin.contains('@') {
        true => HeaderValue::try_from(whole).map_err(|_| bad()),
        false => Err(bad()),
    }
}

fn keys(list: &str) -> Result<HeaderValue, Error> {
    for key in list.split(", ") {
        HeaderName::try_from(key).map_err(|_| {
            Error::new(
                ErrorKind::Config,
                format!("`{key}`, which `Cors` names, is no key of metadata"),
            )
        })?;
    }
    HeaderValue::try_from(list)
        .map_err(|_| Error::new(ErrorKind::Config, "`Cors` names too much metadata"))
}
