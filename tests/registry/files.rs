//! The contract over a directory of files, and what only files can do.

use cordial::{
    Channel, ErrorKind, FilesRegistry, Instance, Listing, Registry, Watch, open_registry,
};
use registry_contract::Harness;
use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};
use tokio_stream::StreamExt;

const SERVICE: &str = "orders.v1.Orders";

/// A directory of its own, removed in the end.
struct Files {
    directory: PathBuf,
}

impl Files {
    fn new() -> Self {
        static DIRECTORIES: AtomicU64 = AtomicU64::new(0);
        let number = DIRECTORIES.fetch_add(1, Ordering::Relaxed);
        let name = format!("registry-files-{}-{number}", std::process::id());
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&directory);
        Self { directory }
    }

    fn registry(&self) -> FilesRegistry {
        FilesRegistry::new(&self.directory)
    }

    fn away(&self) -> PathBuf {
        self.directory.with_extension("away")
    }

    fn clear(&self) {
        let Ok(services) = fs::read_dir(&self.directory) else {
            return;
        };
        for service in services {
            // A server may be writing there.
            let path = service.unwrap().path();
            while path.exists() && fs::remove_dir_all(&path).is_err() {}
        }
    }

    /// The only file there is.
    fn file(&self) -> PathBuf {
        let files = fs::read_dir(self.directory.join(SERVICE)).unwrap();
        let files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        assert_eq!(files.len(), 1, "{files:?}");
        files[0].clone()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
        let _ = fs::remove_file(&self.directory);
        let _ = fs::remove_dir_all(self.away());
    }
}

impl Harness for Files {
    const LEASE: Duration = Duration::from_secs(1);
    const SLACK: Duration = Duration::from_secs(1);

    async fn start() -> Self {
        Self::new()
    }

    fn client(&self) -> Arc<dyn Registry> {
        Arc::new(self.registry())
    }

    async fn wipe(&self) {
        self.clear();
    }

    async fn cut(&self) {
        // A directory that nothing was registered in is not there yet.
        let _ = fs::rename(&self.directory, self.away());
        fs::write(&self.directory, "no directory").unwrap();
    }

    async fn mend(&self) {
        fs::remove_file(&self.directory).unwrap();
        let _ = fs::rename(self.away(), &self.directory);
    }

    async fn restart_empty(&self) {
        self.cut().await;
        let _ = fs::remove_dir_all(self.away());
        fs::remove_file(&self.directory).unwrap();
    }

    async fn write_rubbish(&self, service: &str) -> bool {
        let path = self.directory.join(service).join("rubbish.json");
        fs::write(&path, "{nope").unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        let until = SystemTime::now() + Duration::from_secs(60);
        file.set_modified(until).unwrap();
        true
    }
}

registry_contract::suite!(Files);

fn instance(id: &str) -> Instance {
    Instance::new(SERVICE, id, "10.0.0.7:50051".parse().unwrap())
}

async fn first_list(registry: &FilesRegistry) -> Listing {
    let mut lists = registry.watch(SERVICE);
    let first = tokio::time::timeout(Duration::from_secs(15), lists.next()).await;
    first.expect("it is quick").unwrap().unwrap()
}

#[tokio::test]
async fn a_person_can_read_and_write_the_files() {
    let files = Files::new();
    let registry = files.registry();
    registry
        .register(&instance("one"), Duration::from_secs(60))
        .await
        .unwrap();
    let file = files.file();
    assert_eq!(file.file_name().unwrap(), "one.json");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(r#""address":"10.0.0.7:50051""#), "{text}");

    // A copy under another name says what it is not.
    let copy = file.with_file_name("two.json");
    fs::write(&copy, &text).unwrap();
    let lasts = SystemTime::now() + Duration::from_secs(60);
    let renew = |path: &Path| {
        let opened = fs::File::options().write(true).open(path).unwrap();
        opened.set_modified(lasts).unwrap();
    };
    renew(&copy);
    let listing = first_list(&registry).await;
    assert_eq!((listing.instances().len(), listing.skipped()), (1, 1));
    fs::write(&copy, text.replace(r#""id":"one""#, r#""id":"two""#)).unwrap();
    renew(&copy);
    let listing = first_list(&registry).await;
    assert_eq!((listing.instances().len(), listing.skipped()), (2, 0));
}

#[tokio::test]
async fn a_directory_that_everybody_can_write_to_is_not_believed() {
    let files = Files::new();
    let registry = files.registry();
    registry
        .register(&instance("one"), Duration::from_secs(60))
        .await
        .unwrap();
    for path in [&files.directory, &files.directory.join(SERVICE)] {
        let mode = |mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        mode(0o777);
        let refused = registry
            .register(&instance("two"), Duration::from_secs(60))
            .await;
        let said = refused.unwrap_err().to_string();
        assert!(said.contains("chmod o-w"), "{said}");
        let listed = registry.watch(SERVICE).next().await.unwrap();
        assert!(listed.is_err(), "{listed:?}");
        mode(0o755);
    }
    assert_eq!(first_list(&registry).await.instances().len(), 1);
}

#[tokio::test]
async fn links_are_not_followed() {
    let files = Files::new();
    let registry = files.registry();
    registry
        .register(&instance("one"), Duration::from_secs(60))
        .await
        .unwrap();
    let file = files.file();
    let elsewhere = files.directory.join("elsewhere");
    fs::rename(&file, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
    let listing = first_list(&registry).await;
    assert!(listing.instances().is_empty(), "{listing:?}");
    // Nor does a renewal: it puts a file where the link was.
    let until = || fs::metadata(&elsewhere).unwrap().modified().unwrap();
    let before = until();
    registry
        .register(&instance("one"), Duration::from_secs(90))
        .await
        .unwrap();
    assert_eq!(until(), before);
    assert!(fs::symlink_metadata(&file).unwrap().is_file());
    assert_eq!(first_list(&registry).await.instances().len(), 1);
}

#[tokio::test]
async fn what_the_dead_leave_behind_is_removed() {
    let files = Files::new();
    let registry = files.registry();
    registry
        .register(&instance("dead"), Duration::from_secs(60))
        .await
        .unwrap();
    let dead = files.file();
    let directory = dead.parent().unwrap();
    // Something else that stands there is nobody's to remove, nor in the way.
    let others = ["notes.txt", ".hidden", ".1-", ".a-1"];
    let unfinished = ".123-4";
    for name in others.iter().chain([&unfinished]) {
        fs::write(directory.join(name), "").unwrap();
    }
    for name in others.iter().chain([&unfinished, &"dead.json"]) {
        let file = fs::File::options().write(true).open(directory.join(name));
        let long_ago = SystemTime::now() - Duration::from_secs(61);
        file.unwrap().set_modified(long_ago).unwrap();
    }
    let no_file = directory.join("directory.json");
    fs::create_dir(&no_file).unwrap();
    let no_file = fs::File::open(no_file).unwrap();
    no_file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    registry
        .register(&instance("lives"), Duration::from_secs(60))
        .await
        .unwrap();
    let left = fs::read_dir(directory).unwrap();
    let left = left.map(|file| file.unwrap().file_name().into_string().unwrap());
    let left: std::collections::BTreeSet<_> = left.collect();
    let mut wanted: std::collections::BTreeSet<_> = others.map(str::to_owned).into();
    wanted.extend(["directory.json", "lives.json"].map(str::to_owned));
    assert_eq!(left, wanted);
    let mode = fs::metadata(directory.join("lives.json")).unwrap().mode();
    assert_eq!(mode & 0o022, 0, "{mode:o}");
}

#[tokio::test]
async fn a_clock_set_back_keeps_nobody_alive() {
    let files = Files::new();
    let registry = files.registry();
    registry
        .register(&instance("one"), Duration::from_secs(60))
        .await
        .unwrap();
    let file = fs::File::options().write(true).open(files.file()).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(86_400))
        .unwrap();
    let mut watch = Watch::new(registry.clone(), SERVICE);
    assert!(watch.next().await.unwrap().instances().is_empty());
    // Whoever is alive says so by the clock as it is now.
    registry
        .register(&instance("one"), Duration::from_secs(60))
        .await
        .unwrap();
    assert_eq!(watch.next().await.unwrap().instances().len(), 1);
}

#[test]
fn urls_lead_to_directories() {
    assert_eq!(
        format!("{:?}", open_registry("files:///run/a%20b").unwrap()),
        "files:///run/a b"
    );
    assert!(open_registry("files://").is_ok());
    assert!(Channel::to("files:///run/cordial/orders.v1.Orders").is_ok());
    assert!(Channel::to("files:///orders.v1.Orders").is_ok());
    let error = Channel::to("files://host/run/orders.v1.Orders").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Address);
    assert!(error.to_string().contains("three slashes"), "{error}");
    let error = open_registry("files://ada:secret@host/run").unwrap_err();
    assert!(!error.to_string().contains("secret"), "{error}");
}
