//! Where a server listens, and that nothing a peer or the machine does ends it.

mod child;
#[path = "../common/mod.rs"]
mod common;
mod cores;
mod exhausted;
mod own;
mod several;
mod systemd;
mod unix;

use common::*;
use cordial_runtime::{Channel, Code, Server, Status};
use std::path::PathBuf;

/// Says back where its caller calls from.
fn who() -> Server {
    let probe = Probe::echo().unary(|request| async move {
        let peer = request.peer().unwrap().address();
        Ok(note(&peer.to_string()).into())
    });
    Server::new().add(probe.routes())
}

/// Whom the server at `uri` takes us for.
async fn call(uri: &str) -> Result<String, Status> {
    let channel = Channel::to(uri).unwrap();
    let reply = within(channel.unary(UNARY, note("")).into_future()).await?;
    Ok(reply.into_inner().text)
}

async fn is_gone(uri: &str) {
    assert_eq!(call(uri).await.unwrap_err().code(), Code::Unavailable);
}

/// A path for this test alone; what is there goes with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let file = format!("cordial-listen-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(file);
        let _ = std::fs::remove_file(&path);
        Self(path)
    }

    fn uri(&self) -> String {
        format!("unix:{}", self.0.display())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
