//! One request, one answer.

use std::time::{SystemTime, UNIX_EPOCH};

use cordial::Request;

use super::Outcome;
use super::failure::equal;
use super::request::{self, LARGE_RESPONSE};
use crate::grpc::testing::{Empty, Payload, SimpleRequest, SimpleResponse, TestServiceClient};

pub(super) async fn empty(service: &TestServiceClient) -> Outcome {
    let response = service.empty_call(Empty {}).await?;
    equal(response.into_inner(), Empty {}, "response")
}

pub(super) async fn large(service: &TestServiceClient) -> Outcome {
    let response = service.unary_call(request::large()).await?.into_inner();
    large_response(response)
}

/// Fails unless this answers [`request::large`].
pub(super) fn large_response(response: SimpleResponse) -> Outcome {
    let got = request::size(response.payload);
    equal(got, LARGE_RESPONSE as usize, "payload bytes")
}

/// Without a cache on the way nothing tells whether an answer was kept, but all
/// of them must come.
pub(super) async fn cacheable(service: &TestServiceClient) -> Outcome {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let stamp = now.unwrap_or_default().as_nanos();
    let mut answers = Vec::new();
    for stamp in [stamp, stamp, stamp + 1] {
        let request = Request::new(SimpleRequest {
            payload: Some(Payload {
                body: stamp.to_string().into_bytes(),
                ..Payload::default()
            }),
            response_size: 16,
            ..SimpleRequest::default()
        });
        let call = service.cacheable_unary_call(request);
        let response = call.metadata("x-user-ip", "1.2.3.4").await?.into_inner();
        answers.push(response);
    }
    equal(&answers[0], &answers[1], "the same request's answer")?;
    equal(
        request::size(answers.swap_remove(2).payload),
        16,
        "payload bytes of another request's answer",
    )
}
