//! What single messages ask for, and what they are answered with.

use cordial::metadata::MetadataMap;
use cordial::{Code, Compression, ErrorDetails, Result, Status, StatusExt};

use crate::grpc::testing::{BoolValue, EchoStatus, Payload};

/// No test asks for more, and nobody else shall make us set it aside.
const PAYLOAD_BYTES_MAX: usize = 16 << 20;

/// The message that asks for a status with details.
const DETAILS_PLEASE: &str = "details please";

/// As many zeros as were asked for.
pub(super) fn payload(size: i32) -> Result<Payload> {
    match usize::try_from(size) {
        Ok(size) if size <= PAYLOAD_BYTES_MAX => Ok(Payload {
            body: vec![0; size],
            ..Payload::default()
        }),
        _ => Err(Status::invalid_argument(format!(
            "a payload of {size} bytes was asked for; 0 to {PAYLOAD_BYTES_MAX} can be had"
        ))),
    }
}

/// The status that was asked for, as an error.
pub(super) fn status(wanted: Option<&EchoStatus>) -> Result<()> {
    match wanted {
        None | Some(EchoStatus { code: 0, .. }) => Ok(()),
        Some(EchoStatus { code: 3, message }) if message == DETAILS_PLEASE => {
            let details = ErrorDetails::with_bad_request_violation("payload", DETAILS_PLEASE);
            Err(Status::with_error_details(
                Code::InvalidArgument,
                DETAILS_PLEASE,
                details,
            ))
        }
        Some(EchoStatus { code, message }) => Err(Status::new(Code::from(*code), message)),
    }
}

/// INVALID_ARGUMENT unless messages came as they say they did.
pub(super) fn expect(compressed: Option<&BoolValue>, came: Option<Compression>) -> Result<()> {
    match compressed {
        Some(BoolValue { value }) if *value != came.is_some() => {
            let came = came.map_or("uncompressed", Compression::name);
            Err(Status::invalid_argument(format!(
                "a message came {came}, and its `expect_compressed` is {value}"
            )))
        }
        _ => Ok(()),
    }
}

/// How to compress for a client that wants it. Whether the client can read it is
/// for the runtime to see, from a header that no handler is shown.
pub(super) fn compression(sent: &MetadataMap) -> Compression {
    match sent.get("x-interop-encoding") {
        Some(encoding) if encoding == Compression::Deflate.name() => Compression::Deflate,
        _ => Compression::Gzip,
    }
}
