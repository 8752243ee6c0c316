//! A connection that breaks or falls silent after any byte of a call, whichever
//! way the byte went and whatever the kind of the call: it ends, with the code
//! that says so, and nobody takes half of it for the whole.

#[path = "../common/mod.rs"]
mod common;

mod calls;

use calls::{Call, DONE_IN_PART, Ended};
use common::*;
use cordial_runtime::{Code, Server};
use faulty_proxy::{Break, Faults, Proxy, Way};
use futures_util::{StreamExt, stream};
use std::{
    net::SocketAddr,
    sync::{
        Once,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// So many at once: each needs half a dozen open files.
const CASES_AT_ONCE: usize = 100;
/// A call over a connection that fell silent waits for as long.
const SHORT: Duration = Duration::from_millis(300);
/// One over a connection that broke does not wait.
const LONG: Duration = Duration::from_secs(10);
/// The same call may come in one frame more.
const FRAME_HEADER_BYTES: u64 = 9;
/// What a crowded machine may add.
const LATE_MAX: Duration = Duration::from_secs(5);

static PANICS: AtomicUsize = AtomicUsize::new(0);

#[derive(Clone, Copy, Debug)]
enum Direction {
    ToServer,
    ToClient,
}

/// One call over one connection.
#[derive(Clone, Copy, Debug)]
struct Case {
    call: Call,
    direction: Direction,
    how: Break,
    after_bytes: u64,
}

impl Case {
    fn faults(self) -> Faults {
        let way = Way::broken(self.how, self.after_bytes);
        match self.direction {
            Direction::ToServer => Faults {
                to_server: way,
                ..Faults::default()
            },
            Direction::ToClient => Faults {
                to_client: way,
                ..Faults::default()
            },
        }
    }

    /// Whether it was disturbed at all; an error says what is wrong with how it went.
    async fn play(self, server: SocketAddr) -> Result<bool, String> {
        let proxy = Proxy::start_with(server, self.faults()).await.unwrap();
        let (timeout, code) = match self.how {
            Break::Silence => (SHORT, Code::DeadlineExceeded),
            Break::Reset | Break::HalfClose => (LONG, Code::Unavailable),
        };
        let began = Instant::now();
        let call = self.call.make(proxy.address(), timeout);
        let wrong = match tokio::time::timeout(timeout + LATE_MAX, call).await {
            Ok(Ended::Whole) if self.after_bytes > 0 => return Ok(false),
            Ok(Ended::Whole) => "succeeded over nothing".into(),
            Ok(Ended::InPart(notes)) => format!("succeeded with {notes} notes"),
            Ok(Ended::Failed(status)) if status.code() == code => return Ok(true),
            Ok(Ended::Failed(status)) => status.to_string(),
            Err(_) => format!("hung for {:?}", began.elapsed()),
        };
        Err(format!("{self:?}: {wrong}"))
    }
}

fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.fetch_add(1, Relaxed);
            usual(panic);
        }));
    });
}

/// Bytes of one call of a kind that nobody disturbs, each way.
async fn record(call: Call, server: SocketAddr) -> (u64, u64) {
    let proxy = Proxy::start(server).await.unwrap();
    let ended = within(call.make(proxy.address(), LONG)).await;
    assert!(matches!(ended, Ended::Whole), "{call:?}: {ended:?}");
    proxy.carried()
}

async fn after_every_byte(how: Break) {
    count_panics();
    let serving = Serving::start(Server::new().add(calls::probe().routes())).await;
    let server = serving.address().parse().unwrap();
    let mut wrong = Vec::new();
    for call in Call::ALL {
        let (to_server, to_client) = record(call, server).await;
        for (direction, bytes) in [
            (Direction::ToServer, to_server),
            (Direction::ToClient, to_client),
        ] {
            let cases = (0..=bytes + FRAME_HEADER_BYTES).map(|after_bytes| Case {
                call,
                direction,
                how,
                after_bytes,
            });
            let played: Vec<_> = stream::iter(cases)
                .map(|case| tokio::spawn(case.play(server)))
                .buffer_unordered(CASES_AT_ONCE)
                .map(|played| played.unwrap())
                .collect()
                .await;
            let disturbed = played.iter().filter(|played| **played == Ok(true)).count();
            assert!(disturbed > 50, "{call:?} {direction:?}: {disturbed}");
            // A call that has little time may be late though nothing disturbs it.
            let whole = played.contains(&Ok(false));
            assert!(whole || how == Break::Silence, "{call:?} {direction:?}");
            wrong.extend(played.into_iter().filter_map(Result::err));
        }
    }
    assert_eq!(wrong, [""; 0], "{} cases", wrong.len());
    assert_eq!(PANICS.load(Relaxed), 0);
    let in_part = DONE_IN_PART.load(Relaxed);
    assert_eq!(in_part, 0, "handlers took half a request for the whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_after_any_byte_is_unavailable() {
    after_every_byte(Break::Reset).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_after_any_byte_ends_with_the_deadline() {
    after_every_byte(Break::Silence).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_after_any_byte_is_unavailable() {
    after_every_byte(Break::HalfClose).await;
}
