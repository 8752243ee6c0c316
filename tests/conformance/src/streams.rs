//! The handlers whose replies are streams.

use crate::{
    payload::{add, any, info, status},
    pb::{
        BidiStreamRequest, BidiStreamResponse, ConformancePayload, ServerStreamRequest,
        ServerStreamResponse, StreamResponseDefinition, conformance_payload::RequestInfo,
    },
};
use async_stream::try_stream;
use cordial::{BoxStream, Request, Response, Result, Streaming};
use std::time::Duration;
use tokio::time::sleep;

/// Each reply after its delay, then the end that is wanted.
pub(crate) fn server_stream(
    request: Request<ServerStreamRequest>,
) -> Result<Response<BoxStream<ServerStreamResponse>>> {
    let mut info = info(&request);
    info.requests
        .push(any("ServerStreamRequest", request.get_ref()));
    let wanted = request.into_inner().response_definition.unwrap_or_default();
    let delay = delay(&wanted);
    let (headers, trailers) = (wanted.response_headers, wanted.response_trailers);
    let stream = try_stream! {
        let mut info = Some(info);
        for data in wanted.response_data {
            sleep(delay).await;
            yield ServerStreamResponse { payload: payload(data, info.take()) };
        }
        if let Some(error) = wanted.error {
            Err(status(error, info.as_ref()))?;
        }
    };
    let mut response = Response::new(Box::pin(stream) as BoxStream<_>);
    add(&headers, response.metadata_mut())?;
    add(&trailers, response.trailers_mut())?;
    Ok(response)
}

/// A reply for each request, or all of them after the last.
pub(crate) async fn bidi_stream(
    request: Request<Streaming<BidiStreamRequest>>,
) -> Result<Response<BoxStream<BidiStreamResponse>>> {
    let mut info = info(&request);
    let mut requests = request.into_inner();
    let first = requests.message().await?;
    info.requests
        .extend(first.as_ref().map(|first| any("BidiStreamRequest", first)));
    let first = first.unwrap_or_default();
    let wanted = first.response_definition.unwrap_or_default();
    if !first.full_duplex {
        while let Some(request) = requests.message().await? {
            info.requests.push(any("BidiStreamRequest", &request));
        }
    }
    let delay = delay(&wanted);
    let (headers, trailers) = (wanted.response_headers, wanted.response_trailers);
    let stream = try_stream! {
        let mut info = Some(info);
        let mut open = first.full_duplex;
        for (at, data) in wanted.response_data.into_iter().enumerate() {
            if open && at > 0 {
                let request = requests.message().await?;
                open = request.is_some();
                info = request.map(|request| RequestInfo {
                    requests: vec![any("BidiStreamRequest", &request)],
                    ..RequestInfo::default()
                });
            }
            sleep(delay).await;
            yield BidiStreamResponse { payload: payload(data, info.take()) };
        }
        if let Some(error) = wanted.error {
            Err(status(error, info.as_ref()))?;
        }
    };
    let mut response = Response::new(Box::pin(stream) as BoxStream<_>);
    add(&headers, response.metadata_mut())?;
    add(&trailers, response.trailers_mut())?;
    Ok(response)
}

fn delay(wanted: &StreamResponseDefinition) -> Duration {
    Duration::from_millis(wanted.response_delay_ms.into())
}

fn payload(data: Vec<u8>, request_info: Option<RequestInfo>) -> Option<ConformancePayload> {
    Some(ConformancePayload { data, request_info })
}
