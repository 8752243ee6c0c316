//! Metadata there and back.

use cordial::metadata::{MetadataMap, MetadataValue};

use super::failure::equal;
use super::request::{self, RESPONSES};
use super::{Failure, Outcome, streaming, unary};
use crate::grpc::testing::TestServiceClient;

const INITIAL: &str = "x-grpc-test-echo-initial";
const INITIAL_VALUE: &str = "test_initial_metadata_value";
const TRAILING: &str = "x-grpc-test-echo-trailing-bin";
const TRAILING_VALUE: &[u8] = &[0xab, 0xab, 0xab];

pub(super) async fn custom(service: &TestServiceClient) -> Outcome {
    let call = service.unary_call(request::large());
    let call = call.metadata(INITIAL, INITIAL_VALUE);
    let response = call.metadata_bin(TRAILING, TRAILING_VALUE).await?;
    check_initial(response.metadata())?;
    check_trailing(response.trailers())?;
    unary::large_response(response.into_inner())?;

    let requests = tokio_stream::once(request::output(0, &RESPONSES[..1]));
    let call = service.full_duplex_call(requests);
    let call = call.metadata(INITIAL, INITIAL_VALUE);
    let response = call.metadata_bin(TRAILING, TRAILING_VALUE).await?;
    check_initial(response.metadata())?;
    let mut responses = response.into_inner();
    streaming::next(&mut responses, RESPONSES[0]).await?;
    streaming::end(&mut responses).await?;
    check_trailing(&responses.trailers().await?)
}

fn check_initial(metadata: &MetadataMap) -> Outcome {
    let values: Vec<_> = metadata.get_all(INITIAL).iter().collect();
    equal(
        values,
        vec![&MetadataValue::from_static(INITIAL_VALUE)],
        INITIAL,
    )
}

fn check_trailing(metadata: &MetadataMap) -> Outcome {
    let values = metadata.get_all_bin(TRAILING);
    let values: Result<Vec<_>, _> = values.iter().map(|value| value.to_bytes()).collect();
    let values = values.map_err(|error| Failure::new(format!("{TRAILING}: {error}")))?;
    equal(values, vec![TRAILING_VALUE.into()], TRAILING)
}
