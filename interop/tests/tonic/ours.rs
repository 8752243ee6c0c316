//! Our client.

use std::time::{Duration, Instant};

use cordial::{Channel, Code, Compression, StatusExt};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

use crate::pb::{
    BoolValue, EchoStatus, Payload, ResponseParameters, SimpleRequest, StreamingInputCallRequest,
    StreamingOutputCallRequest, TestServiceClient,
};

const GZIP: Option<Compression> = Some(Compression::Gzip);

/// Longer than any deadline here.
const LONG_US: i32 = 60_000_000;

fn payload(size: usize) -> Option<Payload> {
    Some(Payload {
        body: vec![0; size],
        ..Payload::default()
    })
}

/// A request of `size` bytes for messages of these sizes, each after a pause.
pub(crate) fn output(size: usize, wanted: &[i32], interval_us: i32) -> StreamingOutputCallRequest {
    let parameters = wanted.iter().map(|size| ResponseParameters {
        size: *size,
        interval_us,
        ..ResponseParameters::default()
    });
    StreamingOutputCallRequest {
        payload: payload(size),
        response_parameters: parameters.collect(),
        ..StreamingOutputCallRequest::default()
    }
}

/// A request of `size` bytes that says whether it is compressed.
pub(crate) fn input(size: usize, compressed: bool) -> StreamingInputCallRequest {
    StreamingInputCallRequest {
        payload: payload(size),
        expect_compressed: Some(BoolValue { value: compressed }),
    }
}

/// A request of 271,828 bytes for 314,159 that says whether it is compressed.
pub(crate) fn large(compressed: bool) -> SimpleRequest {
    SimpleRequest {
        payload: payload(271_828),
        response_size: 314_159,
        expect_compressed: Some(BoolValue { value: compressed }),
        response_compressed: Some(BoolValue { value: compressed }),
        ..SimpleRequest::default()
    }
}

/// A request for a status with details, in the words that both servers know.
pub(crate) fn details_please() -> SimpleRequest {
    SimpleRequest {
        response_status: Some(EchoStatus {
            code: Code::InvalidArgument.into(),
            message: "details please".to_owned(),
        }),
        ..SimpleRequest::default()
    }
}

/// Everything, against the server there.
pub(crate) async fn all(uri: &str) {
    let service = TestServiceClient::new(Channel::to(uri).unwrap());
    unary(&service).await;
    streams(&service).await;
    conversation(&service).await;
    status(&service).await;
    deadline(&service).await;
}

async fn unary(service: &TestServiceClient) {
    for compression in [None, GZIP] {
        let call = service.unary_call(large(compression.is_some()));
        let call = call.compression(compression);
        let response = call.metadata("x-grpc-test-echo-initial", "text").await;
        let response = response.unwrap();
        assert_eq!(
            response.metadata().get("x-grpc-test-echo-initial").unwrap(),
            "text"
        );
        // tonic's server is set to compress, for whoever takes it.
        assert_eq!(response.compression(), GZIP);
        assert_eq!(response.into_inner().payload.unwrap().body.len(), 314_159);

        let call = service.unary_call(large(compression.is_none()));
        let status = call.compression(compression).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
    }
}

async fn streams(service: &TestServiceClient) {
    for compression in [None, GZIP] {
        let requests = vec![input(27_182, compression.is_some()); 100];
        let call = service.streaming_input_call(tokio_stream::iter(requests));
        let response = call.compression(compression).await.unwrap().into_inner();
        assert_eq!(response.aggregated_payload_size, 2_718_200);
    }

    let wanted: Vec<i32> = (0..200).collect();
    let call = service.streaming_output_call(output(0, &wanted, 0));
    let response = call.await.unwrap();
    assert_eq!(response.compression(), GZIP);
    let sizes = response.into_inner();
    let sizes = sizes.map(|response| response.unwrap().payload.unwrap().body.len() as i32);
    assert_eq!(sizes.collect::<Vec<_>>().await, wanted);
}

async fn conversation(service: &TestServiceClient) {
    let (sender, requests) = mpsc::channel(1);
    let call = service.full_duplex_call(ReceiverStream::new(requests));
    let response = call
        .metadata("x-grpc-test-echo-initial", "text")
        .await
        .unwrap();
    assert_eq!(
        response.metadata().get("x-grpc-test-echo-initial").unwrap(),
        "text"
    );
    let mut responses = response.into_inner();
    for size in [31_415, 9, 2_653, 58_979] {
        sender.send(output(27_182, &[size], 0)).await.unwrap();
        let response = responses.message().await.unwrap().unwrap();
        assert_eq!(response.payload.unwrap().body.len(), size as usize);
    }
    drop(sender);
    assert_eq!(responses.message().await.unwrap(), None);
}

async fn status(service: &TestServiceClient) {
    let call = service.unary_call(details_please());
    let call = call.metadata_bin("x-grpc-test-echo-trailing-bin", b"\x00\xff");
    let status = call.await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(status.message(), "details please");
    let violations = status.get_details_bad_request().unwrap().field_violations;
    assert_eq!(violations[0].field, "payload");
    let trailing = status.metadata().get_bin("x-grpc-test-echo-trailing-bin");
    assert_eq!(trailing.unwrap(), b"\x00\xff".as_slice());

    let mut request = output(0, &[1, 2], 0);
    request.response_status = Some(EchoStatus {
        code: Code::Aborted.into(),
        message: "enough \u{263a}".to_owned(),
    });
    let call = service.streaming_output_call(request);
    let mut responses = call.await.unwrap().into_inner();
    for size in [1, 2] {
        let response = responses.message().await.unwrap().unwrap();
        assert_eq!(response.payload.unwrap().body.len(), size);
    }
    let status = responses.message().await.unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (Code::Aborted, "enough \u{263a}")
    );
}

async fn deadline(service: &TestServiceClient) {
    let start = Instant::now();
    let call = service.streaming_output_call(output(0, &[1], LONG_US));
    let ended = match call.timeout(Duration::from_millis(50)).await {
        Ok(response) => response.into_inner().message().await.map(drop),
        Err(status) => Err(status),
    };
    assert_eq!(ended.unwrap_err().code(), Code::DeadlineExceeded);
    let took = start.elapsed();
    assert!(
        took >= Duration::from_millis(50) && took < Duration::from_secs(5),
        "{took:?}"
    );
}
