//! Which servers an URL names, and as whom they are asked.

use percent_encoding::percent_decode_str;

/// What stands between `://` and the path: `user:password@host:port,host`.
#[cfg(any(feature = "etcd", feature = "gossip", feature = "nats"))]
pub(super) struct Place {
    /// Name and password.
    pub(super) user: Option<(String, String)>,
    /// Each `host:port`; at least one.
    pub(super) hosts: Vec<String>,
}

#[cfg(any(feature = "etcd", feature = "gossip", feature = "nats"))]
impl Place {
    /// Reads `authority`; hosts without a port have `port`.
    pub(super) fn parse(authority: &str, port: u16) -> Result<Self, String> {
        let (user, hosts) = match authority.rsplit_once('@') {
            Some((user, hosts)) => (Some(name_and_password(user)?), hosts),
            None => (None, authority),
        };
        let hosts = with_ports(hosts, port)?;
        Ok(Self { user, hosts })
    }
}

/// Reads `token@host:port,host` in the same way.
#[cfg(feature = "consul")]
pub(super) fn token_and_hosts(
    authority: &str,
    port: u16,
) -> Result<(Option<String>, Vec<String>), String> {
    let Some((token, hosts)) = authority.rsplit_once('@') else {
        return Ok((None, with_ports(authority, port)?));
    };
    if token.contains(':') {
        return Err("it has a token, and no user with a password: write `token@host`".to_owned());
    }
    Ok((Some(decoded(token)?), with_ports(hosts, port)?))
}

#[cfg(any(feature = "etcd", feature = "gossip", feature = "nats"))]
fn name_and_password(text: &str) -> Result<(String, String), String> {
    let (name, password) = text
        .split_once(':')
        .ok_or_else(|| "its user has no password: write `user:password@host`".to_owned())?;
    Ok((decoded(name)?, decoded(password)?))
}

fn decoded(text: &str) -> Result<String, String> {
    let text = percent_decode_str(text).decode_utf8();
    text.map(String::from)
        .map_err(|_| "its user is no UTF-8".to_owned())
}

fn with_ports(hosts: &str, port: u16) -> Result<Vec<String>, String> {
    let hosts = hosts.split(',').map(|host| with_port(host, port));
    hosts.collect()
}

fn with_port(host: &str, default: u16) -> Result<String, String> {
    let wrong = || format!("`{host}` is no host: write `host:{default}`, several with commas");
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port.parse().map_err(|_| wrong())?),
        _ => (host, default),
    };
    let is_ipv6 = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .is_some_and(|name| name.parse::<std::net::Ipv6Addr>().is_ok());
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let is_name = !name.is_empty() && name.bytes().all(known);
    match port != 0 && (is_ipv6 || is_name) {
        true => Ok(format!("{name}:{port}")),
        false => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(any(feature = "etcd", feature = "gossip", feature = "nats"))]
    #[test]
    fn hosts_and_users_are_read() {
        let place = Place::parse("a%40b:p%3A%2f:@one,10.0.0.1:1,[::1],[::1]:2", 7).unwrap();
        assert_eq!(place.user, Some(("a@b".to_owned(), "p:/:".to_owned())));
        assert_eq!(place.hosts, ["one:7", "10.0.0.1:1", "[::1]:7", "[::1]:2"]);
        assert!(Place::parse("one", 7).unwrap().user.is_none());
    }

    #[cfg(feature = "consul")]
    #[test]
    fn hosts_and_tokens_are_read() {
        let (token, hosts) = token_and_hosts("a%40%3A@one,[::1]:2", 7).unwrap();
        assert_eq!(token.as_deref(), Some("a@:"));
        assert_eq!(hosts, ["one:7", "[::1]:2"]);
        assert_eq!(token_and_hosts("one", 7), Ok((None, vec!["one:7".into()])));
        for authority in ["user:password@one", "%ff@one", "a@", "a@b/c"] {
            assert!(token_and_hosts(authority, 7).is_err(), "{authority:?}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for hosts in [
            "", ",", "a,", ":1", "a:0", "a:b", "a:99999", "a b", "::1", "[a]", "a/b:1", "%",
        ] {
            assert!(with_ports(hosts, 7).is_err(), "{hosts:?}");
        }
        #[cfg(any(feature = "etcd", feature = "gossip", feature = "nats"))]
        assert!(Place::parse("a@b", 7).is_err());
    }
}
