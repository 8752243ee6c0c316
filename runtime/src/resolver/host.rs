//! Hosts and ports, as URIs write them.

use percent_encoding::percent_decode_str;
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6},
};

/// Bytes of a name and of one of its labels (RFC 1035, section 2.3.4).
const NAME_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

/// What stands before the port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// An address, its port still 0.
    Address(SocketAddr),
    /// A name that DNS could know.
    Name(String),
}

/// A host, and its port if it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HostPort {
    pub(super) host: Host,
    pub(super) port: Option<u16>,
}

impl HostPort {
    /// Reads `host`, `host:port`, `[v6]` and `[v6]:port`; the error says what
    /// keeps `text` from being one.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = decode(text)?;
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (inner, after) = rest
                    .split_once(']')
                    .ok_or_else(|| format!("`{text}` has no `]`"))?;
                let port = match after.strip_prefix(':') {
                    Some(port) => Some(port),
                    None if after.is_empty() => None,
                    None => return Err(format!("between `]` and the port of `{text}` is no `:`")),
                };
                (v6(inner)?, port)
            }
            None => match text.split_once(':') {
                Some((_, port)) if port.contains(':') => {
                    return Err(format!(
                        "the IPv6 address `{text}` needs brackets, `[{text}]`"
                    ));
                }
                Some((host, port)) => (name_or_v4(host)?, Some(port)),
                None => (name_or_v4(&text)?, None),
            },
        };
        let port = port.map(read_port).transpose()?;
        Ok(Self { host, port })
    }

    /// The address it is, or would be at this port.
    pub(super) fn address(&self, default_port: u16) -> Option<SocketAddr> {
        match self.host {
            Host::Address(mut address) => {
                address.set_port(self.port.unwrap_or(default_port));
                Some(address)
            }
            Host::Name(_) => None,
        }
    }
}

/// As `:authority` has it: without what only this machine understands (RFC 6874),
/// and without the dot that DNS alone needs at the end of a name.
impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Address(address) => match address.ip() {
                IpAddr::V4(ip) => write!(f, "{ip}")?,
                IpAddr::V6(ip) => write!(f, "[{ip}]")?,
            },
            Host::Name(name) => f.write_str(name.strip_suffix('.').unwrap_or(name))?,
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

/// Decodes `%41` and its like (RFC 3986, section 2.1).
pub(super) fn decode_bytes(text: &str) -> Result<Vec<u8>, String> {
    for (at, _) in text.match_indices('%') {
        let digits = text.as_bytes().get(at + 1..at + 3);
        if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
            return Err("after a `%` are no two hexadecimal digits".to_owned());
        }
    }
    Ok(percent_decode_str(text).collect())
}

pub(super) fn decode(text: &str) -> Result<String, String> {
    String::from_utf8(decode_bytes(text)?).map_err(|_| "it is no UTF-8".to_owned())
}

fn read_port(text: &str) -> Result<u16, String> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(0) => Err("nothing listens at port 0".to_owned()),
        Ok(port) if digits => Ok(port),
        _ => Err("its port is no number up to 65535".to_owned()),
    }
}

/// `::1`, and `fe80::1%2` on the interface of that index.
pub(super) fn v6(text: &str) -> Result<Host, String> {
    match format!("[{text}]:0").parse::<SocketAddrV6>() {
        Ok(address) => Ok(Host::Address(address.into())),
        Err(_) if text.contains('%') => Err(format!(
            "`{text}` is no IPv6 address; write its interface as a number, `%252`"
        )),
        Err(_) => Err(format!("`{text}` is no IPv6 address")),
    }
}

fn name_or_v4(text: &str) -> Result<Host, String> {
    if let Ok(ip) = text.parse::<Ipv4Addr>() {
        return Ok(Host::Address((ip, 0).into()));
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    if name.is_empty() {
        return Err("it has no host".to_owned());
    }
    if !name.is_ascii() {
        return Err(format!(
            "`{name}` is not ASCII; write it as DNS has it, `xn--…`"
        ));
    }
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let label =
        |label: &str| (1..=LABEL_BYTES_MAX).contains(&label.len()) && label.bytes().all(known);
    if name.len() > NAME_BYTES_MAX || !name.split('.').all(label) {
        return Err(format!("`{name}` is no name of a host"));
    }
    let last = name.rsplit('.').next().unwrap_or(name);
    if last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("`{name}` is no IPv4 address"));
    }
    Ok(Host::Name(text.to_owned()))
}
