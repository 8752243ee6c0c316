//! Calls by each scheme.

use crate::{common::*, named};
use cordial_runtime::{Channel, Server};
use std::collections::HashSet;

fn port(serving: &Serving) -> &str {
    serving.address().rsplit(':').next().unwrap()
}

async fn call(channel: &Channel) -> String {
    let reply = within(channel.unary(UNARY, note("")).into_future()).await;
    reply.unwrap().into_inner().text
}

#[tokio::test]
async fn each_scheme_reaches_its_server() {
    let serving = named("here").await;
    let port = port(&serving);
    for uri in [
        format!("http://127.0.0.1:{port}"),
        format!("http://localhost:{port}/"),
        format!("dns:127.0.0.1:{port}"),
        format!("dns:///localhost:{port}"),
        format!("ipv4:127.0.0.1:{port}"),
        format!("ipv4:127.0.0.1:1,127.0.0.1:{port}"),
        format!("static:///localhost:{port}"),
        format!("static:///nobody.localhost:1,127.0.0.1:{port}"),
    ] {
        let channel = Channel::to(&uri).unwrap();
        assert_eq!(call(&channel).await, "here", "{uri}");
    }
}

#[tokio::test]
async fn of_several_hosts_all_get_calls() {
    let (one, other) = (named("one").await, named("other").await);
    for (first, second) in [("127.0.0.1", "127.0.0.1"), ("127.0.0.1", "localhost")] {
        let uri = format!("static:///{first}:{},{second}:{}", port(&one), port(&other));
        let channel = Channel::to(&uri).unwrap();
        let all = async {
            let mut answered = HashSet::new();
            while answered.len() < 2 {
                answered.insert(call(&channel).await);
            }
        };
        within(all).await;
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_abstract_socket_is_reached() {
    use std::os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixListener},
    };
    let name = format!("cordial {}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let listener = UnixListener::bind_addr(&address).unwrap();
    listener.set_nonblocking(true).unwrap();
    let _serving = Serving::start_at(Server::new().add(Probe::echo().routes()), listener).await;
    let uri = format!("unix-abstract:{}", name.replace(' ', "%20"));
    call(&Channel::to(uri).unwrap()).await;
}

#[cfg(feature = "dns")]
mod dns {
    use super::*;
    use crate::name_server;
    use cordial_runtime::Code;
    use std::net::Ipv4Addr;

    #[tokio::test]
    async fn a_call_goes_where_dns_says() {
        let serving = named("here").await;
        let dns = name_server::start(Ipv4Addr::LOCALHOST).await;
        let uri = format!("dns://{dns}/echo.test:{}", port(&serving));
        assert_eq!(call(&Channel::to(uri).unwrap()).await, "here");
    }

    #[tokio::test]
    async fn callers_hear_what_dns_said() {
        let dns = name_server::start(Ipv4Addr::LOCALHOST).await;
        let channel = Channel::to(format!("dns://{dns}/nobody.test:1")).unwrap();
        let ended = within(channel.unary(UNARY, note("")).into_future()).await;
        let status = ended.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
        let said = format!(
            "DNS: asked {dns} for A and AAAA records of `nobody.test`: \
             there is no such name (NXDOMAIN)"
        );
        assert!(status.message().contains(&said), "{status}");
    }
}
