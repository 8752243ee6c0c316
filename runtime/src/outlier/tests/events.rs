//! What the log is told.

use super::*;
use std::{
    fmt::Write,
    sync::{Mutex, PoisonError},
};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
    subscriber::with_default,
};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).expect("a string takes everything");
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("cordial_runtime::outlier")
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(line.0);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn each_ejection_and_return_is_told_with_its_reason() {
    let log = Log::default();
    with_default(log.clone(), || {
        let mut cluster = Cluster::new(OutlierDetection::new(), 2);
        cluster.record(1, Outcome::Failed, 5);
        cluster.sweep();
        cluster.record(2, Outcome::Failed, 5);
        cluster.sweep();
        cluster.record(1, Outcome::Answered, 5);
        cluster.sweep();
        cluster.pass(5 * SECOND);
    });
    let lines = log.0.lock().unwrap_or_else(PoisonError::into_inner);
    let expected = [
        "WARN message=address ejected address=10.0.0.1:10001 reason=\"consecutive_failures\" \
         time=5s times=1 ignored=false",
        "WARN message=address ejected address=10.0.0.1:10002 reason=\"consecutive_failures\" \
         time=5s times=1 ignored=true",
        "WARN message=ejections are ignored: too few left ejected=2 present=2",
        "INFO message=address returned address=10.0.0.1:10001 reason=\"it answers\"",
        "INFO message=ejections are heeded again ejected=1 present=2",
        "INFO message=address returned address=10.0.0.1:10002 reason=\"its time is over\"",
    ];
    assert_eq!(*lines, expected);
}
