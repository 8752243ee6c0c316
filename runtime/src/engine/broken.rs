//! How a call on a connection ends without its response, or in the midst of it.

use super::BoxError;
use std::{
    error::Error as StdError,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// What ended a stream before its time.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The peer reset it.
    Reset(ErrorCode),
    /// The peer has not begun with it, for sure (RFC 9113, section 6.8); or not a
    /// byte of it has left.
    Unprocessed(Arc<str>),
    /// The connection ended.
    Lost(Arc<Loss>),
    /// The peer broke the rules of HTTP/2 on it.
    Malformed,
    /// Its headers or trailers are over `header_bytes_max`.
    TooLarge,
    /// The body of the request ended with an error.
    Request(BoxError),
    /// The peer went away from what it was sending.
    Left,
}

/// How a connection ended, for all calls that it ended.
#[derive(Debug)]
pub(crate) struct Loss {
    why: Arc<str>,
    told: AtomicBool,
}

impl Loss {
    pub(super) fn new(why: Arc<str>) -> Arc<Self> {
        let told = AtomicBool::new(false);
        Arc::new(Self { why, told })
    }

    /// Whether nobody has asked this before: one connection lost is one failure,
    /// however many calls were on it.
    pub(crate) fn is_news(&self) -> bool {
        !self.told.swap(true, Ordering::Relaxed)
    }
}

/// Why a stream was reset (RFC 9113, section 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ErrorCode(pub(crate) u32);

impl ErrorCode {
    pub(crate) const REFUSED_STREAM: Self = Self(0x7);
    pub(crate) const ENHANCE_YOUR_CALM: Self = Self(0xb);

    /// As the RFC spells it; `None` for codes it does not know.
    fn name(self) -> Option<&'static str> {
        const NAMES: [&str; 14] = [
            "NO_ERROR",
            "PROTOCOL_ERROR",
            "INTERNAL_ERROR",
            "FLOW_CONTROL_ERROR",
            "SETTINGS_TIMEOUT",
            "STREAM_CLOSED",
            "FRAME_SIZE_ERROR",
            "REFUSED_STREAM",
            "CANCEL",
            "COMPRESSION_ERROR",
            "CONNECT_ERROR",
            "ENHANCE_YOUR_CALM",
            "INADEQUATE_SECURITY",
            "HTTP_1_1_REQUIRED",
        ];
        NAMES.get(self.0 as usize).copied()
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "unknown error code {:#x}", self.0),
        }
    }
}

impl Broken {
    /// Whether the peer has done nothing of it.
    pub(crate) fn is_unprocessed(&self) -> bool {
        matches!(
            self,
            Self::Unprocessed(_) | Self::Reset(ErrorCode::REFUSED_STREAM)
        )
    }

    /// What an error of a body is about, if that is a stream.
    pub(crate) fn within<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Self> {
        error.downcast_ref()
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reset(code) => write!(f, "the peer reset the stream: {code}"),
            Self::Unprocessed(why) => write!(f, "the call did not begin: {why}"),
            Self::Lost(loss) => write!(f, "the connection broke: {}", loss.why),
            Self::Malformed => f.write_str("the peer's answer breaks the rules of HTTP/2"),
            Self::TooLarge => {
                f.write_str("the peer's answer has headers over the limit (`header_bytes_max`)")
            }
            Self::Request(error) => write!(f, "the request ended: {error}"),
            Self::Left => f.write_str("the stream ended before the request did"),
        }
    }
}

impl StdError for Broken {}
