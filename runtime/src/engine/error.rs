use std::{error::Error as StdError, fmt};

/// How serving, connecting or configuring failed. A call ends with a
/// [`Status`](crate::Status) instead.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    what: String,
    source: Option<super::BoxError>,
}

/// What an [`Error`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The address of a server or of a channel does not read.
    Address,
    /// The address could not be listened on.
    Bind,
    /// A certificate, a key or a trust root does not read.
    Tls,
    /// Two services of one server have one name.
    Duplicate,
    /// A connection could not be made.
    Connect,
    /// A service config, or what else was configured, does not read.
    Config,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, what: impl Into<String>) -> Self {
        Self {
            kind,
            what: what.into(),
            source: None,
        }
    }

    pub(crate) fn because(mut self, source: impl Into<super::BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What it is about.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match &self.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}
