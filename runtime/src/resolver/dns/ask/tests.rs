//! What `resolv.conf` and the hosts file say of names.

use super::*;
use hickory_resolver::system_conf::parse_resolv_conf;

fn asked(conf: &str, hosts: &str) -> Asked {
    let (config, options) = parse_resolv_conf(conf).expect("a resolv.conf");
    let mut asked = Asked::new(config, options).expect("a resolver");
    let mut known = Hosts::default();
    known
        .read_hosts_conf(hosts.as_bytes())
        .expect("a hosts file");
    asked.hosts = Some(known);
    asked
}

#[tokio::test]
async fn short_names_are_searched_for() {
    let cluster = "nameserver 10.0.0.10\nsearch ns.svc.test svc.test\noptions ndots:2\n";
    for (conf, name, names) in [
        (cluster, "db", "db.ns.svc.test. db.svc.test. db."),
        (
            cluster,
            "db.other",
            "db.other.ns.svc.test. db.other.svc.test. db.other.",
        ),
        (
            cluster,
            "a.b.c",
            "a.b.c. a.b.c.ns.svc.test. a.b.c.svc.test.",
        ),
        (cluster, "db.", "db."),
        (
            "nameserver 10.0.0.10\nsearch a.test\n",
            "x.y",
            "x.y. x.y.a.test.",
        ),
    ] {
        let name = read_name(name).expect("a name");
        let full = asked(conf, "").full_names(name);
        let full: Vec<_> = full.iter().map(Name::to_ascii).collect();
        assert_eq!(full.join(" "), names);
    }
    assert_eq!(asked(cluster, "").to_string(), "10.0.0.10");
}

#[tokio::test]
async fn the_hosts_file_is_asked_first() {
    let hosts = "10.0.0.1 db db.test # ours\n2001:db8::1 db\n127.0.0.2 localhost\n";
    let known = |hosts: &str, name: &str| {
        let name = read_name(name).expect("a name");
        let found = asked("nameserver 10.0.0.10", hosts).known(&name);
        found.map(|found| {
            found
                .records
                .iter()
                .map(IpAddr::to_string)
                .collect::<Vec<_>>()
                .join(" ")
        })
    };
    assert_eq!(known(hosts, "db").as_deref(), Some("2001:db8::1 10.0.0.1"));
    assert_eq!(known(hosts, "DB.test").as_deref(), Some("10.0.0.1"));
    assert_eq!(known(hosts, "localhost").as_deref(), Some("127.0.0.2"));
    assert_eq!(known("", "localhost").as_deref(), Some("::1 127.0.0.1"));
    assert_eq!(known("", "app.localhost").as_deref(), Some("::1 127.0.0.1"));
    assert_eq!(known(hosts, "other.test"), None);
}

#[tokio::test]
async fn who_asks_a_server_asks_that_only() {
    let asked = Asked::server(([127, 0, 0, 1], 1).into()).expect("a resolver");
    assert!(
        asked
            .known(&read_name("localhost").expect("a name"))
            .is_none()
    );
    assert_eq!(asked.to_string(), "127.0.0.1:1");
}
