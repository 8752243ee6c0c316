//! A line to a registry that can be cut.

use cordial_runtime::{BoxStream, Instance, Listing, Registry, RegistryFuture, Status};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;
use tokio_stream::StreamExt;

/// Whether the clients behind it reach their registry. Clones are one line.
#[derive(Clone, Debug)]
pub struct Line(Arc<watch::Sender<bool>>);

impl Line {
    /// Whole.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Cuts it, or mends it.
    pub fn set_cut(&self, cut: bool) {
        self.0.send_replace(cut);
    }
}

impl Default for Line {
    fn default() -> Self {
        Self::new()
    }
}

/// A registry behind a line: what it is asked while that is cut fails, as do the
/// watches that had begun. For registries without a wire of their own.
#[derive(Debug)]
pub struct Cuttable {
    inner: Arc<dyn Registry>,
    line: Line,
}

impl Cuttable {
    /// `inner`, at the end of `line`.
    #[must_use]
    pub fn new(inner: Arc<dyn Registry>, line: Line) -> Self {
        Self { inner, line }
    }

    async fn reach(&self) -> Result<(), Status> {
        if *self.line.0.borrow() {
            tokio::time::sleep(Duration::from_millis(20)).await;
            return Err(away());
        }
        Ok(())
    }
}

fn away() -> Status {
    Status::unavailable("the line is cut")
}

impl Registry for Cuttable {
    fn register<'a>(&'a self, instance: &'a Instance, lease: Duration) -> RegistryFuture<'a> {
        Box::pin(async move {
            instance.check()?;
            self.reach().await?;
            self.inner.register(instance, lease).await
        })
    }

    fn deregister<'a>(&'a self, instance: &'a Instance) -> RegistryFuture<'a> {
        Box::pin(async move {
            self.reach().await?;
            self.inner.deregister(instance).await
        })
    }

    fn watch(&self, service: &str) -> BoxStream<Listing> {
        let (lists, read) = tokio::sync::mpsc::channel(1);
        let mut inner = self.inner.watch(service);
        let mut cut = self.line.0.subscribe();
        tokio::spawn(async move {
            loop {
                let listed = tokio::select! {
                    biased;
                    _ = cut.wait_for(|cut| *cut) => Some(Err(away())),
                    () = lists.closed() => return,
                    // Read only when it can be passed on: what is slow misses lists.
                    listed = async {
                        let _place = lists.reserve().await;
                        inner.next().await
                    } => listed,
                };
                let Some(listed) = listed else { return };
                let is_last = listed.is_err();
                if lists.send(listed).await.is_err() || is_last {
                    return;
                }
            }
        });
        Box::pin(tokio_stream::wrappers::ReceiverStream::new(read))
    }

    fn is_local(&self) -> bool {
        self.inner.is_local()
    }

    fn needs_tls(&self) -> bool {
        self.inner.needs_tls()
    }
}
