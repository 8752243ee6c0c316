//! A call of each kind, and a service that answers them.

use crate::common::*;
use cordial_runtime::{Channel, Response, Result, Status, Streaming};
use futures_util::{StreamExt, stream};
use std::{
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

/// Messages of a stream.
const NOTES: u64 = 3;

/// Requests whose handlers saw an end before all of their messages.
pub static DONE_IN_PART: AtomicUsize = AtomicUsize::new(0);

/// What became of a call.
#[derive(Debug)]
pub enum Ended {
    Whole,
    /// It succeeded, and something is missing.
    InPart(u64),
    Failed(Status),
}

#[derive(Clone, Copy, Debug)]
pub enum Call {
    Unary,
    ServerStreaming,
    ClientStreaming,
    Bidi,
}

impl Call {
    pub const ALL: [Self; 4] = [
        Self::Unary,
        Self::ServerStreaming,
        Self::ClientStreaming,
        Self::Bidi,
    ];

    /// On a connection of its own.
    pub async fn make(self, address: SocketAddr, timeout: Duration) -> Ended {
        let channel = Channel::to(format!("http://{address}")).unwrap();
        match self.answered(&channel, timeout).await {
            Ok(NOTES) => Ended::Whole,
            Ok(other) => Ended::InPart(other),
            Err(status) => Ended::Failed(status),
        }
    }

    /// How many notes went there and came back.
    async fn answered(self, channel: &Channel, timeout: Duration) -> Result<u64> {
        let asking = Note {
            number: NOTES,
            ..note("how many?")
        };
        let each = || stream::iter((0..NOTES).map(|nth| note(&nth.to_string())));
        match self {
            Self::Unary => {
                let reply = channel.unary(UNARY, asking).timeout(timeout).await?;
                Ok(reply.into_inner().number)
            }
            Self::ServerStreaming => {
                let call = channel.server_streaming(SERVER_STREAMING, asking);
                count(call.timeout(timeout).await?.into_inner()).await
            }
            Self::ClientStreaming => {
                let call = channel.client_streaming(CLIENT_STREAMING, each());
                Ok(call.timeout(timeout).await?.into_inner().number)
            }
            Self::Bidi => {
                let call = channel.bidi_streaming(BIDI, each());
                count(call.timeout(timeout).await?.into_inner()).await
            }
        }
    }
}

async fn count(mut notes: Streaming<Note>) -> Result<u64> {
    let mut count = 0;
    while notes.message().await?.is_some() {
        count += 1;
    }
    Ok(count)
}

/// Tells how many notes came, or gives each back.
pub fn probe() -> Probe {
    Probe::echo()
        .client_streaming(|request| async move {
            let number = count(request.into_inner()).await?;
            judge(number);
            Ok(Response::new(Note {
                number,
                ..note("so many")
            }))
        })
        .bidi(|request| async move {
            let notes = stream::unfold(Some((request.into_inner(), 0)), |reading| async {
                let (mut notes, seen) = reading?;
                match notes.message().await {
                    Ok(Some(note)) => Some((Ok(note), Some((notes, seen + 1)))),
                    Ok(None) => {
                        judge(seen);
                        None
                    }
                    Err(status) => Some((Err(status), None)),
                }
            });
            Ok(Response::new(notes.boxed()))
        })
}

/// A request has come to what looks like its end.
fn judge(notes: u64) {
    if notes != NOTES {
        DONE_IN_PART.fetch_add(1, Relaxed);
    }
}
