//! One single-threaded runtime for each core, with listeners of its own.

use super::{
    BoxFuture, Error, ErrorKind, Listener, Listening,
    accept::{Gate, accept},
    connection::Answer,
    listen::Accepting,
};
use std::{io, pin::pin, sync::Arc, thread};
use tokio::{
    runtime::{Builder, Runtime},
    sync::{oneshot, watch},
};

/// Threads that listen, and wait to be told what to serve.
pub(crate) struct Cores(Vec<Core>);

struct Core {
    work: oneshot::Sender<Work>,
    /// Ends when the thread does.
    ended: oneshot::Receiver<()>,
}

type Work = Box<dyn FnOnce(Vec<Accepting>) -> std::pin::Pin<Box<dyn Future<Output = ()>>> + Send>;

impl Cores {
    /// As many as this process may use.
    pub(crate) fn count() -> usize {
        thread::available_parallelism().map_or(1, usize::from)
    }

    /// Starts them, each with its share of every listener.
    pub(crate) async fn listening(
        listeners: Vec<Listener>,
        how: &Listening,
    ) -> Result<Self, Error> {
        let mut shares = Vec::new();
        shares.resize_with(how.shares, Vec::new);
        for listener in listeners {
            let each = listener.for_cores(how)?;
            for (share, listener) in shares.iter_mut().zip(each) {
                share.push(listener);
            }
        }
        Self::start(shares).await
    }

    async fn start(listeners: Vec<Vec<Listener>>) -> Result<Self, Error> {
        let failed = |error: io::Error| {
            Error::new(ErrorKind::Bind, "cannot start a core's own runtime").because(error)
        };
        let mut cores = Vec::new();
        for (number, listeners) in listeners.into_iter().enumerate() {
            let (work, told) = oneshot::channel();
            let (ready, started) = oneshot::channel();
            let (end, ended) = oneshot::channel();
            thread::Builder::new()
                .name(format!("cordial-core-{number}"))
                .spawn(move || {
                    match open(listeners) {
                        Ok((runtime, listeners)) => {
                            let _ = ready.send(Ok(()));
                            run(runtime, listeners, told);
                        }
                        Err(error) => drop(ready.send(Err(error))),
                    }
                    drop(end);
                })
                .map_err(failed)?;
            let started = started.await.map_err(io::Error::other);
            started.and_then(|started| started).map_err(failed)?;
            cores.push(Core { work, ended });
        }
        Ok(Self(cores))
    }

    /// As [`accept`], on every core. Dropping the future ends them at once.
    pub(crate) async fn accept(
        self,
        answer: impl Answer,
        gate: Arc<Gate>,
        shutdown: BoxFuture<()>,
    ) {
        let (stop, stopped) = watch::channel(false);
        let mut all_ended = Vec::new();
        for core in self.0 {
            let (answer, gate, stopped) = (answer.clone(), gate.clone(), stopped.clone());
            let work: Work =
                Box::new(|listeners| Box::pin(accept_until(listeners, answer, gate, stopped)));
            let _ = core.work.send(work);
            all_ended.push(core.ended);
        }
        let mut ended = pin!(async {
            for ended in all_ended {
                let _ = ended.await;
            }
        });
        tokio::select! {
            () = shutdown => {
                let _ = stop.send(true);
                ended.await;
            }
            () = ended.as_mut() => {}
        }
    }
}

/// `stopped` turns true to drain, and is closed to end at once.
async fn accept_until(
    listeners: Vec<Accepting>,
    answer: impl Answer,
    gate: Arc<Gate>,
    stopped: watch::Receiver<bool>,
) {
    let mut drains = stopped.clone();
    let draining = async move {
        if drains.wait_for(|stopped| *stopped).await.is_err() {
            std::future::pending().await
        }
    };
    let mut cuts = stopped;
    let cut = async move { while cuts.changed().await.is_ok() {} };
    tokio::select! {
        () = accept(listeners, answer, gate, draining) => {}
        () = cut => {}
    }
}

fn open(listeners: Vec<Listener>) -> io::Result<(Runtime, Vec<Accepting>)> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let listeners = {
        let _entered = runtime.enter();
        let opened: io::Result<Vec<_>> = listeners.into_iter().map(Accepting::open).collect();
        opened?
    };
    Ok((runtime, listeners))
}

fn run(runtime: Runtime, listeners: Vec<Accepting>, told: oneshot::Receiver<Work>) {
    runtime.block_on(async {
        if let Ok(work) = told.await {
            work(listeners).await;
        }
    });
    // What a handler left running on a thread of its own holds nobody up.
    runtime.shutdown_background();
}
