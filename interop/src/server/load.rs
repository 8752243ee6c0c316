//! Load reports: with a call, and beside all calls.

use std::sync::Arc;
use std::time::Duration;

use cordial::{BoxStream, Request, Response, Result};
use tokio::sync::watch;
use tokio::time::interval;
use tokio_stream::{StreamExt, wrappers::IntervalStream};

use crate::grpc::testing::TestOrcaReport;
use crate::xds::data::orca::v3::OrcaLoadReport;
use crate::xds::service::orca::v3::{OpenRcaService, OrcaLoadReportRequest};

/// The trailing metadata that carries a call's own report.
pub const LOAD_REPORT: &str = "endpoint-load-metrics-bin";

/// A client may ask for reports as seldom as it likes, and no more often.
const INTERVAL_MIN: Duration = Duration::from_secs(1);

/// The report for those who watch. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Load(Arc<watch::Sender<OrcaLoadReport>>);

impl Load {
    /// Reports this from now on.
    pub(super) fn set(&self, report: TestOrcaReport) {
        self.0.send_replace(report.into());
    }
}

impl OpenRcaService for Load {
    async fn stream_core_metrics(
        &self,
        request: Request<OrcaLoadReportRequest>,
    ) -> Result<Response<BoxStream<OrcaLoadReport>>> {
        let wanted = request.into_inner().report_interval.unwrap_or_default();
        let wanted = Duration::try_from(wanted).unwrap_or_default();
        let report = self.0.subscribe();
        let reports = IntervalStream::new(interval(wanted.max(INTERVAL_MIN)))
            .map(move |_| Ok(report.borrow().clone()));
        Ok(Response::new(Box::pin(reports)))
    }
}

impl From<TestOrcaReport> for OrcaLoadReport {
    fn from(wanted: TestOrcaReport) -> Self {
        Self {
            cpu_utilization: wanted.cpu_utilization,
            mem_utilization: wanted.memory_utilization,
            request_cost: wanted.request_cost,
            utilization: wanted.utilization,
            ..Self::default()
        }
    }
}
