//! What is read, and what is not.

use super::*;
use crate::resolver::Refresh;
use futures_util::FutureExt;
use tokio_stream::StreamExt;

/// URI, scheme, `:authority`, addresses.
const ADDRESSES: &[(&str, &str, &str, &str)] = &[
    ("http://1.2.3.4", "http", "1.2.3.4", "1.2.3.4:80"),
    (
        "http://1.2.3.4:50051",
        "http",
        "1.2.3.4:50051",
        "1.2.3.4:50051",
    ),
    (
        "http://1.2.3.4:50051/",
        "http",
        "1.2.3.4:50051",
        "1.2.3.4:50051",
    ),
    ("HTTP://1.2.3.4", "http", "1.2.3.4", "1.2.3.4:80"),
    ("https://1.2.3.4", "https", "1.2.3.4", "1.2.3.4:443"),
    ("https://[::1]", "https", "[::1]", "[::1]:443"),
    ("http://[::1]:50051", "http", "[::1]:50051", "[::1]:50051"),
    (
        "http://[fe80::1%252]:80",
        "http",
        "[fe80::1]:80",
        "[fe80::1%2]:80",
    ),
    ("http://1.2.3.4:065", "http", "1.2.3.4:65", "1.2.3.4:65"),
    ("dns:1.2.3.4", "http", "1.2.3.4", "1.2.3.4:443"),
    ("dns:///1.2.3.4:80", "http", "1.2.3.4:80", "1.2.3.4:80"),
    ("dns:///[::1]:80", "http", "[::1]:80", "[::1]:80"),
    ("dns:///%5B::1%5D:80", "http", "[::1]:80", "[::1]:80"),
    ("dns:[::1]", "http", "[::1]", "[::1]:443"),
    ("ipv4:1.2.3.4", "http", "1.2.3.4", "1.2.3.4:443"),
    ("ipv4:1.2.3.4:80", "http", "1.2.3.4:80", "1.2.3.4:80"),
    ("ipv4:///1.2.3.4:80", "http", "1.2.3.4:80", "1.2.3.4:80"),
    (
        "ipv4:1.2.3.4:80,5.6.7.8:81",
        "http",
        "1.2.3.4:80",
        "1.2.3.4:80 5.6.7.8:81",
    ),
    (
        "ipv4:1.2.3.4:80,5.6.7.8,1.2.3.4:80",
        "http",
        "1.2.3.4:80",
        "1.2.3.4:80 5.6.7.8:443",
    ),
    ("ipv4:1.2.3.4%3A80", "http", "1.2.3.4:80", "1.2.3.4:80"),
    ("ipv6:::1", "http", "[::1]", "[::1]:443"),
    ("ipv6:[::1]", "http", "[::1]", "[::1]:443"),
    (
        "ipv6:[::1]:80,[2001:db8::2]:81",
        "http",
        "[::1]:80",
        "[::1]:80 [2001:db8::2]:81",
    ),
    (
        "ipv6:2001:db8::2,::1",
        "http",
        "[2001:db8::2]",
        "[2001:db8::2]:443 [::1]:443",
    ),
    (
        "ipv6:%5B2001:db8::2%5D:80",
        "http",
        "[2001:db8::2]:80",
        "[2001:db8::2]:80",
    ),
    ("ipv6:fe80::1%253", "http", "[fe80::1]", "[fe80::1%3]:443"),
    (
        "static:///1.2.3.4:80,[::1]:81",
        "http",
        "1.2.3.4:80",
        "1.2.3.4:80 [::1]:81",
    ),
    ("static:1.2.3.4:80", "http", "1.2.3.4:80", "1.2.3.4:80"),
    ("unix:/run/x", "http", "localhost", "unix:/run/x"),
    ("unix:///run/x", "http", "localhost", "unix:/run/x"),
    ("unix:run/x", "http", "localhost", "unix:run/x"),
    ("unix:/run/a%20b%3F", "http", "localhost", "unix:/run/a b?"),
    (
        "UNIX:/run/user/1000/socket",
        "http",
        "localhost",
        "unix:/run/user/1000/socket",
    ),
];

/// URI, scheme, `:authority`, what is asked of DNS.
#[cfg(feature = "dns")]
const NAMES: &[(&str, &str, &str, &str)] = &[
    ("http://a.test", "http", "a.test", "a.test:80"),
    ("https://a.test", "https", "a.test", "a.test:443"),
    ("https://a.test:1/", "https", "a.test:1", "a.test:1"),
    ("http://localhost:1", "http", "localhost:1", "localhost:1"),
    ("http://a_b.test", "http", "a_b.test", "a_b.test:80"),
    (
        "http://ex%61mple.test:1",
        "http",
        "example.test:1",
        "example.test:1",
    ),
    ("http://a.test.:1", "http", "a.test:1", "a.test.:1"),
    ("http://1a", "http", "1a", "1a:80"),
    ("dns:a.test", "http", "a.test", "a.test:443"),
    ("dns:a.test:1", "http", "a.test:1", "a.test:1"),
    ("dns:///a.test:1", "http", "a.test:1", "a.test:1"),
    ("dns:///a%2Etest", "http", "a.test", "a.test:443"),
    ("DNS:///a.test", "http", "a.test", "a.test:443"),
    (
        "dns://9.9.9.9/a.test",
        "http",
        "a.test",
        "a.test:443 @9.9.9.9:53",
    ),
    (
        "dns://9.9.9.9:5353/a.test:1",
        "http",
        "a.test:1",
        "a.test:1 @9.9.9.9:5353",
    ),
    (
        "dns://[2620:fe::fe]:53/a.test",
        "http",
        "a.test",
        "a.test:443 @[2620:fe::fe]:53",
    ),
    (
        "dns:///_grpc._tcp.a.test",
        "http",
        "a.test",
        "_grpc._tcp.a.test",
    ),
    (
        "dns:_grpc._tcp.a.test.",
        "http",
        "a.test",
        "_grpc._tcp.a.test.",
    ),
    (
        "dns://9.9.9.9/_grpc._tcp.a",
        "http",
        "a",
        "_grpc._tcp.a @9.9.9.9:53",
    ),
    (
        "https://_grpc._tcp.a.test",
        "https",
        "a.test",
        "_grpc._tcp.a.test",
    ),
    (
        "http://_grpc.a.test",
        "http",
        "_grpc.a.test",
        "_grpc.a.test:80",
    ),
];

/// What is none, and why.
const REFUSED: &[(&str, &str)] = &[
    ("", "it has no scheme"),
    ("example.com", "it has no scheme"),
    (
        "localhost:50051",
        "no scheme (`http://localhost:50051`, if it speaks plain text)",
    ),
    ("1.2.3.4:50051", "it has no scheme"),
    ("[::1]:50051", "it has no scheme"),
    ("//host:1", "it has no scheme"),
    (":1", "it has no scheme"),
    ("grpc://x", "`grpc` is no scheme known here"),
    ("xds:///x", "`xds` is no scheme known here"),
    ("http:x", "after its scheme is no `//`"),
    ("http:/x", "after its scheme is no `//`"),
    ("http://", "it has no host"),
    ("http://:80", "it has no host"),
    ("http://.", "it has no host"),
    ("http://x/path", "it has a path"),
    ("http://x//", "it has a path"),
    ("http://x?q", "a query or a fragment"),
    ("http://x#f", "a query or a fragment"),
    ("http://x:", "its port is no number up to 65535"),
    ("http://x:65536", "its port is no number up to 65535"),
    ("http://x:+80", "its port is no number up to 65535"),
    ("http://x:8a", "its port is no number up to 65535"),
    ("http://x:0", "nothing listens at port 0"),
    ("http://::1", "the IPv6 address `::1` needs brackets"),
    ("http://[::1", "`[::1` has no `]`"),
    ("http://[::1]80", "between `]` and the port"),
    ("http://[1.2.3.4]:80", "`1.2.3.4` is no IPv6 address"),
    (
        "http://[fe80::1%25eth0]:80",
        "write its interface as a number",
    ),
    ("http://1.2.3", "`1.2.3` is no IPv4 address"),
    ("http://1.2.3.256:80", "`1.2.3.256` is no IPv4 address"),
    ("http://a..b", "`a..b` is no name of a host"),
    ("http://a b", "`a b` is no name of a host"),
    ("http://a%2Fb", "`a/b` is no name of a host"),
    ("http://a%00b", "is no name of a host"),
    ("http://a%0d%0ab", "is no name of a host"),
    ("http://b\u{fc}cher.test", "is not ASCII"),
    ("http://a%zz", "no two hexadecimal digits"),
    ("http://a%4", "no two hexadecimal digits"),
    ("http://a%FF", "it is no UTF-8"),
    ("dns:", "it has no host"),
    ("dns:///", "it has no host"),
    ("dns://host:1", "write three slashes"),
    ("dns:/host", "it has a path"),
    ("dns:///a/b", "it has a path"),
    ("dns://a.test/b", "its DNS server is no IP address"),
    ("dns://1.2.3.4:x/b", "its port is no number"),
    ("dns:///a,b", "`a,b` is no name of a host"),
    ("ipv4:", "it has no host"),
    ("ipv4:a.test:80", "`a.test:80` is no address of this scheme"),
    ("ipv4:[::1]:80", "`[::1]:80` is no address of this scheme"),
    ("ipv4:1.2.3.4,", "it has no host"),
    ("ipv4:,1.2.3.4", "it has no host"),
    ("ipv4://1.2.3.4:80", "write three slashes"),
    ("ipv4://x/1.2.3.4:80", "this one has none"),
    ("ipv6:1.2.3.4", "`1.2.3.4` is no IPv6 address"),
    ("ipv6:[1.2.3.4]", "`1.2.3.4` is no IPv6 address"),
    ("ipv6:", "`` is no IPv6 address"),
    ("static:///a.test", "`a.test` has no port"),
    ("static:///", "it has no host"),
    (
        "static:///_grpc._tcp.a.test:1",
        "which only `dns:///_grpc._tcp.a.test` looks up",
    ),
    ("unix:", "it has no path"),
    ("unix://", "a path must be absolute"),
    ("unix://run/x", "write `unix:run/x` or `unix:///run/x`"),
    ("unix:/a?b", "`%3F`"),
    ("unix:/a%00b", "its path is none of a socket"),
    ("unix:/a%", "no two hexadecimal digits"),
    ("in-process:", "right after its scheme is no name"),
    ("in-process://a", "right after its scheme is no name"),
    ("in-process:a?b", "`%3F`"),
    ("in-process:a%", "no two hexadecimal digits"),
    ("in-process:a%FF", "it is no UTF-8"),
];

/// URIs with a user name, and how they are shown.
const WITH_USER: &[(&str, &str)] = &[
    ("http://me@x", "http://…@x"),
    ("http://me:secret@x:80", "http://…@x:80"),
    ("http://me:secret@x/path", "http://…@x/path"),
    ("https://me:se@cret@x", "https://…@x"),
    ("grpc://me:secret@x", "grpc://…@x"),
    ("dns://me:secret@9.9.9.9/x", "dns://…@9.9.9.9/x"),
    ("dns://me:secret@x", "dns://…@x"),
    ("dns:me:secret@x", "…@x"),
    ("static:///me:secret@x:1,me:secret@y:1", "static://…@y:1"),
    ("me:secret@x:80", "…@x:80"),
    ("me:s://ecret@x:80", "…@x:80"),
];

impl Destination {
    /// Where a `uri` leads that has addresses.
    pub(crate) fn parse(uri: &str) -> Result<Self, Error> {
        match Target::parse(uri)? {
            Target::Network(destination) => Ok(destination),
            Target::InProcess(name) => panic!("`{name}` has no addresses"),
        }
    }
}

/// The addresses that are told at once.
fn endpoints(destination: &Destination) -> Vec<Endpoint> {
    let mut told = destination.resolver.watch(Refresh::default());
    let endpoints = told.next().now_or_never().flatten();
    endpoints.expect("known at once").expect("no error")
}

fn fixed(destination: &Destination) -> String {
    let endpoints = endpoints(destination);
    let addresses = endpoints
        .iter()
        .map(|endpoint| endpoint.address().to_string());
    addresses.collect::<Vec<_>>().join(" ")
}

#[test]
fn addresses_are_read() {
    for (uri, scheme, authority, addresses) in ADDRESSES.iter().copied() {
        let destination = Destination::parse(uri).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(destination.scheme.as_str(), scheme, "{uri}");
        assert_eq!(destination.authority.as_str(), authority, "{uri}");
        assert_eq!(fixed(&destination), addresses, "{uri}");
    }
}

/// How the resolver of `name:port @server` shows; a service has no port.
#[cfg(feature = "dns")]
fn shown(asked: &str) -> String {
    let (asked, server) = match asked.split_once(" @") {
        Some((asked, server)) => (asked, server.parse::<SocketAddr>().ok()),
        None => (asked, None),
    };
    let question = match asked.split_once(':') {
        Some((name, port)) => format!("Host {{ name: {name:?}, port: {port} }}"),
        None => format!("Service {{ name: {asked:?} }}"),
    };
    format!("Dns {{ server: {server:?}, question: {question} }}")
}

#[cfg(feature = "dns")]
#[test]
fn names_are_read() {
    for (uri, scheme, authority, asked) in NAMES.iter().copied() {
        let destination = Destination::parse(uri).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(destination.scheme.as_str(), scheme, "{uri}");
        assert_eq!(destination.authority.as_str(), authority, "{uri}");
        assert_eq!(format!("{:?}", destination.resolver), shown(asked), "{uri}");
    }
    let label = "l".repeat(63);
    let long = format!("http://{label}.{label}.{label}.{}", &label[..61]);
    Destination::parse(&long).expect("as long as a name may be");
}

#[cfg(feature = "dns")]
#[test]
fn several_hosts_are_read() {
    let uri = "static:///a.test:1,b.test:2,1.2.3.4:3";
    let destination = Destination::parse(uri).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(destination.authority.as_str(), "a.test:1");
    let fixed = Fixed(vec![Endpoint::from(SocketAddr::from(([1, 2, 3, 4], 3)))]);
    let all = format!(
        "Several([{}, {}, {fixed:?}])",
        shown("a.test:1"),
        shown("b.test:2")
    );
    assert_eq!(format!("{:?}", destination.resolver), all);
}

#[test]
fn what_is_not_read_is_said_with_what_to_write() {
    let many = format!("ipv4:1.2.3.4{}", ",1.2.3.4".repeat(URI_HOSTS_MAX));
    Destination::parse(&many).expect("each counts once");
    let distinct = (0..=URI_HOSTS_MAX).map(|port| format!("h:{}", port + 1));
    let many = format!("static:{}", distinct.collect::<Vec<_>>().join(","));
    let long_label = format!("http://{}", "l".repeat(64));
    let long_name = format!("http://{}", "name.".repeat(51));
    let long_path = format!("unix:/{}", "p".repeat(120));
    for (uri, why) in REFUSED.iter().copied().chain([
        (long_label.as_str(), "is no name of a host"),
        (&long_name, "is no name of a host"),
        (&many, "it has more than 100 hosts"),
        (&long_path, "its path is none of a socket"),
    ]) {
        let error = Destination::parse(uri).map(|_| ()).expect_err(uri);
        assert_eq!(error.kind(), ErrorKind::Address, "{uri}");
        let text = error.to_string();
        assert!(
            text.starts_with(&format!("no channel to `{uri}`: ")),
            "{text}"
        );
        assert!(text.contains(why), "{uri}: {text}");
        for form in [
            "write `http://host:port`, `https://",
            "`dns:///host:port`",
            "`unix:/path`",
        ] {
            assert!(text.contains(form), "{text}");
        }
    }
}

#[test]
fn nobody_is_shown_a_password() {
    for (uri, shown) in WITH_USER {
        let error = Destination::parse(uri).expect_err(uri);
        let text = format!("{error} {error:?}");
        let start = format!("no channel to `{shown}`: it has a user name");
        assert!(text.starts_with(&start), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }
    let resolver: Arc<dyn Resolver> = Arc::new(Fixed(Vec::new()));
    for authority in ["me:secret@x", "me@x:80", "x/y", ""] {
        let refused = Destination::resolved_by(authority, resolver.clone());
        let error = refused.map(|_| ()).expect_err(authority);
        assert_eq!(error.kind(), ErrorKind::Address);
        let text = format!("{error} {error:?}");
        assert!(text.contains("is no `host` or `host:port`"), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }
}

#[test]
fn names_of_servers_may_hold_anything() {
    for (uri, name) in [
        ("in-process:shop", "shop"),
        ("In-Process:a/b@c:1", "a/b@c:1"),
        ("in-process:%2F%2Fa%3F%20%C3%BC", "//a? \u{fc}"),
    ] {
        match Target::parse(uri) {
            Ok(Target::InProcess(read)) => assert_eq!(read, name, "{uri}"),
            other => panic!("{uri}: {other:?}"),
        }
    }
}

#[cfg(feature = "dns")]
#[test]
fn a_service_has_its_ports_in_dns() {
    let error = Destination::parse("dns:///_grpc._tcp.a.test:1").expect_err("a port");
    assert!(error.to_string().contains("leave out `:1`"), "{error}");
}

#[cfg(not(feature = "dns"))]
#[test]
fn without_dns_it_says_what_to_turn_on() {
    for uri in ["dns://1.2.3.4/x", "dns:///_grpc._tcp.x"] {
        let error = Destination::parse(uri).expect_err(uri);
        assert!(
            error.to_string().contains("turn on the feature `dns`"),
            "{error}"
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn abstract_sockets_begin_with_a_zero_byte() {
    for (uri, path) in [
        ("unix-abstract:a/b", "\0a/b"),
        ("unix-abstract:a%20b@%0A", "\0a b@\n"),
    ] {
        let destination = Destination::parse(uri).unwrap_or_else(|error| panic!("{error}"));
        let [endpoint] = &endpoints(&destination)[..] else {
            panic!("{uri} is one socket");
        };
        let Address::Unix(told) = endpoint.address() else {
            panic!("{uri} is a socket");
        };
        assert_eq!(told.to_str(), Some(path), "{uri}");
        // What it shows leads there again, and nobody's terminal astray.
        let shown = endpoint.address().to_string();
        assert!(shown.starts_with("unix-abstract:"), "{shown}");
        assert!(shown.bytes().all(|byte| byte.is_ascii_graphic()), "{shown}");
        let again = Destination::parse(&shown).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(endpoints(&again), endpoints(&destination), "{shown}");
    }
    let long = format!("unix-abstract:{}", "n".repeat(120));
    for uri in [
        "unix-abstract:",
        "unix-abstract:a%00b",
        "unix-abstract:///a",
        &long,
    ] {
        Destination::parse(uri).expect_err(uri);
    }
}
