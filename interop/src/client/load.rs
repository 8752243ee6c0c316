//! Load reports: with a call, and beside all calls.

use std::collections::HashMap;
use std::time::Duration;

use cordial::Channel;
use cordial::prost::Message;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;

use super::failure::equal;
use super::{Failure, Outcome, request, streaming};
use crate::grpc::testing::{
    SimpleRequest, StreamingOutputCallRequest, TestOrcaReport, TestServiceClient,
};
use crate::server::LOAD_REPORT;
use crate::xds::data::orca::v3::OrcaLoadReport;
use crate::xds::service::orca::v3::{OpenRcaServiceClient, OrcaLoadReportRequest};

const INTERVAL: Duration = Duration::from_secs(1);
/// How long a change may take to be reported.
const REPORTED_MAX: Duration = Duration::from_secs(10);

fn report(cpu: f64, memory: f64, utilization: f64) -> TestOrcaReport {
    TestOrcaReport {
        cpu_utilization: cpu,
        memory_utilization: memory,
        request_cost: HashMap::new(),
        utilization: HashMap::from([("util".to_owned(), utilization)]),
    }
}

pub(super) async fn per_call(service: &TestServiceClient) -> Outcome {
    let mut wanted = report(0.8210, 0.5847, 0.30499);
    wanted.request_cost.insert("cost".to_owned(), 3456.32);
    let request = SimpleRequest {
        orca_per_query_report: Some(wanted.clone()),
        ..SimpleRequest::default()
    };
    let response = service.unary_call(request).await?;
    let trailer = response.trailers().get_bin(LOAD_REPORT);
    let trailer = trailer.ok_or_else(|| Failure::new(format!("no trailer `{LOAD_REPORT}`")))?;
    let bytes = trailer.to_bytes();
    let bytes = bytes.map_err(|error| Failure::new(format!("{LOAD_REPORT}: {error}")))?;
    let got = OrcaLoadReport::decode(bytes);
    let got = got.map_err(|error| Failure::new(format!("{LOAD_REPORT}: {error}")))?;
    equal(got, wanted.into(), LOAD_REPORT)
}

pub(super) async fn beside_calls(service: &TestServiceClient, channel: &Channel) -> Outcome {
    let reports = OpenRcaServiceClient::new(channel);
    let wanted = [
        report(0.8210, 0.5847, 0.30499),
        report(0.29309, 0.2, 0.2039),
    ];
    let (sender, requests) = mpsc::channel(1);
    let call = service.full_duplex_call(ReceiverStream::new(requests));
    let set = async |wanted: &TestOrcaReport| {
        let request = StreamingOutputCallRequest {
            orca_oob_report: Some(wanted.clone()),
            ..request::output(0, &[1])
        };
        let sent = sender.send(request).await;
        sent.map_err(|_| Failure::new("the call that sets the report has ended"))
    };
    set(&wanted[0]).await?;
    let mut responses = call.await?.into_inner();
    streaming::next(&mut responses, 1).await?;
    seen(&reports, &wanted[0]).await?;
    set(&wanted[1]).await?;
    streaming::next(&mut responses, 1).await?;
    seen(&reports, &wanted[1]).await?;
    drop(sender);
    streaming::end(&mut responses).await?;
    let trailers = responses.trailers().await?;
    equal(
        trailers.get_bin(LOAD_REPORT).is_some(),
        false,
        "a report in the trailers of the call",
    )
}

/// Watches until this is what is reported.
async fn seen(reports: &OpenRcaServiceClient, wanted: &TestOrcaReport) -> Outcome {
    let wanted = OrcaLoadReport::from(wanted.clone());
    let request = OrcaLoadReportRequest {
        report_interval: INTERVAL.try_into().ok(),
        ..OrcaLoadReportRequest::default()
    };
    let mut last = None;
    let watch = async {
        let mut reports = reports.stream_core_metrics(request).await?.into_inner();
        while let Some(report) = reports.message().await? {
            if report == wanted {
                return Ok(());
            }
            last = Some(report);
        }
        Err(Failure::new("the reports ended"))
    };
    let watched = timeout(REPORTED_MAX, watch).await;
    watched.unwrap_or_else(|_| equal(last, Some(wanted), "last report"))
}
