//! Sockets that the service manager opened before it started this process.

use super::{Kind, Listener, refused};
use crate::engine::Error;
use listenfd::ListenFd;
use std::io;

pub(super) fn inherited() -> Result<Vec<Listener>, Error> {
    // In the order of the sockets, colons between: sd_listen_fds_with_names(3).
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':');
    let mut inherited = ListenFd::from_env();
    let mut all = Vec::new();
    for at in 0..inherited.len() {
        let name = names.next().filter(|name| !name.is_empty());
        let kind = take(&mut inherited, at).map_err(|error| {
            let name = name.unwrap_or("without a name");
            refused(&format!("inherited socket {at} ({name})"), error)
        })?;
        all.push(Listener {
            kind,
            name: name.map(str::to_owned),
        });
    }
    Ok(all)
}

fn take(inherited: &mut ListenFd, at: usize) -> io::Result<Kind> {
    if let Ok(Some(unix)) = inherited.take_unix_listener(at) {
        unix.set_nonblocking(true)?;
        return Ok(Kind::Unix(unix, None));
    }
    match inherited.take_tcp_listener(at)? {
        Some(tcp) => {
            tcp.set_nonblocking(true)?;
            Ok(Kind::Tcp { tcp, ours: false })
        }
        None => Err(io::Error::other("it was taken before")),
    }
}
