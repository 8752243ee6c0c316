//! Adapter: Kubernetes, by Leases that servers write or by the EndpointSlices of a Service.

mod follow;
mod leases;
mod slices;

use self::{follow::follow, leases::Leases, slices::Slices};
use crate::{
    BoxStream, Instance, Listing, Registry, RegistryFuture, Result, Status, check_service,
};
use futures_util::{StreamExt, stream};
use k8s_openapi::api::{coordination::v1::Lease, discovery::v1::EndpointSlice};
use kube::{
    Api, Client, Config,
    api::{DeleteParams, Patch, PatchParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use std::{
    array, fmt,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};
use tokio::{
    runtime,
    sync::watch::{self, Sender},
    time::{Instant, timeout_at},
};
use tokio_stream::wrappers::WatchStream;

pub(super) const FORM: &str = "`kubernetes://namespace/package.Service` or \
     `kubernetes://namespace/service:port/package.Service` (Kubernetes)";

/// For what is asked as a whole,
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// and for one connection, so that there is time to ask something over it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Changes that may be under way at once; those of one instance come one after another.
const TURNS: usize = 32;

/// Bytes of the name of a namespace, a Service or a port.
const LABEL_BYTES_MAX: usize = 63;

/// Who the fields of our Leases belong to.
const MANAGER: &str = "cordial";

/// A namespace of a Kubernetes cluster. Servers register there, each in a Lease that holds
/// its record and is renewed; no Service and no controller is needed, and a server may run
/// outside of the cluster. Whoever stopped to renew is in no list, whether or not its Lease
/// is still there.
///
/// [`with_service`](Self::with_service) makes it the pods that a Service of the cluster
/// selects, as EndpointSlices list them: servers then need to know nothing of Kubernetes,
/// and say nothing of themselves.
///
/// The API server and the credentials are those of the kubeconfig (`$KUBECONFIG` or
/// `~/.kube/config`) or, where there is none, of the pod's service account. It needs `list` and
/// `watch` on what it reads; servers that register also need `create`, `patch` and `delete`
/// on `leases` of `coordination.k8s.io`. `docs/DISCOVERY.md` has a role that is enough.
///
/// ```
/// use cordial::{Channel, KubernetesRegistry, Server};
///
/// let registry = KubernetesRegistry::new("shop");
/// let server = Server::new().register(registry);
/// let channel = Channel::to("kubernetes://shop/orders.v1.Orders");
/// let of_a_service = Channel::to("kubernetes://shop/orders:grpc/orders.v1.Orders");
/// ```
#[derive(Clone)]
pub struct KubernetesRegistry {
    /// That of the pod or the kubeconfig, if empty.
    namespace: String,
    service: Option<KubernetesService>,
    kubeconfig: Option<PathBuf>,
    /// Tasks of the runtime it was made on are part of a client.
    link: Arc<Mutex<Option<(runtime::Id, Client)>>>,
    turns: Arc<[Arc<tokio::sync::Mutex<()>>; TURNS]>,
    swept: Arc<Mutex<Option<Instant>>>,
}

#[derive(Clone)]
struct KubernetesService {
    name: String,
    /// Its name or number; empty if it has one only.
    port: String,
}

/// `kubernetes://namespace` or `kubernetes://namespace/service:port`.
pub(super) fn open(authority: &str, path: &str) -> Result<Arc<dyn Registry>, String> {
    if authority.contains('@') {
        return Err("it has a user; those of Kubernetes are in the kubeconfig".to_owned());
    }
    let mut registry = KubernetesRegistry::new(authority);
    let path = path.trim_matches('/');
    if !path.is_empty() {
        let (name, port) = path.split_once(':').unwrap_or((path, ""));
        registry = registry.with_service(name, port);
    }
    registry.check()?;
    Ok(Arc::new(registry))
}

impl KubernetesRegistry {
    /// The Leases of `namespace`; if that is empty, of the namespace that this pod, or
    /// the kubeconfig's context, is in. What `kubernetes://namespace` is.
    pub fn new(namespace: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            service: None,
            kubeconfig: None,
            link: Arc::default(),
            turns: Arc::new(array::from_fn(|_| Arc::default())),
            swept: Arc::default(),
        }
    }

    /// The pods of the Service `service` of the namespace instead. `port` is its name, or
    /// its number in the pods; it may be empty where there is one only. What
    /// `kubernetes://namespace/service:port` is.
    ///
    /// Kubernetes registers them, so nobody else can:
    /// [`register`](Registry::register) ends with FAILED_PRECONDITION.
    #[must_use]
    pub fn with_service(mut self, service: impl Into<String>, port: impl Into<String>) -> Self {
        self.service = Some(KubernetesService {
            name: service.into(),
            port: port.into(),
        });
        self
    }

    /// With the API server and the credentials of this file's current context.
    #[must_use]
    pub fn with_kubeconfig(mut self, path: impl Into<PathBuf>) -> Self {
        self.kubeconfig = Some(path.into());
        self
    }

    /// What is wrong with its names: they become part of paths.
    fn check(&self) -> Result<(), String> {
        let is_label = |text: &str| {
            let known = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
            text.len() <= LABEL_BYTES_MAX && text.bytes().all(known) && !text.starts_with('-')
        };
        let shown = |text: &str| text.escape_debug().take(80).collect::<String>();
        if !is_label(&self.namespace) {
            let namespace = shown(&self.namespace);
            return Err(format!(
                "`{namespace}` is no namespace of Kubernetes: write a-z, 0-9 and `-`"
            ));
        }
        match &self.service {
            Some(service)
                if service.name.is_empty()
                    || !is_label(&service.name)
                    || !is_label(&service.port) =>
            {
                Err(format!(
                    "`{}` is no Service of Kubernetes and its port: write `service:port`",
                    shown(&service.to_string())
                ))
            }
            _ => Ok(()),
        }
    }

    async fn client(&self) -> Result<Client, String> {
        let here = runtime::Handle::current().id();
        if let Some(client) = self.client_of(here) {
            return Ok(client);
        }
        self.check()?;
        let mut config = match &self.kubeconfig {
            Some(path) => {
                let read = Kubeconfig::read_from(path).map_err(|error| shown(&error))?;
                let context = KubeConfigOptions::default();
                let config = Config::from_custom_kubeconfig(read, &context).await;
                config.map_err(|error| shown(&error))?
            }
            None => Config::infer().await.map_err(|error| shown(&error))?,
        };
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        // Who calls tries again, and is to know that it was needed.
        config.default_retry = false;
        let client = Client::try_from(config).map_err(|error| shown(&error))?;
        *self.link() = Some((here, client.clone()));
        Ok(client)
    }

    fn client_of(&self, here: runtime::Id) -> Option<Client> {
        let link = self.link();
        let (runtime, client) = link.as_ref()?;
        (*runtime == here).then(|| client.clone())
    }

    fn link(&self) -> MutexGuard<'_, Option<(runtime::Id, Client)>> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next one reads anew where the server is and what proves who asks it.
    fn give_up(&self, why: &str) -> Status {
        *self.link() = None;
        Status::unavailable(format!("the API server of Kubernetes: {why}"))
    }

    fn leases(&self, client: Client) -> Api<Lease> {
        Api::namespaced(client.clone(), self.namespace(&client))
    }

    fn namespace<'a>(&'a self, client: &'a Client) -> &'a str {
        match &*self.namespace {
            "" => client.default_namespace(),
            namespace => namespace,
        }
    }

    /// What `change` does to the Lease `name`, after all that was begun before; to its
    /// end, though nobody waits for it any more, so that what was asked last holds.
    async fn change<F: Future<Output = Result<(), kube::Error>> + Send>(
        &self,
        name: &str,
        change: impl FnOnce(Api<Lease>) -> F + Send + 'static,
    ) -> Result<()> {
        if let Some(service) = &self.service {
            return Err(Status::failed_precondition(format!(
                "Kubernetes itself registers the pods of Service `{service}`: register nothing, \
                 or register in `kubernetes://{}`",
                self.namespace
            )));
        }
        let due = Instant::now() + CALL_TIMEOUT;
        let late = |_| Status::unavailable(format!("no turn within {CALL_TIMEOUT:?}"));
        let sum = name.bytes().fold(0, |sum, byte| sum + usize::from(byte));
        let turn = self.turns[sum % TURNS].clone().lock_owned();
        let turn = timeout_at(due, turn).await.map_err(late)?;
        let registry = self.clone();
        let changed = tokio::spawn(async move {
            let _turn = turn;
            let changed = async {
                let client = registry.client().await?;
                let changed = change(registry.leases(client)).await;
                changed.map_err(|error| shown(&error))
            };
            let late = |_| Err(format!("no answer within {CALL_TIMEOUT:?}"));
            let changed = timeout_at(due, changed).await.unwrap_or_else(late);
            changed.map_err(|why| registry.give_up(&why))
        });
        let ended = |error| Status::unavailable(format!("the task that asks: {error}"));
        changed.await.map_err(ended)?
    }

    /// Removes what ended long ago and nobody removed, if that was not done lately. Nobody
    /// waits for it, and it may fail: the next one that is registered does it again.
    async fn sweep(&self) {
        let is_due = {
            let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
            let is_due = swept.is_none_or(|at| at.elapsed() >= leases::REMOVED_AFTER);
            if is_due {
                *swept = Some(Instant::now());
            }
            is_due
        };
        if is_due && let Ok(client) = self.client().await {
            tokio::spawn(leases::sweep(self.leases(client)));
        }
    }

    /// Tells the lists of `service`; ends with why it cannot go on.
    async fn follow(&self, service: &str, tell: &Sender<Result<Listing>>) -> String {
        let client = match self.client().await {
            Ok(client) => client,
            Err(why) => return why,
        };
        let namespace = self.namespace(&client).to_owned();
        match &self.service {
            None => {
                let api = Api::<Lease>::namespaced(client, &namespace);
                follow(api, leases::selector(service), Leases::default(), tell).await
            }
            Some(of) => {
                let api = Api::<EndpointSlice>::namespaced(client, &namespace);
                let book = Slices::new(service, &of.port);
                follow(api, slices::selector(&of.name), book, tell).await
            }
        }
    }
}

impl Registry for KubernetesRegistry {
    fn register<'a>(&'a self, instance: &'a Instance, lease: Duration) -> RegistryFuture<'a> {
        Box::pin(async move {
            instance.check()?;
            let name = leases::name(&instance.service, &instance.id);
            let (applied, instance) = (name.clone(), instance.clone());
            let apply = async move |leases: Api<Lease>| {
                let written = leases::written(&applied, &instance, lease, SystemTime::now());
                let parameters = PatchParams::apply(MANAGER).force();
                let patch = Patch::Apply(written);
                leases.patch(&applied, &parameters, &patch).await.map(drop)
            };
            self.change(&name, apply).await?;
            self.sweep().await;
            Ok(())
        })
    }

    fn deregister<'a>(&'a self, instance: &'a Instance) -> RegistryFuture<'a> {
        Box::pin(async move {
            instance.check()?;
            let name = leases::name(&instance.service, &instance.id);
            let deleted = name.clone();
            let delete = async move |leases: Api<Lease>| {
                let parameters = DeleteParams::default();
                match leases.delete(&deleted, &parameters).await {
                    Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
                    ended => ended.map(drop),
                }
            };
            self.change(&name, delete).await
        })
    }

    fn watch(&self, service: &str) -> BoxStream<Listing> {
        if let Err(status) = check_service(service) {
            return Box::pin(tokio_stream::once(Err(status)));
        }
        let (registry, service) = (self.clone(), service.to_owned());
        // Read on as it comes: what waits for a slow reader is the last list, and no events.
        let lists = async move {
            let (tell, lists) = watch::channel(Ok(Listing::new()));
            tokio::spawn(async move {
                let why = tokio::select! {
                    why = registry.follow(&service, &tell) => why,
                    () = tell.closed() => return,
                };
                let _earlier = tell.send_replace(Err(registry.give_up(&why)));
            });
            WatchStream::from_changes(lists)
        };
        Box::pin(stream::once(lists).flatten())
    }
}

/// The error with all its causes, of which the first often says little.
fn shown(error: &(dyn std::error::Error + 'static)) -> String {
    if let Some(kube::Error::Api(status)) = error.downcast_ref() {
        return format!("{} {}: {}", status.code, status.reason, status.message);
    }
    let mut shown = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !shown.contains(&said) {
            shown = format!("{shown}: {said}");
        }
        cause = error.source();
    }
    shown
}

impl fmt::Display for KubernetesService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.port {
            "" => f.write_str(&self.name),
            port => write!(f, "{}:{port}", self.name),
        }
    }
}

impl fmt::Debug for KubernetesRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kubernetes://{}", self.namespace)?;
        match &self.service {
            Some(service) => write!(f, "/{service}"),
            None => Ok(()),
        }
    }
}
