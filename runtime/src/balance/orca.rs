//! Load reports among the trailers of calls, as ORCA has them (gRFC A51).

use super::LoadReport;
use crate::status::Status;
use prost::Message;
use tonic::metadata::{BinaryMetadataValue, MetadataMap};

/// Holds an encoded `xds.data.orca.v3.OrcaLoadReport`.
const KEY: &str = "endpoint-load-metrics-bin";

/// What weights depend on; the rest is neither read nor written.
#[derive(Clone, Debug, Default, PartialEq)]
struct OrcaLoadReport {
    cpu_utilization: f64,
    rps_fractional: f64,
    eps: f64,
    application_utilization: f64,
}

crate::__message!(OrcaLoadReport {
    cpu_utilization = 1: plain double;
    rps_fractional = 6: plain double;
    eps = 7: plain double;
    application_utilization = 9: plain double;
});

impl LoadReport {
    /// Tells it to the caller, with the trailers of a reply or the metadata of a
    /// status, as `endpoint-load-metrics-bin`.
    ///
    /// ```
    /// use cordial_runtime::{LoadReport, Response};
    ///
    /// let report = LoadReport { qps: 120.0, eps: 0.0, utilization: 0.7 };
    /// let mut response = Response::new("done");
    /// report.attach_to(response.trailers_mut());
    /// assert_eq!(LoadReport::read_from(response.trailers()), Some(report));
    /// ```
    pub fn attach_to(&self, trailers: &mut MetadataMap) {
        let report = OrcaLoadReport {
            cpu_utilization: 0.0,
            rps_fractional: self.qps,
            eps: self.eps,
            application_utilization: self.utilization,
        };
        let encoded = BinaryMetadataValue::from_bytes(&report.encode_to_vec());
        trailers.insert_bin(KEY, encoded);
    }

    /// Takes it out of a status that came: handlers pass those on to their own
    /// callers, who would believe it to be of the server they called.
    pub(crate) fn detach_from(status: &mut Status) {
        status.metadata_mut().remove_bin(KEY);
    }

    /// What a server told with the trailers of a reply; `None` if nothing, or
    /// nothing that can be read. The status of a call that failed came without it.
    pub fn read_from(trailers: &MetadataMap) -> Option<Self> {
        let value = trailers.get_bin(KEY)?;
        let bytes = value.to_bytes().ok();
        let report = bytes.and_then(|bytes| OrcaLoadReport::decode(bytes).ok());
        if report.is_none() {
            tracing::trace!(?value, "a load report cannot be read");
        }
        report.map(Self::from)
    }
}

impl From<OrcaLoadReport> for LoadReport {
    fn from(report: OrcaLoadReport) -> Self {
        let utilization = match report.application_utilization > 0.0 {
            true => report.application_utilization,
            false => report.cpu_utilization,
        };
        Self {
            qps: report.rps_fractional,
            eps: report.eps,
            utilization,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::{Load, report::Weighing};
    use http::{HeaderMap, HeaderValue};
    use std::time::Duration;
    use tokio::time::Instant;

    fn encoded(report: &[u8]) -> MetadataMap {
        let mut trailers = MetadataMap::new();
        trailers.insert_bin(KEY, BinaryMetadataValue::from_bytes(report));
        trailers
    }

    const CPU: &[u8] = b"\x09\0\0\0\0\0\0\xe0\x3f"; // 1: 0.5
    const MEMORY: &[u8] = b"\x11\0\0\0\0\0\0\xd0\x3f"; // 2: 0.25
    const OLD_RPS: &[u8] = b"\x18\x07"; // 3: 7
    const NAMED: &[u8] = b"\x42\x0c\x0a\x01q\x11\0\0\0\0\0\0\xf0\x3f"; // 8: { "q": 1.0 }
    const QPS: &[u8] = b"\x31\0\0\0\0\0\0\0\x40"; // 6: 2.0
    const EPS: &[u8] = b"\x39\0\0\0\0\0\0\xf0\x3f"; // 7: 1.0
    const APPLICATION: &[u8] = b"\x49\0\0\0\0\0\0\xe8\x3f"; // 9: 0.75

    #[test]
    fn every_report_of_others_is_read() {
        let without = [CPU, MEMORY, OLD_RPS, NAMED, QPS, EPS].concat();
        let expected = |utilization| LoadReport {
            qps: 2.0,
            eps: 1.0,
            utilization,
        };
        let read = |report: &[u8]| LoadReport::read_from(&encoded(report));
        assert_eq!(read(&without), Some(expected(0.5)));
        let with = [&without, APPLICATION].concat();
        assert_eq!(read(&with), Some(expected(0.75)));
        assert_eq!(read(b""), Some(LoadReport::default()));
        assert_eq!(LoadReport::read_from(&MetadataMap::new()), None);
    }

    #[test]
    fn what_is_told_reads_as_others_would() {
        let mut trailers = encoded(CPU);
        let report = LoadReport {
            qps: 2.0,
            eps: 1.0,
            utilization: 0.75,
        };
        report.attach_to(&mut trailers);
        let values: Vec<_> = trailers.get_all_bin(KEY).iter().cloned().collect();
        let expected = [QPS, EPS, APPLICATION].concat();
        assert_eq!(values, [BinaryMetadataValue::from_bytes(&expected)]);
    }

    #[test]
    fn what_cannot_be_read_is_ignored() {
        for end in 1..QPS.len() {
            assert_eq!(LoadReport::read_from(&encoded(&QPS[..end])), None);
        }
        let mut headers = HeaderMap::new();
        headers.insert(KEY, HeaderValue::from_static("no base64!"));
        let trailers = MetadataMap::from_headers(headers);
        assert_eq!(LoadReport::read_from(&trailers), None);
    }

    #[test]
    fn nothing_is_read_that_no_balancer_wants() {
        let load = Load::new();
        let weighing = Weighing {
            blackout: Duration::ZERO,
            expiry: Duration::MAX,
            error_penalty: 1.0,
        };
        let weight = || load.reported_weight(Instant::now(), &weighing);
        let trailers = encoded(&[CPU, QPS].concat());
        load.hear(&trailers);
        assert_eq!(weight(), None);
        load.want_reports();
        load.hear(&MetadataMap::new());
        assert_eq!(weight(), None);
        load.hear(&trailers);
        assert_eq!(weight(), Some(4.0));
    }
}
