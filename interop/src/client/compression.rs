//! Who compresses, and who can tell.

use cordial::{Code, Compression};

use super::failure::{ended_with, equal};
use super::{Outcome, request, unary};
use crate::grpc::testing::{SimpleRequest, TestServiceClient};

pub(super) async fn client_unary(service: &TestServiceClient) -> Outcome {
    let expecting = |compressed| SimpleRequest {
        expect_compressed: request::yes_or_no(compressed),
        ..request::large()
    };
    // A server that cannot tell would let the two calls after this one pass too.
    let probe = service.unary_call(expecting(true)).compression(None);
    ended_with(probe.await, Code::InvalidArgument)?;
    for compression in [Some(Compression::Gzip), None] {
        let call = service.unary_call(expecting(compression.is_some()));
        let response = call.compression(compression).await?.into_inner();
        unary::large_response(response)?;
    }
    Ok(())
}

pub(super) async fn server_unary(service: &TestServiceClient) -> Outcome {
    for wanted in [true, false] {
        let call = service.unary_call(SimpleRequest {
            response_compressed: request::yes_or_no(wanted),
            ..request::large()
        });
        let response = call.await?;
        let compressed = response.compression().is_some();
        equal(compressed, wanted, "whether the answer is compressed")?;
        unary::large_response(response.into_inner())?;
    }
    Ok(())
}
