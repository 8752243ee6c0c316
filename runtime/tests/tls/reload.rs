//! Certificates and trust roots that change while a server serves.

use crate::{
    Authority, Pem, by_name, call, common::*, echo, is_refused, mutual, names::shown, proves,
    trusts, trusts_as,
};
use cordial_runtime::{ClientTls, Pem as Source, Server, ServerTls};
use rcgen::ExtendedKeyUsagePurpose::ServerAuth;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

const INTERVAL: Duration = Duration::from_millis(20);

/// A folder of this test's own, with a chain, a key and roots in it.
pub struct Files(PathBuf);

impl Files {
    pub fn new(name: &str) -> Self {
        let folder = format!("cordial-tls-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn source(&self, name: &str) -> Source {
        Source::file(self.path(name))
    }

    /// One after the other, as most who renew certificates do.
    pub fn put(&self, pem: &Pem) {
        self.write("tls.crt", &pem.chain);
        self.write("tls.key", &pem.key);
    }

    pub fn write(&self, name: &str, text: &str) {
        let new = self.path("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, self.path(name)).unwrap();
    }

    fn shown(&self) -> String {
        self.0.display().to_string()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl AsRef<Path> for Files {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

async fn until(mut done: impl AsyncFnMut() -> bool) {
    within(async {
        while !done().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_and_no_connection_lost() {
    let authority = Authority::new();
    let [first, second] = [(); 2].map(|()| authority.server("localhost"));
    let files = Files::new("renewed");
    files.put(&first);
    let tls = ServerTls::new(files.source("tls.crt"), files.source("tls.key")).unwrap();
    let tls = tls.with_reload_interval(INTERVAL);
    let serving = Serving::start(echo(tls.clone())).await;
    let before = by_name(&serving, trusts(&authority));
    call(&before).await.unwrap();
    let seen = shown(&serving, &authority, "localhost").await.unwrap();
    assert!(seen == first.der());

    files.put(&second);
    until(async || tls.reloads() == 1).await;
    let seen = shown(&serving, &authority, "localhost").await.unwrap();
    assert!(seen == second.der());
    // The connection from before goes on: a new one would say so.
    call(&before).await.unwrap();
}

/// Every core goes by the same, and tells handlers who calls.
#[tokio::test]
async fn a_renewed_certificate_is_shown_on_every_core() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let files = Files::new("cores");
    files.put(&servers.server("localhost"));
    let [chain, key] = ["tls.crt", "tls.key"].map(|name| files.source(name));
    let tls = ServerTls::mutual(chain, key, clients.pem()).unwrap();
    let tls = tls.with_reload_interval(INTERVAL);
    let probe = Probe::echo().unary(|request| async move {
        let names = request.peer_identity().unwrap().dns_names().to_vec();
        Ok(note(&names.join(",")).into())
    });
    let server = Server::new().per_core().tls(tls.clone());
    let mut serving = Serving::start(server.add(probe.routes())).await;
    let renewed = servers.server("localhost");
    files.put(&renewed);
    until(async || tls.reloads() == 1).await;
    for _ in 0..16 {
        let seen = shown(&serving, &servers, "localhost").await.unwrap();
        assert!(seen == renewed.der());
        let ada = trusts_as(&servers, &clients.client("ada"));
        assert_eq!(call(&by_name(&serving, ada)).await.unwrap(), "ada");
    }
    serving.ask_to_stop();
    serving.stopped().await;
}

#[tokio::test]
async fn files_that_do_not_serve_change_nothing_and_are_told() {
    log::keep();
    let authority = Authority::new();
    let first = authority.server("localhost");
    let files = Files::new("bad");
    files.put(&first);
    let tls = ServerTls::new(files.source("tls.crt"), files.source("tls.key")).unwrap();
    let tls = tls.with_reload_interval(INTERVAL);
    let serving = Serving::start(echo(tls.clone())).await;
    let other = authority.server("localhost");
    let expired = authority.expired(ServerAuth);
    let cut = first.chain[..first.chain.len() / 2].to_owned();
    type Break<'a> = Box<dyn Fn() + 'a>;
    let breaks: [(Break<'_>, &str); 5] = [
        (
            Box::new(|| files.write("tls.crt", &other.chain)),
            "do not fit",
        ),
        (Box::new(|| files.write("tls.crt", &cut)), "tls.crt"),
        (
            Box::new(|| files.write("tls.crt", "")),
            "holds no certificate",
        ),
        (
            Box::new(|| std::fs::remove_file(files.path("tls.crt")).unwrap()),
            "cannot read",
        ),
        (Box::new(|| files.put(&expired)), "has expired"),
    ];
    for (count, (break_it, words)) in breaks.iter().enumerate() {
        break_it();
        // Of two files that are replaced one after the other, the first alone fails, too.
        until(async || tls.reload_failures() > count as u64).await;
        log::says(&["ERROR", "stay in force", words, &files.shown()]).await;
        let seen = shown(&serving, &authority, "localhost").await.unwrap();
        assert!(seen == first.der(), "{words}");
    }
    assert_eq!(tls.reloads(), 0);
    let failures = tls.reload_failures();
    // What is bad is told once, not at every look.
    tokio::time::sleep(INTERVAL * 5).await;
    assert_eq!(tls.reload_failures(), failures);

    let good = authority.server("localhost");
    files.put(&good);
    until(async || tls.reloads() == 1).await;
    let seen = shown(&serving, &authority, "localhost").await.unwrap();
    assert!(seen == good.der());
}

#[tokio::test]
async fn trust_roots_are_replaced_for_those_who_come_from_then_on() {
    let (servers, old, new) = (Authority::new(), Authority::new(), Authority::new());
    let server = servers.server("localhost");
    let files = Files::new("roots");
    files.write("roots", &old.pem());
    let tls = ServerTls::mutual(&server.chain, &server.key, files.source("roots")).unwrap();
    let tls = tls.with_reload_interval(INTERVAL);
    let serving = Serving::start(echo(tls.clone())).await;
    let of = |authority: &Authority| trusts_as(&servers, &authority.client("client"));
    let known = of(&old);
    let connected = by_name(&serving, known.clone());
    call(&connected).await.unwrap();
    is_refused(&by_name(&serving, of(&new)), "closed the connection").await;

    files.write("roots", &new.pem());
    until(async || tls.reloads() == 1).await;
    call(&by_name(&serving, of(&new))).await.unwrap();
    call(&connected).await.unwrap();
    // Not even a session from before lets it in, which the same client would resume.
    is_refused(&by_name(&serving, known), "closed the connection").await;

    files.write("roots", &format!("{}{}", new.pem(), old.pem()));
    until(async || tls.reloads() == 2).await;
    for authority in [&old, &new] {
        call(&by_name(&serving, of(authority))).await.unwrap();
    }
}

#[tokio::test]
async fn a_clone_replaces_what_a_server_serves_with() {
    let authority = Authority::new();
    let tls = proves(&authority.server("localhost"));
    let serving = Serving::start(echo(tls.clone())).await;
    let connected = by_name(&serving, trusts(&authority));
    call(&connected).await.unwrap();

    let clients = Authority::new();
    let server = authority.server("localhost");
    tls.replace(&mutual(&server, &clients));
    assert_eq!(tls.reloads(), 1);
    call(&connected).await.unwrap();
    is_refused(
        &by_name(&serving, trusts(&authority)),
        "CertificateRequired",
    )
    .await;
    let known = trusts_as(&authority, &clients.client("client"));
    call(&by_name(&serving, known)).await.unwrap();
    let seen = shown(&serving, &authority, "localhost").await.unwrap();
    assert!(seen == server.der());
}

/// A channel follows its files when it connects.
#[tokio::test]
async fn a_channel_connects_with_what_its_files_hold() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let server = servers.server("localhost");
    let serving = Serving::start(echo(mutual(&server, &clients))).await;
    let files = Files::new("channel");
    let stranger = Authority::new();
    files.put(&stranger.client("client"));
    files.write("roots", &stranger.pem());
    let tls = ClientTls::new()
        .with_roots(files.source("roots"))
        .and_then(|tls| tls.with_identity(files.source("tls.crt"), files.source("tls.key")))
        .unwrap()
        .with_reload_interval(Duration::ZERO);
    let connect = || by_name(&serving, tls.clone());
    is_refused(&connect(), "invalid peer certificate").await;
    files.write("roots", &servers.pem());
    is_refused(&connect(), "closed the connection").await;
    files.put(&clients.client("client"));
    call(&connect()).await.unwrap();
    assert_eq!((tls.reloads(), tls.reload_failures()), (2, 0));
    // What does not read changes nothing.
    files.write("roots", "nothing");
    call(&connect()).await.unwrap();
    assert_eq!((tls.reloads(), tls.reload_failures()), (2, 1));
}

#[tokio::test]
async fn a_clone_replaces_what_a_channel_connects_with() {
    let servers = Authority::new();
    let serving = Serving::start(echo(proves(&servers.server("localhost")))).await;
    for used_before in [true, false] {
        let tls = trusts(&Authority::new());
        if used_before {
            is_refused(&by_name(&serving, tls.clone()), "invalid peer certificate").await;
        }
        tls.replace(&trusts(&servers)).unwrap();
        call(&by_name(&serving, tls)).await.unwrap();
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let missing = || Source::file("/no/such/file.pem");
    let server = ServerTls::new(missing(), missing()).unwrap_err();
    let client = ClientTls::new().with_roots(missing()).unwrap_err();
    for error in [server, client] {
        assert!(error.to_string().contains("/no/such/file.pem"), "{error}");
    }
    let pem = Authority::new().server("localhost");
    let shown = format!("{:?}", ServerTls::new(&pem.chain, &pem.key).unwrap());
    assert!(!shown.contains("PRIVATE"), "{shown}");
}
