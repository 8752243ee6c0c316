//! Where a channel leads, read from its URI (gRPC naming document).

use super::{
    RegistryResolver, Resolver,
    fixed::Fixed,
    host::{Host, HostPort, decode, decode_bytes, v6},
    names,
    several::Several,
};
use crate::{
    endpoint::{Address, Endpoint},
    engine::{Error, ErrorKind},
    registry::{self, Registry},
};
use http::uri::{Authority, InvalidUri, Scheme};
use std::{
    borrow::Cow, ffi::OsString, net::SocketAddr, os::unix::ffi::OsStringExt, path::PathBuf,
    sync::Arc,
};

/// Hosts and addresses in one URI.
const URI_HOSTS_MAX: usize = 100;

/// The port where none is written.
const HTTP_PORT: u16 = 80;
const HTTPS_PORT: u16 = 443;
/// What the naming document says for all schemes of its own.
const GRPC_PORT: u16 = 443;
const DNS_PORT: u16 = 53;

const USER: &str = "it has a user name (what is before `@`), which gRPC does not send";

const FORMS: &str = "`http://host:port`, `https://host:port`, `dns:///host:port`, \
     `dns://1.2.3.4:53/host:port` (asks that DNS server), `dns:///_service._proto.name` (SRV records), \
     `ipv4:1.2.3.4:80,5.6.7.8:80`, `ipv6:[::1]:80,[::2]:80`, `static:///host1:port1,host2:port2`, \
     `unix:/path`, `unix-abstract:name` or `in-process:name`";

/// Where a channel leads.
#[derive(Debug)]
pub(crate) enum Target {
    /// To addresses.
    Network(Destination),
    /// To whoever has this name in this process.
    InProcess(String),
}

/// A service that has addresses.
#[derive(Clone, Debug)]
pub(crate) struct Destination {
    /// Plain text, or TLS if it is `https`.
    pub(crate) scheme: Scheme,
    /// The `:authority` of calls; its host is the name a certificate is checked for.
    pub(crate) authority: Authority,
    /// Tells the addresses.
    pub(crate) resolver: Arc<dyn Resolver>,
}

impl Target {
    /// Where `uri` leads.
    ///
    /// # Errors
    /// `Address` when it is of none of the forms that the error lists.
    pub(crate) fn parse(uri: &str) -> Result<Self, Error> {
        read(uri).map_err(|why| {
            Error::new(
                ErrorKind::Address,
                format!(
                    "no channel to `{}`: {why}; write {FORMS}{}",
                    without_user(uri),
                    registries()
                ),
            )
        })
    }
}

impl Destination {
    /// The service called `authority`, which runs where `resolver` says.
    ///
    /// # Errors
    /// `Address` when `authority` is none, or has a user name.
    pub(crate) fn resolved_by(authority: &str, resolver: Arc<dyn Resolver>) -> Result<Self, Error> {
        let none = |why: &dyn std::fmt::Display| {
            let shown = without_user(authority);
            let what = format!("`{shown}` is no `host` or `host:port`: {why}");
            Error::new(ErrorKind::Address, what)
        };
        if has_user(authority) {
            return Err(none(&USER));
        }
        Ok(Self {
            scheme: Scheme::HTTP,
            authority: authority.parse().map_err(|why: InvalidUri| none(&why))?,
            resolver,
        })
    }

    /// Where `service` runs, as `registry` has it.
    ///
    /// # Errors
    /// `Address` when `service` is no full name of a service.
    pub(crate) fn registered(service: &str, registry: impl Registry) -> Result<Self, Error> {
        registered(service, registry).map_err(|why| Error::new(ErrorKind::Address, why))
    }

    fn new(
        scheme: Scheme,
        authority: impl ToString,
        resolver: Arc<dyn Resolver>,
    ) -> Result<Self, String> {
        let authority = Authority::try_from(authority.to_string())
            .map_err(|error| format!("its host is none for HTTP ({error})"))?;
        Ok(Self {
            scheme,
            authority,
            resolver,
        })
    }
}

/// Whether `uri` has something that may be a user name, and a password with it. What
/// names a socket or a server may hold any letter.
fn has_user(uri: &str) -> bool {
    let scheme = uri.split_once(':').map_or("", |(scheme, _)| scheme);
    let is_name = ["unix", "unix-abstract", "in-process"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known));
    uri.contains('@') && !is_name
}

/// `uri` for everybody's eyes: what may be a user name and a password is left out.
fn without_user(uri: &str) -> Cow<'_, str> {
    let Some((before, host)) = uri.rsplit_once('@').filter(|_| has_user(uri)) else {
        return uri.into();
    };
    match before.split_once("://") {
        Some((scheme, _)) if is_scheme(scheme) => format!("{scheme}://…@{host}").into(),
        _ => format!("…@{host}").into(),
    }
}

fn read(uri: &str) -> Result<Target, String> {
    let (scheme, rest) = match uri.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (scheme.to_ascii_lowercase(), rest),
        _ if has_user(uri) => return Err(USER.to_owned()),
        _ => return Err("it has no scheme".to_owned()),
    };
    // Some registries have users.
    if has_user(uri) && !registry::schemes().any(|known| known.name == scheme) {
        return Err(USER.to_owned());
    }
    if rest.contains(['?', '#']) {
        return Err(
            "it has a query or a fragment, which a channel cannot have; write `?` and `#` that \
             belong to a path as `%3F` and `%23`"
                .to_owned(),
        );
    }
    let destination = match scheme.as_str() {
        "in-process" => return Ok(Target::InProcess(decode(name(rest)?)?)),
        "http" => web(rest, Scheme::HTTP, HTTP_PORT),
        "https" => web(rest, Scheme::HTTPS, HTTPS_PORT),
        "dns" => dns(rest),
        "ipv4" => addresses(rest, HostPort::parse, SocketAddr::is_ipv4),
        "ipv6" => addresses(rest, bare_v6, SocketAddr::is_ipv6),
        "static" => several(rest),
        "unix" => unix(rest),
        "unix-abstract" => unix_abstract(rest),
        host if rest.bytes().all(|byte| byte.is_ascii_digit()) && !rest.is_empty() => Err(format!(
            "it has no scheme (`http://{host}:{rest}`, if it speaks plain text)"
        )),
        other => in_registry(other, rest),
    };
    destination.map(Target::Network)
}

/// RFC 3986, section 3.1.
fn is_scheme(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.bytes().all(known)
}

/// Where a registry is, and behind the last slash the service to look for in it.
fn in_registry(scheme: &str, rest: &str) -> Result<Destination, String> {
    let known = registry::schemes().find(|known| known.name == scheme);
    let known = known.ok_or_else(|| format!("`{scheme}` is no scheme known here"))?;
    let place = rest.strip_prefix("//");
    registry::check_users(place.unwrap_or_default())?;
    let place = place.and_then(|place| place.rsplit_once('/'));
    let (place, service) = place.ok_or_else(|| {
        "it names no service: after the registry comes `/package.Service`".to_owned()
    })?;
    registered(service, known.open(place)?)
}

fn registered(service: &str, registry: impl Registry) -> Result<Destination, String> {
    registry::check_service(service).map_err(|status| status.message().to_owned())?;
    let resolver = RegistryResolver::new(service, registry);
    Destination::new(Scheme::HTTP, service, Arc::new(resolver))
}

/// How the URIs of registries are written, after those that are always there.
fn registries() -> String {
    registry::schemes()
        .map(|scheme| format!(", {}", scheme.form))
        .collect()
}

/// `//host:port`, perhaps with a `/` behind.
fn web(rest: &str, scheme: Scheme, default_port: u16) -> Result<Destination, String> {
    let rest = rest
        .strip_prefix("//")
        .ok_or_else(|| "after its scheme is no `//`".to_owned())?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if !path.is_empty() {
        return Err("it has a path, which a channel cannot have".to_owned());
    }
    host_of(HostPort::parse(host)?, None, scheme, default_port)
}

/// `host:port`, `///host:port` and `//server/host:port`.
fn dns(rest: &str) -> Result<Destination, String> {
    let (server, host) = split(rest)?;
    let server = match server {
        "" => None,
        server => {
            let server = HostPort::parse(server)?.address(DNS_PORT);
            let server = server.ok_or_else(|| "its DNS server is no IP address".to_owned())?;
            Some(server)
        }
    };
    host_of(HostPort::parse(host)?, server, Scheme::HTTP, GRPC_PORT)
}

/// One host: an address, a name, or the name of a service.
fn host_of(
    host: HostPort,
    server: Option<SocketAddr>,
    scheme: Scheme,
    default_port: u16,
) -> Result<Destination, String> {
    let port = host.port.unwrap_or(default_port);
    let name = match &host.host {
        Host::Address(_) => {
            let endpoints = host.address(port).into_iter().map(Endpoint::from);
            let fixed = Fixed(endpoints.collect());
            return Destination::new(scheme, &host, Arc::new(fixed));
        }
        Host::Name(name) => name,
    };
    let Some(domain) = domain_of_service(name) else {
        let resolver = names::host(server, name.clone(), port)?;
        return Destination::new(scheme, &host, resolver);
    };
    if let Some(port) = host.port {
        return Err(format!(
            "SRV records say the port of `{name}`; leave out `:{port}`"
        ));
    }
    let authority = domain.strip_suffix('.').unwrap_or(domain);
    let resolver = names::service(server, name.clone())?;
    Destination::new(scheme, authority, resolver)
}

/// What follows `_service._proto.` in the name of a service (RFC 2782).
fn domain_of_service(name: &str) -> Option<&str> {
    let (_, rest) = name.strip_prefix('_')?.split_once('.')?;
    let (_, domain) = rest.strip_prefix('_')?.split_once('.')?;
    (!domain.is_empty()).then_some(domain)
}

/// `1.2.3.4:80,5.6.7.8:80`
fn addresses(
    rest: &str,
    parse: fn(&str) -> Result<HostPort, String>,
    fits: fn(&SocketAddr) -> bool,
) -> Result<Destination, String> {
    let hosts = list(rest, parse)?;
    let endpoints = hosts.iter().map(|host| {
        let address = host.address(GRPC_PORT).filter(fits);
        address
            .map(Endpoint::from)
            .ok_or_else(|| format!("`{host}` is no address of this scheme"))
    });
    let fixed = Fixed(endpoints.collect::<Result<_, _>>()?);
    Destination::new(Scheme::HTTP, &hosts[0], Arc::new(fixed))
}

/// `::1`, which this scheme takes without brackets, or `[::1]:80`.
fn bare_v6(text: &str) -> Result<HostPort, String> {
    if text.starts_with('[') || text.starts_with('%') {
        return HostPort::parse(text);
    }
    let text = text.replace("%25", "%");
    Ok(HostPort {
        host: v6(&text)?,
        port: None,
    })
}

/// `host1:port1,host2:port2`
fn several(rest: &str) -> Result<Destination, String> {
    let hosts = list(rest, HostPort::parse)?;
    let mut fixed = Vec::new();
    let mut resolvers: Vec<Arc<dyn Resolver>> = Vec::new();
    for host in &hosts {
        let Some(port) = host.port else {
            return Err(format!("`{host}` has no port"));
        };
        match &host.host {
            Host::Address(_) => fixed.extend(host.address(port).map(Endpoint::from)),
            Host::Name(name) if domain_of_service(name).is_some() => {
                return Err(format!(
                    "`{name}` is a service, which only `dns:///{name}` looks up"
                ));
            }
            Host::Name(name) => resolvers.push(names::host(None, name.clone(), port)?),
        }
    }
    if !fixed.is_empty() {
        resolvers.push(Arc::new(Fixed(fixed)));
    }
    Destination::new(Scheme::HTTP, &hosts[0], Arc::new(Several(resolvers)))
}

/// The hosts between commas, each once; at least one.
fn list(rest: &str, parse: fn(&str) -> Result<HostPort, String>) -> Result<Vec<HostPort>, String> {
    let (server, list) = split(rest)?;
    if !server.is_empty() {
        return Err(format!(
            "`{server}` is where other schemes have a server; this one has none"
        ));
    }
    let mut hosts = Vec::new();
    for host in list.split(',') {
        let host = parse(host)?;
        if !hosts.contains(&host) {
            hosts.push(host);
        }
        if hosts.len() > URI_HOSTS_MAX {
            return Err(format!("it has more than {URI_HOSTS_MAX} hosts"));
        }
    }
    Ok(hosts)
}

/// What is before and after the slash in `//server/host`; `host` alone has no server.
fn split(rest: &str) -> Result<(&str, &str), String> {
    let (server, host) = match rest.strip_prefix("//") {
        None => ("", rest),
        Some(rest) => rest.split_once('/').ok_or_else(|| {
            format!("`{rest}` is where the DNS server is named, and no host follows; write three slashes")
        })?,
    };
    if host.contains('/') {
        return Err("it has a path, which a channel cannot have".to_owned());
    }
    Ok((server, host))
}

/// `path` and `///path`.
fn unix(rest: &str) -> Result<Destination, String> {
    let path = match rest.strip_prefix("//") {
        None => rest,
        Some(path) if path.starts_with('/') => path,
        Some(path) => {
            return Err(format!(
                "after `//` a path must be absolute; write `unix:{path}` or `unix:///{path}`"
            ));
        }
    };
    if path.is_empty() {
        return Err("it has no path".to_owned());
    }
    let path = PathBuf::from(OsString::from_vec(decode_bytes(path)?));
    // It knows how long one may be here, and that it holds no zero byte.
    std::os::unix::net::SocketAddr::from_pathname(&path)
        .map_err(|error| format!("its path is none of a socket ({error})"))?;
    socket(path)
}

/// A name that is not in the file system: the path after a zero byte.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn unix_abstract(rest: &str) -> Result<Destination, String> {
    #[cfg(target_os = "android")]
    use std::os::android::net::SocketAddrExt;
    #[cfg(target_os = "linux")]
    use std::os::linux::net::SocketAddrExt;
    let name = decode_bytes(name(rest)?)?;
    if name.contains(&0) {
        return Err("its name holds a zero byte".to_owned());
    }
    std::os::unix::net::SocketAddr::from_abstract_name(&name)
        .map_err(|error| format!("its name is none of a socket ({error})"))?;
    socket(OsString::from_vec([b"\0".as_slice(), &name].concat()).into())
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn unix_abstract(_rest: &str) -> Result<Destination, String> {
    Err("this system has no abstract sockets".to_owned())
}

/// A name that is nobody's but ours: it has no server before it.
fn name(rest: &str) -> Result<&str, String> {
    match rest.is_empty() || rest.starts_with("//") {
        true => Err("right after its scheme is no name".to_owned()),
        false => Ok(rest),
    }
}

fn socket(path: PathBuf) -> Result<Destination, String> {
    let fixed = Fixed(vec![Endpoint::new(Address::Unix(path))]);
    Destination::new(Scheme::HTTP, "localhost", Arc::new(fixed))
}

#[cfg(test)]
mod tests;
