//! What every server does with an order: it writes it down, and then does it.

use super::{
    client::{Answer, Ask, Client, Method},
    pb::{Done, Order},
};
use crate::Result;
use std::{
    fs::File,
    io::Write,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, metadata::MetadataMap};

/// How a call says that it is not its first attempt (gRFC A6).
const ATTEMPTS: &str = "grpc-previous-rpc-attempts";
/// How long a tier gives the next one.
const TIER_TIMEOUT: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Book {
    executed: File,
    fails: AtomicBool,
    /// Orders that are worked on at once, if there is a bound.
    places: Option<Semaphore>,
    /// Who does the work, if not this server.
    next: Option<Client>,
}

impl Book {
    pub(super) fn new(log: &Path, places: Option<usize>, next: Option<Client>) -> Result<Self> {
        let executed = File::options().create(true).append(true).open(log)?;
        Ok(Self {
            executed,
            fails: AtomicBool::new(false),
            places: places.map(Semaphore::new),
            next,
        })
    }

    pub(super) async fn execute(
        &self,
        method: Method,
        order: Order,
        metadata: &MetadataMap,
    ) -> Answer<Done> {
        self.write_down(order.id)?;
        if self.fails.load(Ordering::Relaxed) {
            return Err(Status::unavailable("it was told to fail"));
        }
        let _place = match &self.places {
            Some(places) => places.acquire().await.ok(),
            None => None,
        };
        if order.wait_millis > 0 {
            tokio::time::sleep(wait(&order)).await;
        }
        let said = metadata.get(ATTEMPTS);
        let said = said.and_then(|said| said.to_str().ok()?.parse().ok());
        if let Some(next) = &self.next {
            next.call(&Ask::new(method, order, TIER_TIMEOUT)).await?;
        }
        Ok(Done {
            id: order.id,
            attempts_before: said.unwrap_or(0),
        })
    }

    pub(super) fn follow(&self, order: Order) -> Answer<ReceiverStream<Answer<Done>>> {
        self.write_down(order.id)?;
        let (sender, messages) = mpsc::channel(1);
        tokio::spawn(async move {
            for _ in 0..order.count {
                tokio::time::sleep(wait(&order)).await;
                let done = Done {
                    id: order.id,
                    attempts_before: 0,
                };
                if sender.send(Ok(done)).await.is_err() {
                    return;
                }
            }
        });
        Ok(ReceiverStream::new(messages))
    }

    pub(super) fn fail(&self, fails: bool) -> Done {
        self.fails.store(fails, Ordering::Relaxed);
        Done::default()
    }

    /// In one write, at the end of the file: the kernel has it from then on, and
    /// keeps it whatever becomes of this process.
    fn write_down(&self, id: u64) -> Answer<()> {
        let written = (&self.executed).write_all(&id.to_be_bytes());
        written
            .map_err(|error| Status::data_loss(format!("order {id} is not written down: {error}")))
    }
}

fn wait(order: &Order) -> Duration {
    Duration::from_millis(order.wait_millis.into())
}
