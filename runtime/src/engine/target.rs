use super::{Error, ErrorKind};
use http::uri::{Authority, Scheme, Uri};
use std::path::PathBuf;

/// Where a channel leads.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(super) place: Place,
    pub(crate) scheme: Scheme,
    pub(crate) authority: Authority,
}

#[derive(Clone, Debug)]
pub(super) enum Place {
    Tcp { host: String, port: u16 },
    Unix(PathBuf),
}

impl Target {
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() {
                return Err(unread(text, "it has no path"));
            }
            return Ok(Self {
                place: Place::Unix(path.into()),
                scheme: Scheme::HTTP,
                authority: Authority::from_static("localhost"),
            });
        }
        let uri: Uri = text
            .parse()
            .map_err(|error: http::uri::InvalidUri| unread(text, &error.to_string()))?;
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(unread(text, "it has no scheme"));
        };
        let port = match scheme.as_str() {
            "http" => 80,
            "https" => 443,
            other => return Err(unread(text, &format!("`{other}` is no scheme known here"))),
        };
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(unread(text, "it has a path, which a channel cannot have"));
        }
        if authority.as_str().contains('@') {
            return Err(unread(text, "it has a user name, which gRPC does not send"));
        }
        let host = authority.host();
        // What follows the host is `:` and a port, or nothing.
        if authority.as_str() != host && authority.port_u16().is_none() {
            return Err(unread(text, "its port is no number up to 65535"));
        }
        let host = host.strip_prefix('[').unwrap_or(host);
        let host = host.strip_suffix(']').unwrap_or(host);
        if host.is_empty() {
            return Err(unread(text, "it has no host"));
        }
        Ok(Self {
            place: Place::Tcp {
                host: host.to_owned(),
                port: authority.port_u16().unwrap_or(port),
            },
            scheme: scheme.clone(),
            authority: authority.clone(),
        })
    }

    pub(crate) fn is_tls(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// The host to check a certificate against.
    #[cfg(feature = "tls")]
    pub(super) fn host(&self) -> &str {
        match &self.place {
            Place::Tcp { host, .. } => host,
            Place::Unix(_) => "localhost",
        }
    }
}

fn unread(text: &str, why: &str) -> Error {
    Error::new(
        ErrorKind::Address,
        format!(
            "no channel to `{text}`: {why}; write `http://host:port`, `https://host:port` or `unix:/path`"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_says_it_reads() {
        let v6 = Target::parse("http://[::1]:50051").unwrap();
        assert!(matches!(v6.place, Place::Tcp { host, port: 50051 } if host == "::1"));
        let tls = Target::parse("https://example.com").unwrap();
        assert!(tls.is_tls());
        assert!(matches!(tls.place, Place::Tcp { port: 443, .. }));
        for unix in ["unix:/run/x", "unix:///run/x"] {
            let Place::Unix(path) = Target::parse(unix).unwrap().place else {
                panic!("{unix}");
            };
            assert_eq!(path, PathBuf::from("/run/x"));
        }
        for bad in [
            "",
            "localhost:1",
            "grpc://x",
            "http://x/path",
            "unix:",
            "http://me@x",
            "http://",
            "http://x:",
            "http://x:65536",
            "http://:80",
        ] {
            let error = Target::parse(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Address, "{bad}");
            assert!(
                error.to_string().contains("write `http://host:port`"),
                "{error}"
            );
        }
    }
}
