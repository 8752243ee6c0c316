//! The registry that tells of servers: where it is, what it tells and when, and how
//! it is taken away.

use super::cluster::Scratch;
use crate::Result;
use cordial::{Watch, open_registry};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;

/// What all servers serve.
pub(super) const SERVICE: &str = "orders.v1.Orders";

/// How long a server that died is listed.
pub(super) const LEASE: Duration = Duration::from_secs(3);

/// How long to wait for a list that should come.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, Default, clap::Args)]
pub(super) struct Options {
    /// The registry of `found`, `wiped`, `upgrade` and `crowd`: by default a directory of
    /// its own. `files:///directory` is emptied. `etcd://…`, `nats://…` and
    /// `consul://…` need `--features etcd`, `nats` and `consul`
    #[arg(long, value_name = "URL")]
    registry: Option<String>,
    /// What takes that registry away (`sh -c`), for `wiped`
    #[arg(long, value_name = "COMMAND", requires_all = ["registry", "registry_back"])]
    registry_away: Option<String>,
    /// What brings it back without its data, and ends
    #[arg(long, value_name = "COMMAND", requires = "registry_away")]
    registry_back: Option<String>,
}

#[derive(Debug)]
pub(super) struct Discovery {
    url: String,
    fault: Fault,
    /// Holds the directory of the registry, if nobody named one.
    _scratch: Option<Scratch>,
}

/// How the registry goes away and comes back empty.
#[derive(Debug)]
enum Fault {
    /// Something that is no directory takes its place.
    Directory(PathBuf),
    Commands {
        away: String,
        back: String,
    },
    Unknown,
}

impl Discovery {
    pub(super) fn new(options: &Options) -> Result<Self> {
        let (url, scratch) = match &options.registry {
            Some(url) => (url.trim_end_matches('/').to_owned(), None),
            None => {
                let scratch = Scratch::new()?;
                let directory = scratch.path().join("registry");
                (format!("files://{}", directory.display()), Some(scratch))
            }
        };
        open_registry(&url)?;
        let commands = options
            .registry_away
            .clone()
            .zip(options.registry_back.clone());
        let fault = match (commands, url.strip_prefix("files://")) {
            (Some((away, back)), _) => Fault::Commands { away, back },
            (None, Some(directory)) => Fault::Directory(directory.into()),
            (None, None) => Fault::Unknown,
        };
        Ok(Self {
            url,
            fault,
            _scratch: scratch,
        })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Fails if nobody said how.
    pub(super) fn can_go_away(&self) -> Result {
        match self.fault {
            Fault::Unknown => Err(format!(
                "how does the registry at `{}` go away? Say `--registry-away` and \
                 `--registry-back`, or leave out `wiped` with `--only`",
                self.url
            )
            .into()),
            _ => Ok(()),
        }
    }

    /// Nobody reaches it from now on.
    pub(super) async fn goes_away(&self) -> Result {
        match &self.fault {
            Fault::Directory(directory) => {
                fs::rename(directory, beside(directory))?;
                Ok(fs::write(directory, "")?)
            }
            Fault::Commands { away, .. } => run(away.clone()).await,
            Fault::Unknown => self.can_go_away(),
        }
    }

    /// It is there again, and knows of nobody.
    pub(super) async fn comes_back_empty(&self) -> Result {
        match &self.fault {
            Fault::Directory(directory) => {
                fs::remove_file(directory)?;
                fs::create_dir(directory)?;
                Ok(fs::remove_dir_all(beside(directory))?)
            }
            Fault::Commands { back, .. } => run(back.clone()).await,
            Fault::Unknown => self.can_go_away(),
        }
    }
}

/// Where the directory is while it is away.
fn beside(directory: &Path) -> PathBuf {
    directory.with_extension(format!("away-{}", std::process::id()))
}

async fn run(command: String) -> Result {
    let ended = tokio::task::spawn_blocking({
        let command = command.clone();
        move || Command::new("sh").args(["-c", &command]).status()
    });
    match ended.await??.success() {
        true => Ok(()),
        false => Err(format!("`{command}` failed").into()),
    }
}

/// The addresses that the registry told, and when.
type Told = Vec<(Instant, BTreeSet<String>)>;

/// Somebody who only looks at the registry; stops when dropped.
#[derive(Debug)]
pub(super) struct Lists {
    told: Arc<Mutex<Told>>,
    looking: JoinHandle<()>,
}

impl Lists {
    pub(super) fn of(url: &str) -> Result<Self> {
        let mut watch = Watch::new(open_registry(url)?, SERVICE);
        let told = Arc::<Mutex<Told>>::default();
        let here = told.clone();
        let looking = tokio::spawn(async move {
            loop {
                // Why there is no list now is the row's to say, and there will be one.
                let Ok(listing) = watch.next().await else {
                    continue;
                };
                let instances = listing.instances().iter();
                let addresses = instances.map(|instance| instance.address.to_string());
                let mut told = here.lock().unwrap_or_else(PoisonError::into_inner);
                told.push((Instant::now(), addresses.collect()));
            }
        });
        Ok(Self { told, looking })
    }

    fn told(&self) -> Told {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.clone()
    }

    /// How long after `since` a list was told that is as it should be, if one comes.
    pub(super) async fn until(
        &self,
        since: Instant,
        is_it: impl Fn(&BTreeSet<String>) -> bool,
    ) -> Option<Duration> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let told = self.told();
            let found = told.iter().find(|(at, list)| *at >= since && is_it(list));
            if let Some((at, _)) = found {
                return Some(at.duration_since(since));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        None
    }
}

impl Drop for Lists {
    fn drop(&mut self) {
        self.looking.abort();
    }
}

/// How long after `since` all of them had told lists that are as they should be.
pub(super) async fn until_all(
    lists: &[Lists],
    since: Instant,
    is_it: impl Fn(&BTreeSet<String>) -> bool,
) -> Option<Duration> {
    let mut longest = Duration::ZERO;
    for lists in lists {
        longest = longest.max(lists.until(since, &is_it).await?);
    }
    Some(longest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cordial::Instance;

    #[tokio::test]
    async fn a_directory_goes_away_and_comes_back_empty() {
        let discovery = Discovery::new(&Options::default()).unwrap();
        let registry = open_registry(discovery.url()).unwrap();
        let address = "127.0.0.1:1".to_owned();
        let instance = Instance::new(SERVICE, "one", address.parse().unwrap());
        registry.register(&instance, LEASE).await.unwrap();
        let lists = Lists::of(discovery.url()).unwrap();
        let listed = |list: &BTreeSet<String>| list.contains(&address);
        let began = Instant::now();
        assert!(lists.until(began, listed).await.is_some());
        discovery.goes_away().await.unwrap();
        assert!(registry.register(&instance, LEASE).await.is_err());
        discovery.comes_back_empty().await.unwrap();
        let back = Instant::now();
        let lists = [Lists::of(discovery.url()).unwrap()];
        assert!(until_all(&lists, back, BTreeSet::is_empty).await.is_some());
    }

    #[test]
    fn who_takes_away_a_registry_that_is_no_directory_is_asked_for() {
        let of = |url: &str, command: Option<&str>| {
            Discovery::new(&Options {
                registry: Some(url.to_owned()),
                registry_away: command.map(str::to_owned),
                registry_back: command.map(str::to_owned),
            })
            .unwrap()
        };
        assert!(of("memory://here", None).can_go_away().is_err());
        assert!(of("memory://here", Some("true")).can_go_away().is_ok());
        assert!(of("files:///srv/here/", None).can_go_away().is_ok());
    }
}
