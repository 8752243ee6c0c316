//! What the library logs, on whatever thread.

use std::{
    fmt::{Debug, Write},
    sync::{Mutex, Once},
    time::Duration,
};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Keeps every line from now on, those of other tests too.
pub fn keep() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Keeper).unwrap());
}

/// Waits for a line that says all of `words`, and gives it.
pub async fn says(words: &[&str]) -> String {
    super::within(async {
        loop {
            if let Some(line) = find(words) {
                return line;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
}

/// How many lines say all of `words`.
pub fn count(words: &[&str]) -> usize {
    let lines = LINES.lock().unwrap();
    let all = |line: &&String| words.iter().all(|word| line.contains(word));
    lines.iter().filter(all).count()
}

fn find(words: &[&str]) -> Option<String> {
    let lines = LINES.lock().unwrap();
    let all = |line: &&String| words.iter().all(|word| line.contains(word));
    lines.iter().find(all).cloned()
}

struct Keeper;

impl Subscriber for Keeper {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("cordial")
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        LINES.lock().unwrap().push(line.0);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}
