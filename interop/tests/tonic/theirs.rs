//! tonic's client.

use std::time::{Duration, Instant};

use cordial::StatusExt;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;
use tonic::{Code, Request};

use crate::ours::{details_please, input, large, output};
use crate::pb::test_service_client::TestServiceClient;

type Client = TestServiceClient<Channel>;

/// Longer than any deadline here.
const LONG_US: i32 = 60_000_000;

async fn connect(uri: &str) -> Client {
    let channel = Channel::from_shared(uri.to_owned()).unwrap();
    TestServiceClient::new(channel.connect().await.unwrap())
}

/// Everything but deadlines, against the server at `uri`.
pub(crate) async fn all(uri: &str) {
    let plain = connect(uri).await;
    let gzip = plain.clone().send_compressed(Gzip).accept_compressed(Gzip);
    for (service, compressed) in [(plain, false), (gzip, true)] {
        unary(service.clone(), compressed).await;
        streams(service.clone(), compressed).await;
        conversation(service.clone()).await;
        status(service).await;
    }
}

/// `message`, with metadata to be echoed.
fn with_metadata<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    let metadata = request.metadata_mut();
    metadata.insert(
        "x-grpc-test-echo-initial",
        MetadataValue::from_static("text"),
    );
    let value = MetadataValue::from_bytes(b"\x00\xff");
    metadata.insert_bin("x-grpc-test-echo-trailing-bin", value);
    request
}

async fn unary(mut service: Client, compressed: bool) {
    let response = service.unary_call(with_metadata(large(compressed))).await;
    let response = response.unwrap();
    let metadata = response.metadata();
    assert_eq!(metadata.get("x-grpc-test-echo-initial").unwrap(), "text");
    assert_eq!(metadata.get("grpc-encoding").is_some(), compressed);
    assert_eq!(response.into_inner().payload.unwrap().body.len(), 314_159);

    let status = service.unary_call(large(!compressed)).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
}

async fn streams(mut service: Client, compressed: bool) {
    let requests = tokio_stream::iter(vec![input(27_182, compressed); 100]);
    let response = service.streaming_input_call(requests).await.unwrap();
    assert_eq!(response.into_inner().aggregated_payload_size, 2_718_200);

    let wanted: Vec<i32> = (0..200).collect();
    let response = service.streaming_output_call(output(0, &wanted, 0)).await;
    let sizes = response.unwrap().into_inner();
    let sizes = sizes.map(|response| response.unwrap().payload.unwrap().body.len() as i32);
    assert_eq!(sizes.collect::<Vec<_>>().await, wanted);
}

async fn conversation(mut service: Client) {
    let (sender, requests) = mpsc::channel(1);
    let requests = with_metadata(ReceiverStream::new(requests));
    let response = service.full_duplex_call(requests).await.unwrap();
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

async fn status(mut service: Client) {
    let request = with_metadata(details_please());
    let status = service.unary_call(request).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(status.message(), "details please");
    let violations = status.get_details_bad_request().unwrap().field_violations;
    assert_eq!(violations[0].field, "payload");
    let trailing = status.metadata().get_bin("x-grpc-test-echo-trailing-bin");
    assert_eq!(trailing.unwrap(), b"\x00\xff".as_slice());
}

/// tonic's client itself waits no longer than the deadline for a response to
/// begin; that the response then ends in time is the server's doing.
pub(crate) async fn deadline(uri: &str) {
    let mut service = connect(uri).await;
    let start = Instant::now();
    let mut request = Request::new(output(0, &[1], LONG_US));
    request.set_timeout(Duration::from_millis(200));
    let response = service.streaming_output_call(request).await.unwrap();
    let status = response.into_inner().message().await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    let took = start.elapsed();
    assert!(
        took >= Duration::from_millis(200) && took < Duration::from_secs(5),
        "{took:?}"
    );
}
