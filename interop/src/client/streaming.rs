//! Many requests, many answers, or both.

use cordial::Streaming;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::failure::equal;
use super::request::{self, REQUESTS, RESPONSES};
use super::{Failure, Outcome};
use crate::grpc::testing::{
    StreamingOutputCallRequest, StreamingOutputCallResponse, TestServiceClient,
};

pub(super) async fn client(service: &TestServiceClient) -> Outcome {
    let requests = tokio_stream::iter(REQUESTS.map(request::input));
    let response = service.streaming_input_call(requests).await?.into_inner();
    let wanted = REQUESTS.iter().sum::<usize>() as i32;
    equal(response.aggregated_payload_size, wanted, "sum of all sizes")
}

pub(super) async fn server(service: &TestServiceClient) -> Outcome {
    let call = service.streaming_output_call(request::output(0, &RESPONSES));
    let mut responses = call.await?.into_inner();
    for wanted in RESPONSES {
        next(&mut responses, wanted).await?;
    }
    end(&mut responses).await
}

pub(super) async fn ping_pong(service: &TestServiceClient) -> Outcome {
    let (sender, requests) = mpsc::channel(1);
    let call = service.full_duplex_call(ReceiverStream::new(requests));
    // A server may send nothing at all before it has read the first request.
    say(&sender, REQUESTS[0], RESPONSES[0]).await?;
    let mut responses = call.await?.into_inner();
    next(&mut responses, RESPONSES[0]).await?;
    for (size, wanted) in REQUESTS.into_iter().zip(RESPONSES).skip(1) {
        say(&sender, size, wanted).await?;
        next(&mut responses, wanted).await?;
    }
    drop(sender);
    end(&mut responses).await
}

async fn say(
    sender: &mpsc::Sender<StreamingOutputCallRequest>,
    size: usize,
    wanted: i32,
) -> Outcome {
    let sent = sender.send(request::output(size, &[wanted])).await;
    sent.map_err(|_| Failure::new(format!("the call ended before a request of {size} bytes")))
}

pub(super) async fn empty(service: &TestServiceClient) -> Outcome {
    let call = service.full_duplex_call(tokio_stream::empty());
    end(&mut call.await?.into_inner()).await
}

/// Fails unless the next message is of this size.
pub(super) async fn next(
    responses: &mut Streaming<StreamingOutputCallResponse>,
    wanted: i32,
) -> Outcome {
    match responses.message().await? {
        Some(response) => {
            let got = request::size(response.payload);
            equal(got, wanted as usize, "payload bytes")
        }
        None => Err(Failure::new(format!(
            "the stream ended before a message of {wanted} bytes"
        ))),
    }
}

/// Fails unless no further message comes.
pub(super) async fn end(responses: &mut Streaming<StreamingOutputCallResponse>) -> Outcome {
    match responses.message().await? {
        None => Ok(()),
        Some(response) => Err(Failure::new(format!(
            "a message of {} bytes came after the last",
            request::size(response.payload)
        ))),
    }
}
