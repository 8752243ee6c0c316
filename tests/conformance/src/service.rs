//! The handlers, those of streams of replies aside.

use crate::{
    payload::{add, any, info, status},
    pb::{
        BidiStreamRequest, BidiStreamResponse, ClientStreamRequest, ClientStreamResponse,
        ConformancePayload, ConformanceService, IdempotentUnaryRequest, IdempotentUnaryResponse,
        ServerStreamRequest, ServerStreamResponse, UnaryRequest, UnaryResponse,
        UnaryResponseDefinition, UnimplementedRequest, UnimplementedResponse,
        conformance_payload::RequestInfo, unary_response_definition::Response as Wanted,
    },
    streams,
};
use cordial::{BoxStream, Request, Response, Result, Status, Streaming, metadata::MetadataMap};
use std::time::Duration;
use tokio::time::sleep;

pub(crate) struct Conformance;

impl ConformanceService for Conformance {
    async fn unary(&self, request: Request<UnaryRequest>) -> Result<Response<UnaryResponse>> {
        let mut info = info(&request);
        info.requests.push(any("UnaryRequest", request.get_ref()));
        let response = answer(request.into_inner().response_definition, info).await?;
        Ok(response.map(|payload| UnaryResponse {
            payload: Some(payload),
        }))
    }

    async fn idempotent_unary(
        &self,
        request: Request<IdempotentUnaryRequest>,
    ) -> Result<Response<IdempotentUnaryResponse>> {
        let mut info = info(&request);
        let message = any("IdempotentUnaryRequest", request.get_ref());
        info.requests.push(message);
        let response = answer(request.into_inner().response_definition, info).await?;
        Ok(response.map(|payload| IdempotentUnaryResponse {
            payload: Some(payload),
        }))
    }

    async fn client_stream(
        &self,
        request: Request<Streaming<ClientStreamRequest>>,
    ) -> Result<Response<ClientStreamResponse>> {
        let mut info = info(&request);
        let mut messages = request.into_inner();
        let mut wanted = None;
        while let Some(message) = messages.message().await? {
            info.requests.push(any("ClientStreamRequest", &message));
            if info.requests.len() == 1 {
                wanted = message.response_definition;
            }
        }
        let response = answer(wanted, info).await?;
        Ok(response.map(|payload| ClientStreamResponse {
            payload: Some(payload),
        }))
    }

    async fn server_stream(
        &self,
        request: Request<ServerStreamRequest>,
    ) -> Result<Response<BoxStream<ServerStreamResponse>>> {
        streams::server_stream(request)
    }

    async fn bidi_stream(
        &self,
        request: Request<Streaming<BidiStreamRequest>>,
    ) -> Result<Response<BoxStream<BidiStreamResponse>>> {
        streams::bidi_stream(request).await
    }

    async fn unimplemented(
        &self,
        _: Request<UnimplementedRequest>,
    ) -> Result<Response<UnimplementedResponse>> {
        Err(Status::unimplemented("as the suite wants it"))
    }
}

/// One reply, or one error, as `wanted`.
async fn answer(
    wanted: Option<UnaryResponseDefinition>,
    info: RequestInfo,
) -> Result<Response<ConformancePayload>> {
    let wanted = wanted.unwrap_or_default();
    sleep(Duration::from_millis(wanted.response_delay_ms.into())).await;
    let data = match wanted.response {
        Some(Wanted::ResponseData(data)) => data,
        None => Vec::new(),
        Some(Wanted::Error(error)) => {
            let mut status = status(error, Some(&info));
            let mut metadata = MetadataMap::new();
            add(&wanted.response_headers, &mut metadata)?;
            add(&wanted.response_trailers, &mut metadata)?;
            *status.metadata_mut() = metadata;
            return Err(status);
        }
    };
    let mut response = Response::new(ConformancePayload {
        data,
        request_info: Some(info),
    });
    add(&wanted.response_headers, response.metadata_mut())?;
    add(&wanted.response_trailers, response.trailers_mut())?;
    Ok(response)
}
