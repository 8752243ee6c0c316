//! What the methods do, whichever server they are reached by.

use super::message::{Count, Note};
use futures_util::{Stream, stream};
use std::{
    sync::atomic::{AtomicU64, Ordering::SeqCst},
    time::Duration,
};

/// As much as a client reads by default, its frame and field tags included.
const LARGE_BYTES: usize = (4 << 20) - 16;
const ENDLESS_BYTES: usize = 16 << 10;
/// Longer than any row lasts.
const SLOW: Duration = Duration::from_secs(300);

static NOW: AtomicU64 = AtomicU64::new(0);
static MOST: AtomicU64 = AtomicU64::new(0);
static TOTAL: AtomicU64 = AtomicU64::new(0);

/// A handler runs while this lives.
#[derive(Debug)]
pub(super) struct Running;

impl Running {
    pub(super) fn start() -> Self {
        TOTAL.fetch_add(1, SeqCst);
        MOST.fetch_max(NOW.fetch_add(1, SeqCst) + 1, SeqCst);
        Self
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        NOW.fetch_sub(1, SeqCst);
    }
}

pub(super) fn count() -> Count {
    Count {
        now: NOW.load(SeqCst),
        most: MOST.load(SeqCst),
        total: TOTAL.load(SeqCst),
    }
}

/// 4 MiB.
pub(super) fn large() -> Note {
    let _running = Running::start();
    Note {
        payload: vec![0x5a; LARGE_BYTES],
        number: 0,
    }
}

/// Works until nobody waits any more.
pub(super) async fn slow() -> Note {
    let _running = Running::start();
    tokio::time::sleep(SLOW).await;
    Note::default()
}

/// Notes without end.
pub(super) fn endless() -> impl Stream<Item = Note> + Send {
    let running = Running::start();
    stream::repeat_with(move || {
        let _running = &running;
        Note {
            payload: vec![0x5a; ENDLESS_BYTES],
            number: 0,
        }
    })
}
