//! Which calls a server that has too many of them answers first.

use crate::method::Method;
use tonic::metadata::MetadataMap;

/// Where health checks go.
const HEALTH: &str = "/grpc.health.v1.Health/";

/// How much a call matters to whoever makes it. A server with more calls than
/// it can answer sheds those that matter least first.
///
/// A caller says it in the metadata [`Priority::KEY`]:
///
/// ```
/// use cordial_runtime::{Priority, Request};
///
/// let mut request = Request::new(());
/// Priority::Sheddable.insert(request.metadata_mut());
/// assert_eq!(Priority::of(request.metadata()), Priority::Sheddable);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Work that can wait for another day: batches, prefetching, retries of those.
    Sheddable,
    /// What is not said to be anything else.
    #[default]
    Normal,
    /// Work without which nothing else goes on: health checks, heartbeats,
    /// what a person waits for who is about to pay.
    Critical,
}

impl Priority {
    /// The metadata that says it: `cordial-priority`, one of `critical`,
    /// `normal` and `sheddable`.
    pub const KEY: &str = "cordial-priority";

    /// Every priority, those first that are shed first.
    pub const ALL: [Self; 3] = [Self::Sheddable, Self::Normal, Self::Critical];

    /// How the metadata says it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sheddable => "sheddable",
            Self::Normal => "normal",
            Self::Critical => "critical",
        }
    }

    /// How much of `limit` it may take: nine tenths if normal, eight if
    /// sheddable. The rest is kept for what matters more.
    pub(crate) fn share_of(self, limit: usize) -> usize {
        let kept = match self {
            Self::Critical => 0,
            Self::Normal => limit / 10,
            Self::Sheddable => limit / 5,
        };
        limit - kept
    }

    /// What `metadata` says; normal if it says nothing, or nothing known.
    pub fn of(metadata: &MetadataMap) -> Self {
        Self::said(
            metadata
                .get(Self::KEY)
                .map(|value| value.as_encoded_bytes()),
        )
    }

    /// What an HTTP request says of the call it is.
    pub(crate) fn of_http<T>(request: &http::Request<T>) -> Self {
        let said = request.headers().get(Self::KEY);
        match request.uri().path().starts_with(HEALTH) {
            true => Self::Critical,
            false => Self::said(said.map(|value| value.as_bytes())),
        }
    }

    fn said(said: Option<&[u8]>) -> Self {
        let known = Self::ALL
            .into_iter()
            .find(|priority| said == Some(priority.name().as_bytes()));
        known.unwrap_or_default()
    }

    /// What `metadata` says of a call of `method`, if that is not a health
    /// check. Those are critical: a server that is busy is not ill.
    pub fn of_call(method: Method, metadata: &MetadataMap) -> Self {
        match method.path().starts_with(HEALTH) {
            true => Self::Critical,
            false => Self::of(metadata),
        }
    }

    /// Makes `metadata` say it.
    pub fn insert(self, metadata: &mut MetadataMap) {
        let value = tonic::metadata::MetadataValue::from_static(self.name());
        metadata.insert(Self::KEY, value);
    }
}
