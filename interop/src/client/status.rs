//! Calls that end with an error.

use cordial::{Channel, Code};

use super::Outcome;
use super::failure::{ended_with, equal};
use crate::grpc::testing::{
    EchoStatus, Empty, SimpleRequest, StreamingOutputCallRequest, TestServiceClient,
    UnimplementedServiceClient,
};

const SPECIAL: &str =
    "\t\ntest with whitespace\r\nand Unicode BMP \u{263a} and non-BMP \u{1f608}\t\n";

/// UNKNOWN, with this message.
fn unknown(message: &str) -> Option<EchoStatus> {
    Some(EchoStatus {
        code: Code::Unknown.into(),
        message: message.to_owned(),
    })
}

pub(super) async fn code_and_message(service: &TestServiceClient) -> Outcome {
    const MESSAGE: &str = "test status message";
    unary(service, MESSAGE).await?;
    let requests = tokio_stream::once(StreamingOutputCallRequest {
        response_status: unknown(MESSAGE),
        ..StreamingOutputCallRequest::default()
    });
    // The error may come in place of the stream or on it.
    let ended = match service.full_duplex_call(requests).await {
        Ok(response) => response.into_inner().message().await,
        Err(status) => Err(status),
    };
    let status = ended_with(ended, Code::Unknown)?;
    equal(status.message(), MESSAGE, "message of the stream's status")
}

pub(super) async fn special_message(service: &TestServiceClient) -> Outcome {
    unary(service, SPECIAL).await
}

async fn unary(service: &TestServiceClient, message: &str) -> Outcome {
    let call = service.unary_call(SimpleRequest {
        response_status: unknown(message),
        ..SimpleRequest::default()
    });
    let status = ended_with(call.await, Code::Unknown)?;
    equal(status.message(), message, "message of the status")
}

pub(super) async fn unimplemented_method(service: &TestServiceClient) -> Outcome {
    let result = service.unimplemented_call(Empty {}).await;
    ended_with(result, Code::Unimplemented).map(drop)
}

pub(super) async fn unimplemented_service(channel: &Channel) -> Outcome {
    let service = UnimplementedServiceClient::new(channel);
    let result = service.unimplemented_call(Empty {}).await;
    ended_with(result, Code::Unimplemented).map(drop)
}
