//! The part of the test service that both clients call, as a user of tonic writes it.

use std::pin::Pin;
use std::time::Duration;

use async_stream::try_stream;
use cordial::{ErrorDetails, StatusExt};
use tokio::time::sleep;
use tokio_stream::{Stream, StreamExt};
use tonic::codec::CompressionEncoding::Gzip;
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Response, Status, Streaming};

use crate::pb::test_service_server::{TestService, TestServiceServer};
use crate::pb::{
    BoolValue, Empty, Payload, SimpleRequest, SimpleResponse, StreamingInputCallRequest,
    StreamingInputCallResponse, StreamingOutputCallRequest, StreamingOutputCallResponse,
};

type Answers = Pin<Box<dyn Stream<Item = Result<StreamingOutputCallResponse, Status>> + Send>>;

/// The service, which compresses for whoever takes it.
pub(crate) fn server() -> TestServiceServer<Stock> {
    TestServiceServer::new(Stock)
        .accept_compressed(Gzip)
        .send_compressed(Gzip)
}

pub(crate) struct Stock;

fn payload(size: i32) -> Option<Payload> {
    Some(Payload {
        body: vec![0; size as usize],
        ..Payload::default()
    })
}

fn expect(compressed: Option<BoolValue>, sent: &MetadataMap) -> Result<(), Status> {
    let came = sent.get("grpc-encoding").is_some();
    match compressed {
        Some(wanted) if wanted.value != came => Err(Status::invalid_argument("compression")),
        _ => Ok(()),
    }
}

/// Brings back what the request brought; on a stream tonic sends no trailers.
fn echo<T>(sent: &MetadataMap, message: T) -> Response<T> {
    let mut response = Response::new(message);
    if let Some(value) = sent.get("x-grpc-test-echo-initial") {
        let metadata = response.metadata_mut();
        metadata.insert("x-grpc-test-echo-initial", value.clone());
    }
    response
}

fn answers(request: StreamingOutputCallRequest) -> Answers {
    Box::pin(try_stream! {
        for wanted in request.response_parameters {
            sleep(Duration::from_micros(wanted.interval_us as u64)).await;
            yield StreamingOutputCallResponse {
                payload: payload(wanted.size),
                ..StreamingOutputCallResponse::default()
            };
        }
        match request.response_status {
            Some(wanted) => Err(Status::new(Code::from(wanted.code), wanted.message))?,
            None => {}
        }
    })
}

#[tonic::async_trait]
impl TestService for Stock {
    type StreamingOutputCallStream = Answers;
    type FullDuplexCallStream = Answers;
    type HalfDuplexCallStream = Answers;

    async fn empty_call(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        Ok(Response::new(Empty {}))
    }

    async fn unary_call(
        &self,
        request: Request<SimpleRequest>,
    ) -> Result<Response<SimpleResponse>, Status> {
        let (sent, _, request) = request.into_parts();
        expect(request.expect_compressed, &sent)?;
        if let Some(wanted) = request.response_status {
            let details = ErrorDetails::with_bad_request_violation("payload", &wanted.message);
            let code = Code::from(wanted.code);
            let mut status = Status::with_error_details(code, wanted.message, details);
            if let Some(value) = sent.get_bin("x-grpc-test-echo-trailing-bin") {
                let metadata = status.metadata_mut();
                metadata.insert_bin("x-grpc-test-echo-trailing-bin", value.clone());
            }
            return Err(status);
        }
        let response = SimpleResponse {
            payload: payload(request.response_size),
            ..SimpleResponse::default()
        };
        Ok(echo(&sent, response))
    }

    async fn cacheable_unary_call(
        &self,
        request: Request<SimpleRequest>,
    ) -> Result<Response<SimpleResponse>, Status> {
        self.unary_call(request).await
    }

    async fn streaming_output_call(
        &self,
        request: Request<StreamingOutputCallRequest>,
    ) -> Result<Response<Answers>, Status> {
        let (sent, _, request) = request.into_parts();
        Ok(echo(&sent, answers(request)))
    }

    async fn streaming_input_call(
        &self,
        request: Request<Streaming<StreamingInputCallRequest>>,
    ) -> Result<Response<StreamingInputCallResponse>, Status> {
        let (sent, _, mut requests) = request.into_parts();
        let mut sum = 0;
        while let Some(request) = requests.message().await? {
            expect(request.expect_compressed, &sent)?;
            sum += request.payload.map_or(0, |payload| payload.body.len());
        }
        let response = StreamingInputCallResponse {
            aggregated_payload_size: sum as i32,
        };
        Ok(echo(&sent, response))
    }

    async fn full_duplex_call(
        &self,
        request: Request<Streaming<StreamingOutputCallRequest>>,
    ) -> Result<Response<Answers>, Status> {
        let (sent, _, mut requests) = request.into_parts();
        let answers: Answers = Box::pin(try_stream! {
            while let Some(request) = requests.message().await? {
                let mut answers = answers(request);
                while let Some(answer) = answers.next().await {
                    yield answer?;
                }
            }
        });
        Ok(echo(&sent, answers))
    }

    async fn half_duplex_call(
        &self,
        _: Request<Streaming<StreamingOutputCallRequest>>,
    ) -> Result<Response<Answers>, Status> {
        Err(Status::unimplemented("not part of this test"))
    }

    async fn unimplemented_call(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        Err(Status::unimplemented("not part of this test"))
    }
}
