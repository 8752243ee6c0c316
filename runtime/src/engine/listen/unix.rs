//! Unix sockets leave a file, which outlives a server that was killed.

use super::Listening;
use std::{
    fs::{self, File, Metadata},
    io,
    os::unix::{
        fs::{FileTypeExt, MetadataExt},
        net::UnixListener,
    },
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::net::{UnixSocket, UnixStream};

/// How often, and how far apart, to ask for a folder that another process has locked.
const LOCK_TRIES: usize = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// The file of a socket we made, which is ours to remove as long as nobody has
/// put another in its place.
pub(super) struct Made {
    path: PathBuf,
    file: (u64, u64),
}

impl Drop for Made {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|found| identity(&found) == self.file) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// Listens at `path`, where a dead server may have left its socket.
pub(super) async fn bind(path: &Path, how: &Listening) -> io::Result<(UnixListener, Made)> {
    // Of two servers that start at once, neither takes the other's socket, bound
    // and not listening yet, for a dead one.
    let locked = lock(path.parent().unwrap_or(Path::new(""))).await;
    match listen(path, how) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            if locked.is_none() {
                return Err(error);
            }
            remove_dead(path).await?;
            listen(path, how)
        }
        bound => bound,
    }
}

/// Until the file is dropped no other server of ours binds in `folder`.
async fn lock(folder: &Path) -> Option<File> {
    let folder = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    let folder = File::open(folder).ok()?;
    for _ in 0..LOCK_TRIES {
        if folder.try_lock().is_ok() {
            return Some(folder);
        }
        tokio::time::sleep(LOCK_PAUSE).await;
    }
    None
}

fn listen(path: &Path, how: &Listening) -> io::Result<(UnixListener, Made)> {
    let socket = UnixSocket::new_stream()?;
    socket.bind(path)?;
    let made = Made {
        path: path.to_owned(),
        file: identity(&fs::symlink_metadata(path)?),
    };
    let unix = socket.listen(how.backlog)?.into_std()?;
    Ok((unix, made))
}

async fn remove_dead(path: &Path) -> io::Result<()> {
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        return Err(in_use("there is a file that is no socket"));
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            tracing::info!(path = %path.display(), "removed the socket of a server that is gone");
            fs::remove_file(path)
        }
        // One whose backlog is full lives, too.
        Ok(_) | Err(_) => Err(in_use("another server listens there; stop it first")),
    }
}

fn in_use(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::AddrInUse, why)
}
