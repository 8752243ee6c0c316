//! Adapter: a directory of files, for the processes of one machine.

use super::record;
use crate::{
    BoxStream, Instance, Listing, Registry, RegistryFuture, Result, Status, check_service,
};
use std::{
    collections::BTreeMap,
    fmt, fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};
use tokio::sync::Mutex;

pub(super) const FORM: &str = "`files:///directory/package.Service` (files of this machine)";

/// How often a directory is looked at,
const POLL: Duration = Duration::from_millis(100);
/// and how often at least one that takes long to read, so that it costs little:
const POLL_MAX: Duration = Duration::from_millis(500);
/// it is left alone for so many times as long as that took.
const REST: u32 = 200;

/// A directory that was changed longer ago than this would show a newer time if it was
/// changed again, on whatever file system.
const CHANGED_LONG_AGO: Duration = Duration::from_secs(2);

/// A lease that ends later was given by a clock that has been set back since.
const LEASE_MAX: Duration = Duration::from_secs(2 * 3600);

/// What expired so long ago is removed by whoever registers next.
const REMOVED_AFTER: Duration = Duration::from_secs(60);

/// Files of one service that are looked at.
const FILES_MAX: usize = 100_000;

const ENDING: &str = ".json";

/// A directory of files, one for each instance: the processes of one machine find each
/// other with nothing installed. A file is JSON, and its modification time is when its
/// lease ends. It is replaced as a whole, so nobody reads half of one.
///
/// The directory is looked at ten times a second, or less often if it is large and
/// changes all the time; nobody but root and its owner and group may write to it, for
/// whoever can sends all clients wherever he likes. On a network's file system leases
/// depend on clocks that agree.
///
/// ```
/// use cordial::{Channel, FilesRegistry, Server};
///
/// let registry = FilesRegistry::new("/run/cordial");
/// let server = Server::new().register(registry);
/// let channel = Channel::to("files:///run/cordial/orders.v1.Orders");
/// ```
#[derive(Clone)]
pub struct FilesRegistry {
    directory: Arc<Path>,
    /// One change after another, in the order they were asked for.
    turn: Arc<Mutex<()>>,
}

/// `files:///run/cordial`, or `files://` for a directory of this user.
pub(super) fn open(authority: &str, path: &str) -> Result<Arc<dyn Registry>, String> {
    if !authority.is_empty() {
        return Err("a directory has no host, and here is one: write three slashes".to_owned());
    }
    Ok(Arc::new(match path {
        "" => FilesRegistry::of_user(),
        path => FilesRegistry::new(format!("/{path}")),
    }))
}

impl FilesRegistry {
    /// The registry in `directory`, which is made when something is registered.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into().into(),
            turn: Arc::default(),
        }
    }

    /// The registry in `$XDG_RUNTIME_DIR/cordial`, which the services of one user
    /// share, or if there is none in `/run/cordial`: what `files://` is.
    pub fn of_user() -> Self {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").filter(|path| !path.is_empty());
        let runtime = runtime.map_or_else(|| PathBuf::from("/run"), PathBuf::from);
        Self::new(runtime.join("cordial"))
    }

    /// Has a thread do what may take a while, after all that was asked for before.
    async fn change(
        &self,
        change: impl FnOnce(&Path) -> io::Result<()> + Send + 'static,
    ) -> Result<()> {
        let turn = self.turn.clone().lock_owned().await;
        let directory = self.directory.clone();
        let changed = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            change(&directory)
        });
        self.done(changed.await)
    }

    fn done<T>(&self, done: Result<io::Result<T>, tokio::task::JoinError>) -> Result<T> {
        let failed = |why: &dyn fmt::Display| Status::unavailable(format!("{self:?}: {why}"));
        match done {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(failed(&error)),
            Err(ended) => Err(failed(&ended)),
        }
    }
}

impl Registry for FilesRegistry {
    fn register<'a>(&'a self, instance: &'a Instance, lease: Duration) -> RegistryFuture<'a> {
        Box::pin(async move {
            instance.check()?;
            let (service, name) = (instance.service.clone(), file_name(instance));
            let record = record::write(instance);
            let put = move |directory: &Path| put(directory, &service, &name, &record, lease);
            self.change(put).await
        })
    }

    fn deregister<'a>(&'a self, instance: &'a Instance) -> RegistryFuture<'a> {
        Box::pin(async move {
            instance.check()?;
            let file = Path::new(&instance.service).join(file_name(instance));
            let removed = self.change(move |directory| {
                check_directory(directory)?;
                fs::remove_file(directory.join(file)).or_else(unless_missing)
            });
            removed.await
        })
    }

    fn watch(&self, service: &str) -> BoxStream<Listing> {
        if let Err(status) = check_service(service) {
            return Box::pin(tokio_stream::once(Err(status)));
        }
        let scan = Scan {
            directory: self.directory.clone(),
            service: service.to_owned(),
            entries: BTreeMap::new(),
            seen: None,
            ends: None,
            due: Instant::now(),
        };
        let watched = (self.clone(), Some(scan), false);
        Box::pin(futures_util::stream::unfold(
            watched,
            |(registry, scan, told)| async move {
                let mut scan = scan?;
                loop {
                    tokio::time::sleep_until(scan.due.into()).await;
                    let looked = tokio::task::spawn_blocking(move || {
                        let began = Instant::now();
                        let changed = scan.look()?;
                        let rest = (began.elapsed() * REST).clamp(POLL, POLL_MAX);
                        scan.due = Instant::now() + rest;
                        Ok((scan, changed))
                    });
                    let changed;
                    (scan, changed) = match registry.done(looked.await) {
                        Ok(looked) => looked,
                        Err(status) => return Some((Err(status), (registry, None, told))),
                    };
                    if changed || !told {
                        return Some((Ok(scan.listing()), (registry, Some(scan), true)));
                    }
                }
            },
        ))
    }

    fn is_local(&self) -> bool {
        true
    }
}

impl fmt::Debug for FilesRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "files://{}", self.directory.display())
    }
}

fn file_name(instance: &Instance) -> String {
    format!("{}{ENDING}", instance.id)
}

fn unless_missing<T: Default>(error: io::Error) -> io::Result<T> {
    match error.kind() {
        io::ErrorKind::NotFound => Ok(T::default()),
        _ => Err(error),
    }
}

/// What stands there must be a directory that not everybody can write to; whether it
/// is there.
fn check_directory(directory: &Path) -> io::Result<bool> {
    let metadata = match fs::metadata(directory) {
        Ok(metadata) => metadata,
        Err(error) => return unless_missing(error),
    };
    let shown = directory.display();
    if !metadata.is_dir() {
        return Err(io::Error::other(format!("`{shown}` is no directory")));
    }
    if metadata.mode() & 0o002 != 0 {
        let why =
            format!("everybody can write to `{shown}`, and say where services are: chmod o-w it");
        return Err(io::Error::other(why));
    }
    Ok(true)
}

/// Sees to it that the file is there as `record`, until the lease ends.
fn put(base: &Path, service: &str, name: &str, record: &[u8], lease: Duration) -> io::Result<()> {
    let directory = base.join(service);
    let until = SystemTime::now() + lease;
    check_directory(base)?;
    if check_directory(&directory)? && renew(&directory.join(name), record, until)? {
        return Ok(());
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(&directory)?;
    check_directory(base)?;
    check_directory(&directory)?;
    remove_old(&directory);
    // Readers pass over what begins with a dot.
    static FILES: AtomicU64 = AtomicU64::new(0);
    let number = FILES.fetch_add(1, Ordering::Relaxed);
    let process = std::process::id();
    let new = directory.join(format!(".{process}-{number}"));
    let mut options = fs::OpenOptions::new();
    let options = options.write(true).create_new(true).mode(0o644);
    let mut file = options.open(&new)?;
    let written = io::Write::write_all(&mut file, record).and_then(|()| file.set_modified(until));
    written
        .and_then(|()| fs::rename(&new, directory.join(name)))
        .inspect_err(|_| drop(fs::remove_file(&new)))
}

/// Renews the lease of a file that says `record`; whether it does. Whatever a link leads
/// to stays as it is.
fn renew(file: &Path, record: &[u8], until: SystemTime) -> io::Result<bool> {
    let found = fs::symlink_metadata(file);
    let opened = found.and_then(|found| match found.is_file() {
        true => Ok(Some((
            found,
            fs::OpenOptions::new().read(true).write(true).open(file)?,
        ))),
        false => Ok(None),
    });
    let (found, file) = match opened {
        Ok(Some(opened)) => opened,
        Ok(None) => return Ok(false),
        Err(error) => return unless_missing(error),
    };
    let metadata = file.metadata()?;
    if (metadata.dev(), metadata.ino()) != (found.dev(), found.ino()) {
        return Ok(false);
    }
    // What readers have taken for dead, or are about to, must be a new file to them.
    let now = SystemTime::now();
    let ends = metadata.modified()?;
    let is_live = (now + POLL..now + LEASE_MAX).contains(&ends);
    if !is_live || metadata.len() != record.len() as u64 {
        return Ok(false);
    }
    let mut read = Vec::with_capacity(record.len());
    io::Read::read_to_end(&mut io::Read::take(&file, record.len() as u64), &mut read)?;
    if read != record {
        return Ok(false);
    }
    file.set_modified(until)?;
    // In between its lease could have ended after all, on a busy machine, and it could have
    // been removed, or replaced.
    Ok(SystemTime::now() < ends && file.metadata()?.nlink() > 0)
}

/// Removes what servers left behind that died, as far as it can; nothing else.
fn remove_old(directory: &Path) {
    let now = SystemTime::now();
    let files = fs::read_dir(directory).into_iter().flatten();
    for file in files.take(FILES_MAX).flatten() {
        let name = file.file_name();
        if !name
            .to_str()
            .is_some_and(|name| is_record(name) || is_new(name))
        {
            continue;
        }
        let modified = match file.metadata() {
            Ok(metadata) if metadata.is_file() => metadata.modified(),
            _ => continue,
        };
        let age = modified.map(|modified| now.duration_since(modified).unwrap_or_default());
        if age.is_ok_and(|age| age > REMOVED_AFTER) {
            let _removed_already = fs::remove_file(file.path());
        }
    }
}

/// What is known of the files of one service.
struct Scan {
    directory: Arc<Path>,
    service: String,
    entries: BTreeMap<String, Entry>,
    /// When the directory had last been changed, as it said long after.
    seen: Option<SystemTime>,
    /// When the next lease ends.
    ends: Option<SystemTime>,
    /// When to look again.
    due: Instant,
}

struct Entry {
    /// The file, and when it was last changed in any way.
    stamp: (u64, i64, i64),
    read: Result<Arc<Instance>, String>,
    until: SystemTime,
}

impl Scan {
    /// Looks for changes; whether there are any.
    fn look(&mut self) -> io::Result<bool> {
        check_directory(&self.directory)?;
        let directory = self.directory.join(&self.service);
        if !check_directory(&directory)? {
            (self.seen, self.ends) = (None, None);
            let had = !self.entries.is_empty();
            self.entries.clear();
            return Ok(had);
        }
        let now = SystemTime::now();
        let modified = fs::metadata(&directory)?.modified()?;
        let all_live = self.ends.is_none_or(|ends| now < ends);
        if self.seen == Some(modified) && all_live {
            return Ok(false);
        }
        let long_ago = now
            .duration_since(modified)
            .is_ok_and(|age| age > CHANGED_LONG_AGO);
        self.seen = long_ago.then_some(modified);
        self.read(&directory, now)
    }

    fn read(&mut self, directory: &Path, now: SystemTime) -> io::Result<bool> {
        let mut old = std::mem::take(&mut self.entries);
        let mut changed = false;
        let files = match fs::read_dir(directory) {
            Ok(files) => files,
            Err(error) => {
                unless_missing::<()>(error)?;
                return Ok(!old.is_empty());
            }
        };
        for file in files.take(FILES_MAX) {
            let name = file?.file_name();
            let Some(name) = name.to_str().filter(|name| is_record(name)) else {
                continue;
            };
            let known = old.remove(name);
            let Some(entry) = entry(directory, name, known.as_ref(), now)? else {
                changed |= known.is_some();
                continue;
            };
            changed |= known.is_none_or(|known| !known.is_as(&entry));
            self.entries.insert(name.to_owned(), entry);
        }
        self.ends = self.entries.values().map(|entry| entry.until).min();
        Ok(changed || !old.is_empty())
    }

    fn listing(&self) -> Listing {
        let mut listing = Listing::new();
        for (name, entry) in &self.entries {
            match &entry.read {
                Ok(instance) => listing.add(instance.clone()),
                Err(why) => listing.skip(format_args!("file `{name}`: {why}")),
            }
        }
        listing
    }
}

impl Entry {
    fn is_as(&self, other: &Self) -> bool {
        match (&self.read, &other.read) {
            (Ok(one), Ok(other)) => Arc::ptr_eq(one, other),
            (Err(one), Err(other)) => one == other,
            _ => false,
        }
    }
}

fn is_record(name: &str) -> bool {
    !name.starts_with('.') && name.ends_with(ENDING)
}

/// Whether it is the name of a file that is to take the place of a record.
fn is_new(name: &str) -> bool {
    let numbers = name.strip_prefix('.').and_then(|name| name.split_once('-'));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    numbers.is_some_and(|(process, number)| is_number(process) && is_number(number))
}

/// What a file says, if its lease has not ended; from `known`, if that is still true.
fn entry(
    directory: &Path,
    name: &str,
    known: Option<&Entry>,
    now: SystemTime,
) -> io::Result<Option<Entry>> {
    let path = directory.join(name);
    let metadata = match fs::symlink_metadata(&path) {
        Ok(metadata) => metadata,
        Err(error) => return unless_missing(error),
    };
    let until = metadata.modified()?;
    if until <= now || until > now + LEASE_MAX {
        return Ok(None);
    }
    let stamp = (metadata.ino(), metadata.ctime(), metadata.ctime_nsec());
    if let Some(known) = known.filter(|known| known.stamp == stamp) {
        let read = known.read.clone();
        return Ok(Some(Entry { stamp, read, until }));
    }
    let read = match metadata.is_file() {
        false => Err("it is no file".to_owned()),
        true if metadata.len() > record::RECORD_BYTES_MAX as u64 => {
            Err("it is too large".to_owned())
        }
        true => match fs::read(&path) {
            Ok(bytes) => of_file(name, record::read(&bytes)),
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound => return Ok(None),
                _ => Err(error.to_string()),
            },
        },
    };
    // A renewal changes nothing.
    let read = match (&read, known.map(|known| &known.read)) {
        (Ok(new), Some(Ok(old))) if *new == **old => Ok(old.clone()),
        _ => read.map(Arc::new),
    };
    Ok(Some(Entry { stamp, read, until }))
}

fn of_file(name: &str, read: Result<Instance, String>) -> Result<Instance, String> {
    let instance = read?;
    match name.strip_suffix(ENDING) == Some(&*instance.id) {
        true => Ok(instance),
        false => Err("its id is not its name".to_owned()),
    }
}
