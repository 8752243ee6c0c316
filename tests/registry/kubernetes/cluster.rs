//! An API server of a test's own, of ours or a real one.

use super::server::{Server, TOKEN};
use crate::process::Process;
use cordial::KubernetesRegistry;
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use std::{fs, path::Path, path::PathBuf, time::Duration};
use tokio::time::{sleep, timeout};

/// The one that is there without anybody making it.
pub const NAMESPACE: &str = "default";

pub struct Cluster {
    server: ApiServer,
    directory: PathBuf,
    port: u16,
}

enum ApiServer {
    Ours(Server),
    Real { api_server: Process, etcd: Process },
}

impl Cluster {
    pub async fn begin() -> Self {
        let name = format!("kubernetes-{}", crate::port::free_port());
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&directory).unwrap();
        let server = match std::env::var("KUBE_APISERVER") {
            Ok(_) => real(&directory),
            Err(_) => ApiServer::Ours(Server::start().await),
        };
        let port = match &server {
            ApiServer::Ours(server) => server.port,
            ApiServer::Real { api_server, .. } => api_server.port,
        };
        let cluster = Self {
            server,
            directory,
            port,
        };
        cluster.kubeconfig("ada", TOKEN);
        cluster.ready().await;
        cluster
    }

    /// What only a server of ours can do.
    pub fn ours(&self) -> Option<&Server> {
        match &self.server {
            ApiServer::Ours(server) => Some(server),
            ApiServer::Real { .. } => None,
        }
    }

    /// A registry with connections of its own.
    pub fn registry(&self) -> KubernetesRegistry {
        KubernetesRegistry::new(NAMESPACE).with_kubeconfig(self.directory.join("ada"))
    }

    /// Writes a kubeconfig of this name, with `token`.
    pub fn kubeconfig(&self, name: &str, token: &str) -> PathBuf {
        let server = match &self.server {
            ApiServer::Ours(_) => format!("server: http://127.0.0.1:{}", self.port),
            ApiServer::Real { .. } => format!(
                "server: https://127.0.0.1:{}\n    certificate-authority: {}",
                self.port,
                self.directory.join("certificate.pem").display()
            ),
        };
        let text = format!(
            "apiVersion: v1\n\
             kind: Config\n\
             current-context: test\n\
             clusters:\n- name: test\n  cluster:\n    {server}\n\
             users:\n- name: test\n  user:\n    token: {token}\n\
             contexts:\n- name: test\n  context:\n    \
             cluster: test\n    user: test\n    namespace: {NAMESPACE}\n"
        );
        let path = self.directory.join(name);
        fs::write(&path, text).unwrap();
        path
    }

    pub async fn administrator(&self) -> Client {
        let read = Kubeconfig::read_from(self.directory.join("ada")).unwrap();
        let context = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(read, &context).await;
        Client::try_from(config.unwrap()).unwrap()
    }

    pub async fn kill(&self) {
        match &self.server {
            ApiServer::Ours(server) => server.kill().await,
            ApiServer::Real { api_server, .. } => api_server.kill(),
        }
    }

    pub async fn run(&self) {
        match &self.server {
            ApiServer::Ours(server) => server.run().await,
            ApiServer::Real { api_server, .. } => api_server.run(),
        }
        self.ready().await;
    }

    pub fn forget_data(&self) {
        match &self.server {
            ApiServer::Ours(server) => server.forget_data(),
            ApiServer::Real { etcd, .. } => {
                etcd.kill();
                etcd.forget_data();
                etcd.run();
            }
        }
    }

    /// It says nothing any more, until it is dropped.
    pub fn hang(&self) {
        match &self.server {
            ApiServer::Ours(server) => server.hang(),
            ApiServer::Real { api_server, .. } => api_server.signal("STOP"),
        }
    }

    async fn ready(&self) {
        let ApiServer::Real { api_server, .. } = &self.server else {
            return;
        };
        let ready = async {
            loop {
                let namespaces: Api<Namespace> = Api::all(self.administrator().await);
                let got = timeout(Duration::from_secs(2), namespaces.get(NAMESPACE)).await;
                if matches!(got, Ok(Ok(_))) {
                    return;
                }
                sleep(Duration::from_millis(100)).await;
            }
        };
        let became = timeout(Duration::from_secs(120), ready).await;
        assert!(became.is_ok(), "it does not answer:\n{}", api_server.log());
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// A kube-apiserver, and the etcd that it keeps its objects in.
fn real(directory: &Path) -> ApiServer {
    let etcd = Process::start("etcd", "ETCD", |directory, port| {
        let url = format!("http://127.0.0.1:{port}");
        vec![
            format!("--data-dir={}", directory.join("data").display()),
            format!("--listen-client-urls={url}"),
            format!("--advertise-client-urls={url}"),
            "--listen-peer-urls=http://127.0.0.1:0".to_owned(),
        ]
    });
    let names = vec!["127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let directory = directory.to_owned();
    let file = |name: &str| directory.join(name).display().to_string();
    let (certificate, key) = (file("certificate.pem"), file("key.pem"));
    let tokens = file("tokens.csv");
    fs::write(&certificate, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    fs::write(&tokens, format!("{TOKEN},ada,1,system:masters\n")).unwrap();
    let etcd_port = etcd.port;
    let api_server = Process::start("kube-apiserver", "KUBE_APISERVER", move |_, port| {
        vec![
            format!("--etcd-servers=http://127.0.0.1:{etcd_port}"),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={port}"),
            format!("--tls-cert-file={certificate}"),
            format!("--tls-private-key-file={key}"),
            format!("--token-auth-file={tokens}"),
            "--authorization-mode=RBAC".to_owned(),
            "--service-account-issuer=https://127.0.0.1".to_owned(),
            format!("--service-account-key-file={certificate}"),
            format!("--service-account-signing-key-file={key}"),
            "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
            "--endpoint-reconciler-type=none".to_owned(),
        ]
    });
    ApiServer::Real { api_server, etcd }
}
