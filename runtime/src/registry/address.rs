//! Which addresses a record may name.

use crate::endpoint::Address;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Where clouds tell a machine its credentials, beside the link-local addresses.
const METADATA_V4: [Ipv4Addr; 2] = [
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
];
/// `fd00:ec2::/32`.
const METADATA_V6: [u16; 2] = [0xfd00, 0xec2];

/// What speaks against calling `address`.
pub(super) fn flaw(address: &Address, allows_link_local: bool) -> Option<String> {
    match address {
        Address::Tcp(tcp) => {
            let why = flaw_of_tcp(*tcp, allows_link_local)?;
            Some(format!("`{address}` {why}"))
        }
        Address::Unix(path) => match path.to_str() {
            // Longer ones no socket can have; others would not read in a log.
            Some(text)
                if path.is_absolute() && text.len() <= 107 && !text.contains(char::is_control) =>
            {
                None
            }
            _ => Some("it has no absolute path of a socket".to_owned()),
        },
    }
}

fn flaw_of_tcp(address: SocketAddr, allows_link_local: bool) -> Option<&'static str> {
    let ip = address.ip().to_canonical();
    if address.port() == 0 {
        return Some("has port 0, where nothing listens");
    }
    if ip.is_unspecified() || ip.is_multicast() || ip == IpAddr::V4(Ipv4Addr::BROADCAST) {
        return Some("is the address of no one machine");
    }
    if !allows_link_local && is_link_local(ip) {
        return Some(
            "is link-local or where clouds keep credentials; calls go there only if that is allowed",
        );
    }
    None
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local() || METADATA_V4.contains(&ip),
        IpAddr::V6(ip) => ip.is_unicast_link_local() || ip.segments().starts_with(&METADATA_V6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(text: &str, allows_link_local: bool) -> bool {
        flaw(&text.parse().unwrap(), allows_link_local).is_none()
    }

    #[test]
    fn servers_have_addresses_that_can_be_called() {
        for good in [
            "127.0.0.1:1",
            "10.0.0.1:50051",
            "[::1]:1",
            "[2001:db8::1]:443",
            "unix:/run/a b.sock",
        ] {
            assert!(passes(good, false), "{good}");
        }
        for bad in [
            "10.0.0.1:0",
            "0.0.0.0:1",
            "[::]:1",
            "224.0.0.1:1",
            "255.255.255.255:1",
            "[ff02::1]:1",
            "[::ffff:0.0.0.0]:1",
            "unix:relative",
            "unix:/a\nb",
        ] {
            assert!(!passes(bad, true), "{bad}");
        }
        assert!(!passes(&format!("unix:/{}", "a".repeat(107)), true));
    }

    #[test]
    fn credentials_of_clouds_are_no_servers_unless_allowed() {
        for address in [
            "169.254.169.254:80",
            "169.254.1.1:1",
            "[fe80::1]:1",
            "[fd00:ec2::254]:80",
            "[fd00:ec2::23]:80",
            "100.100.100.200:80",
            "192.0.0.192:80",
            "[::ffff:169.254.169.254]:80",
        ] {
            assert!(!passes(address, false), "{address}");
            assert!(passes(address, true), "{address}");
        }
    }
}
