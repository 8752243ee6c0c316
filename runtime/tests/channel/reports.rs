//! Servers that say how busy they are, and channels that heed it.

use crate::common::*;
use cordial_runtime::{
    Channel, Code, LoadReport, LoadReporter, Response, Server, SlowStart, Status,
    WeightedRoundRobin,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

/// How busy a server says it is, of 100.
type Percent = Arc<AtomicU32>;

fn report(percent: &Percent) -> LoadReport {
    LoadReport {
        qps: 100.0,
        eps: 0.0,
        utilization: f64::from(percent.load(Ordering::SeqCst)) / 100.0,
    }
}

/// Answers, and says so in the trailers.
async fn answering(percent: &Percent) -> Serving {
    let percent = percent.clone();
    let probe = Probe::echo().unary(move |request| {
        let report = report(&percent);
        async move {
            let mut response = Response::new(request.into_inner());
            report.attach_to(response.trailers_mut());
            Ok(response)
        }
    });
    Serving::start(Server::new().add(probe.routes())).await
}

/// Finds nothing, and says so with the status.
async fn finding_nothing(percent: &Percent) -> Serving {
    let percent = percent.clone();
    let probe = Probe::echo().unary(move |_| {
        let report = report(&percent);
        async move {
            let mut status = Status::not_found("nothing");
            report.attach_to(status.metadata_mut());
            Err(status)
        }
    });
    Serving::start(Server::new().add(probe.routes())).await
}

/// How many of 100 calls are answered.
async fn answered(channel: &Channel) -> u32 {
    let mut answered = 0;
    for _ in 0..100 {
        match within(channel.unary(UNARY, note("")).into_future()).await {
            Ok(_) => answered += 1,
            Err(status) => {
                assert_eq!(status.code(), Code::NotFound, "{status:?}");
                // A handler would pass it on as its own.
                assert!(status.metadata().is_empty(), "{status:?}");
            }
        }
    }
    answered
}

fn prompt() -> WeightedRoundRobin {
    WeightedRoundRobin::new()
        .with_blackout(Duration::ZERO)
        .with_update_period(Duration::from_millis(100))
        .with_slow_start(SlowStart::off())
}

#[tokio::test]
async fn calls_follow_what_servers_report() {
    let percents = [Percent::new(90.into()), Percent::new(10.into())];
    let servers = (
        answering(&percents[0]).await,
        finding_nothing(&percents[1]).await,
    );
    let uri = format!("static:///{},{}", servers.0.address(), servers.1.address());
    let channel = Channel::to(uri).unwrap().with_balancer(prompt());
    // By weights of 111 and 1,000: each first, a tenth of the calls then.
    within(async { while !(5..=15).contains(&answered(&channel).await) {} }).await;
    for (percent, other) in percents.iter().zip([10, 90]) {
        percent.store(other, Ordering::SeqCst);
    }
    within(async { while !(85..=95).contains(&answered(&channel).await) {} }).await;
    // Both alike.
    percents[0].store(90, Ordering::SeqCst);
    within(async { while !(45..=55).contains(&answered(&channel).await) {} }).await;
}

#[tokio::test]
async fn what_cannot_be_read_changes_nothing() {
    let percents = [Percent::new(90.into()), Percent::new(10.into())];
    let told = answering(&percents[0]).await;
    let garbled = Probe::echo().unary(|_| async {
        let mut status = Status::not_found("nothing");
        let garbage = tonic::metadata::MetadataValue::from_bytes(b"\xff\xff");
        let metadata = status.metadata_mut();
        metadata.insert_bin("endpoint-load-metrics-bin", garbage);
        Err(status)
    });
    let garbled = Serving::start(Server::new().add(garbled.routes())).await;
    let uri = format!("static:///{},{}", told.address(), garbled.address());
    let channel = Channel::to(uri).unwrap().with_balancer(prompt());
    within(async { while answered(&channel).await == 100 {} }).await;
    // One report is no report.
    for _ in 0..5 {
        assert_eq!(answered(&channel).await, 50);
    }
}

/// So many calls a second for 20 s, every other of which ends with `status`; what
/// the last reply says.
async fn told(channel: &Channel, per_second: u32, status: Code) -> LoadReport {
    let mut last = None;
    for nth in 0..20 * per_second {
        let code = if nth % 2 == 0 { Code::Ok } else { status };
        let text = (code as i32).to_string();
        let reply = channel.unary(UNARY, note(&text)).await;
        match reply {
            Ok(reply) => last = LoadReport::read_from(reply.trailers()),
            Err(status) => assert!(status.metadata().is_empty(), "{status:?}"),
        }
        tokio::time::advance(Duration::from_secs(1) / per_second).await;
    }
    last.expect("a reply has a report")
}

#[tokio::test(start_paused = true)]
async fn a_server_counts_its_calls_and_failures() {
    for (per_second, status, failures) in [
        (10, Code::Internal, 0.5),
        (100, Code::Unavailable, 0.5),
        (1, Code::Unknown, 0.5),
        (20, Code::NotFound, 0.0),
        (20, Code::Ok, 0.0),
    ] {
        let probe = Probe::echo().unary(|request| async move {
            let note = request.into_inner();
            match Code::from(note.text.parse::<i32>().unwrap()) {
                Code::Ok => Ok(note.into()),
                code => Err(Status::new(code, "as asked")),
            }
        });
        let server = Server::new().layer(LoadReporter::new(|| 0.7));
        let channel = server.add(probe.routes()).in_process().unwrap();
        let report = told(&channel, per_second, status).await;
        let qps = f64::from(per_second);
        assert!((report.qps / qps - 1.0).abs() < 0.12, "{qps}: {report:?}");
        assert!(
            (report.eps / qps - failures).abs() < 0.12,
            "{qps}: {report:?}"
        );
        assert_eq!(report.utilization, 0.7);
    }
}
