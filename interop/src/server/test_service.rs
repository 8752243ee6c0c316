//! `grpc.testing.TestService`.

use std::time::Duration;

use async_stream::try_stream;
use cordial::{BoxStream, Peer, PeerAddress, Request, Response, Result, Status, Stream, Streaming};
use tokio::time::sleep;

use super::answer;
use super::cancellation::Cancellations;
use super::echo::Echo;
use super::load::{LOAD_REPORT, Load};
use crate::grpc::testing::{
    Empty, ResponseParameters, SimpleRequest, SimpleResponse, StreamingInputCallRequest,
    StreamingInputCallResponse, StreamingOutputCallRequest, StreamingOutputCallResponse,
    TestService,
};
use crate::xds::data::orca::v3::OrcaLoadReport;
use cordial::metadata::BinaryMetadataValue;
use cordial::prost::Message;

/// Requests that `HalfDuplexCall` keeps until the last has come.
const KEPT_MAX: usize = 1000;

/// The handlers.
pub(super) struct Tested {
    cancellations: Cancellations,
    load: Load,
}

impl Tested {
    /// Sets `load` when asked to.
    pub(super) fn new(load: Load) -> Self {
        Self {
            cancellations: Cancellations::default(),
            load,
        }
    }
}

impl TestService for Tested {
    async fn empty_call(&self, _: Request<Empty>) -> Result<Response<Empty>> {
        let mut response = Response::new(Empty {});
        let cancelled = self.cancellations.count();
        response
            .metadata_mut()
            .insert("x-interop-cancelled", cancelled.into());
        Ok(response)
    }

    async fn unary_call(
        &self,
        request: Request<SimpleRequest>,
    ) -> Result<Response<SimpleResponse>> {
        Echo::of(&request).on(simple(&request))
    }

    async fn cacheable_unary_call(
        &self,
        request: Request<SimpleRequest>,
    ) -> Result<Response<SimpleResponse>> {
        Echo::of(&request).on(simple(&request))
    }

    async fn streaming_output_call(
        &self,
        request: Request<StreamingOutputCallRequest>,
    ) -> Result<Response<BoxStream<StreamingOutputCallResponse>>> {
        let echo = Echo::of(&request);
        let compressed = all_compressed(&request.get_ref().response_parameters)
            .then(|| answer::compression(request.metadata()));
        let peer = request.peer().cloned();
        let answers = answers(request.into_inner(), peer);
        let answers = self.cancellations.watch().follow(answers);
        echo.on(Ok(Response::new(answers).with_compression(compressed)))
    }

    async fn streaming_input_call(
        &self,
        request: Request<Streaming<StreamingInputCallRequest>>,
    ) -> Result<Response<StreamingInputCallResponse>> {
        let mut watch = self.cancellations.watch();
        let echo = Echo::of(&request);
        let summed = sum(request).await;
        watch.end(&summed);
        echo.on(summed)
    }

    async fn full_duplex_call(
        &self,
        request: Request<Streaming<StreamingOutputCallRequest>>,
    ) -> Result<Response<BoxStream<StreamingOutputCallResponse>>> {
        let echo = Echo::of(&request);
        let peer = request.peer().cloned();
        let mut requests = request.into_inner();
        let load = self.load.clone();
        let answers = try_stream! {
            while let Some(mut request) = requests.message().await? {
                if let Some(report) = request.orca_oob_report.take() {
                    load.set(report);
                }
                for await answer in answers(request, peer.clone()) {
                    yield answer?;
                }
            }
        };
        echo.on(Ok(Response::new(
            self.cancellations.watch().follow(answers),
        )))
    }

    async fn half_duplex_call(
        &self,
        request: Request<Streaming<StreamingOutputCallRequest>>,
    ) -> Result<Response<BoxStream<StreamingOutputCallResponse>>> {
        let echo = Echo::of(&request);
        let peer = request.peer().cloned();
        let mut requests = request.into_inner();
        let answers = try_stream! {
            let mut kept = Vec::new();
            while let Some(request) = requests.message().await? {
                if kept.len() == KEPT_MAX {
                    Err(Status::resource_exhausted(format!("over {KEPT_MAX} requests")))?;
                }
                kept.push(request);
            }
            for request in kept {
                for await answer in answers(request, peer.clone()) {
                    yield answer?;
                }
            }
        };
        echo.on(Ok(Response::new(
            self.cancellations.watch().follow(answers),
        )))
    }

    async fn unimplemented_call(&self, _: Request<Empty>) -> Result<Response<Empty>> {
        Err(Status::unimplemented("`UnimplementedCall` is not served"))
    }
}

fn simple(request: &Request<SimpleRequest>) -> Result<Response<SimpleResponse>> {
    let wanted = request.get_ref();
    answer::expect(wanted.expect_compressed.as_ref(), request.compression())?;
    answer::status(wanted.response_status.as_ref())?;
    let server_id = if wanted.fill_server_id { "cordial" } else { "" };
    let mut response = Response::new(SimpleResponse {
        payload: Some(answer::payload(wanted.response_size)?),
        server_id: server_id.to_owned(),
        ..SimpleResponse::default()
    });
    if let Some(report) = &wanted.orca_per_query_report {
        let report = OrcaLoadReport::from(report.clone()).encode_to_vec();
        let report = BinaryMetadataValue::from_bytes(&report);
        response.trailers_mut().insert_bin(LOAD_REPORT, report);
    }
    Ok(match &wanted.response_compressed {
        None => response,
        Some(compressed) => {
            let compression = answer::compression(request.metadata());
            response.with_compression(compressed.value.then_some(compression))
        }
    })
}

async fn sum(
    request: Request<Streaming<StreamingInputCallRequest>>,
) -> Result<Response<StreamingInputCallResponse>> {
    let came = request.compression();
    let mut requests = request.into_inner();
    let mut sum = 0usize;
    while let Some(request) = requests.message().await? {
        answer::expect(request.expect_compressed.as_ref(), came)?;
        sum += request.payload.map_or(0, |payload| payload.body.len());
    }
    let aggregated_payload_size = i32::try_from(sum).map_err(|_| {
        Status::out_of_range(format!("{sum} bytes are more than the answer can tell"))
    })?;
    let response = StreamingInputCallResponse {
        aggregated_payload_size,
    };
    Ok(response.into())
}

/// The messages that one request asks for.
fn answers(
    request: StreamingOutputCallRequest,
    peer: Option<Peer>,
) -> impl Stream<Item = Result<StreamingOutputCallResponse>> + Send {
    try_stream! {
        answer::status(request.response_status.as_ref())?;
        for wanted in request.response_parameters {
            if let Ok(micros @ 1..) = u64::try_from(wanted.interval_us) {
                sleep(Duration::from_micros(micros)).await;
            }
            let told = wanted.fill_peer_socket_address.is_some_and(|fill| fill.value);
            yield StreamingOutputCallResponse {
                payload: Some(answer::payload(wanted.size)?),
                peer_socket_address: match peer.as_ref().map(Peer::address) {
                    Some(PeerAddress::Tcp(address)) if told => address.to_string(),
                    _ => String::new(),
                },
            };
        }
    }
}

/// Messages of one stream are compressed all or none: all if each asks for it.
fn all_compressed(wanted: &[ResponseParameters]) -> bool {
    let asks = |each: &ResponseParameters| each.compressed.is_some_and(|asked| asked.value);
    !wanted.is_empty() && wanted.iter().all(asks)
}
