//! Requests, and what the suite says they are to be.

use crate::grpc::testing::{
    BoolValue, Payload, ResponseParameters, SimpleRequest, StreamingInputCallRequest,
    StreamingOutputCallRequest,
};

/// Payload bytes of one large request.
pub(super) const LARGE_REQUEST: usize = 271_828;
/// Payload bytes of one large response.
pub(super) const LARGE_RESPONSE: i32 = 314_159;
/// Payload bytes of the requests of a stream.
pub(super) const REQUESTS: [usize; 4] = [27_182, 8, 1_828, 45_904];
/// Payload bytes of the responses of a stream.
pub(super) const RESPONSES: [i32; 4] = [31_415, 9, 2_653, 58_979];

pub(super) fn payload(size: usize) -> Option<Payload> {
    Some(Payload {
        body: vec![0; size],
        ..Payload::default()
    })
}

/// How many bytes of payload came.
pub(super) fn size(payload: Option<Payload>) -> usize {
    payload.map_or(0, |payload| payload.body.len())
}

pub(super) fn yes_or_no(value: bool) -> Option<BoolValue> {
    Some(BoolValue { value })
}

/// The large request that asks for the large response.
pub(super) fn large() -> SimpleRequest {
    SimpleRequest {
        payload: payload(LARGE_REQUEST),
        response_size: LARGE_RESPONSE,
        ..SimpleRequest::default()
    }
}

pub(super) fn input(size: usize) -> StreamingInputCallRequest {
    StreamingInputCallRequest {
        payload: payload(size),
        ..StreamingInputCallRequest::default()
    }
}

/// A request of `size` bytes for a message of each size in `responses`.
pub(super) fn output(size: usize, responses: &[i32]) -> StreamingOutputCallRequest {
    let parameters = |size: &i32| ResponseParameters {
        size: *size,
        ..ResponseParameters::default()
    };
    StreamingOutputCallRequest {
        payload: payload(size),
        response_parameters: responses.iter().map(parameters).collect(),
        ..StreamingOutputCallRequest::default()
    }
}
