//! Calls that the client ends: by its deadline, or by dropping them.

use std::future::IntoFuture;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use cordial::{Code, Stream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};
use tokio_stream::wrappers::ReceiverStream;

use super::failure::ended_with;
use super::request::{self, REQUESTS, RESPONSES};
use super::{Failure, Outcome, streaming};
use crate::grpc::testing::{Empty, StreamingInputCallRequest, TestServiceClient};

/// How long a server may take to end a handler whose client has left.
const HANDLER_END_MAX: Duration = Duration::from_secs(5);
const POLL_INTERVAL: Duration = Duration::from_millis(10);

pub(super) async fn cancel_after_begin(service: &TestServiceClient) -> Outcome {
    let before = cancelled(service).await?;
    let (begun, has_begun) = oneshot::channel();
    let (dropped, is_dropped) = oneshot::channel::<()>();
    let requests = Silent {
        begun: Some(begun),
        _dropped: dropped,
    };
    let mut call = service.streaming_input_call(requests).into_future();
    tokio::select! {
        ended = &mut call => {
            return Err(Failure::new(format!("ended before it was cancelled: {ended:?}")));
        }
        _ = has_begun => {}
    }
    // What comes after it on the same connection is answered: the server has it.
    service.empty_call(Empty {}).await?;
    drop(call);
    // Ends with an error, for nothing is ever sent, and only once the requests are dropped.
    let _ = is_dropped.await;
    one_more(service, before).await
}

pub(super) async fn cancel_after_first_response(service: &TestServiceClient) -> Outcome {
    let before = cancelled(service).await?;
    let (sender, requests) = mpsc::channel(1);
    let request = request::output(REQUESTS[0], &RESPONSES[..1]);
    let sent = sender.try_send(request);
    sent.map_err(|error| Failure::new(error.to_string()))?;
    let call = service.full_duplex_call(ReceiverStream::new(requests));
    let mut responses = call.await?.into_inner();
    streaming::next(&mut responses, RESPONSES[0]).await?;
    drop(responses);
    sender.closed().await;
    one_more(service, before).await
}

pub(super) async fn timeout_on_sleeping_server(service: &TestServiceClient) -> Outcome {
    let (sender, requests) = mpsc::channel(1);
    let request = request::output(REQUESTS[0], &RESPONSES[..1]);
    let sent = sender.try_send(request);
    sent.map_err(|error| Failure::new(error.to_string()))?;
    let call = service.full_duplex_call(ReceiverStream::new(requests));
    let ended = async {
        let mut responses = call.timeout(Duration::from_millis(1)).await?.into_inner();
        // The answer may be in time; the end, which waits for ours, is not.
        while responses.message().await?.is_some() {}
        Ok(())
    };
    ended_with(ended.await, Code::DeadlineExceeded)?;
    sender.closed().await;
    Ok(())
}

/// How many calls the server says were left by their clients, if it says so.
async fn cancelled(service: &TestServiceClient) -> Result<Option<u64>, Failure> {
    let response = service.empty_call(Empty {}).await?;
    let count = response.metadata().get("x-interop-cancelled");
    Ok(count.and_then(|count| count.to_str().ok()?.parse().ok()))
}

/// Waits until the server has seen one more call left, where it counts them.
async fn one_more(service: &TestServiceClient, before: Option<u64>) -> Outcome {
    let Some(before) = before else {
        service.empty_call(Empty {}).await?;
        return Ok(());
    };
    let seen = async {
        while cancelled(service).await? != Some(before + 1) {
            sleep(POLL_INTERVAL).await;
        }
        Ok(())
    };
    timeout(HANDLER_END_MAX, seen).await.unwrap_or_else(|_| {
        Err(Failure::new(format!(
            "the server's handler was not ended within {HANDLER_END_MAX:?}"
        )))
    })
}

/// Requests that never come; tells when they are first asked for, and when dropped.
struct Silent {
    begun: Option<oneshot::Sender<()>>,
    _dropped: oneshot::Sender<()>,
}

impl Stream for Silent {
    type Item = StreamingInputCallRequest;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(begun) = self.begun.take() {
            let _ = begun.send(());
        }
        Poll::Pending
    }
}
