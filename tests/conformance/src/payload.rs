//! What the suite is told of its requests, and what it asks to be told.

use crate::pb::{self, Header, conformance_payload::RequestInfo};
use cordial::{
    Code, Request, Status,
    metadata::{
        AsciiMetadataKey, AsciiMetadataValue, BinaryMetadataKey, BinaryMetadataValue,
        KeyAndValueRef, MetadataMap,
    },
};
use prost::Message;
use prost_types::Any;

/// `google.rpc.Status`, which carries details of any type.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

/// `message`, by its name in the suite's package.
pub(crate) fn any(name: &str, message: &impl Message) -> Any {
    Any {
        type_url: format!("type.googleapis.com/connectrpc.conformance.v1.{name}"),
        value: message.encode_to_vec(),
    }
}

/// What is seen of a request but for its messages.
pub(crate) fn info<T>(request: &Request<T>) -> RequestInfo {
    let deadline = request.deadline();
    let left = deadline.map(|deadline| deadline.remaining().as_millis());
    RequestInfo {
        request_headers: headers(request.metadata()),
        timeout_ms: left.and_then(|left| i64::try_from(left).ok()),
        requests: Vec::new(),
        connect_get_info: None,
    }
}

fn headers(metadata: &MetadataMap) -> Vec<Header> {
    let mut headers: Vec<Header> = Vec::new();
    for entry in metadata.iter() {
        let (name, value) = match entry {
            KeyAndValueRef::Ascii(key, value) => (key.as_str(), value.as_encoded_bytes()),
            KeyAndValueRef::Binary(key, value) => (key.as_str(), value.as_encoded_bytes()),
        };
        let value = String::from_utf8_lossy(value).into_owned();
        match headers.iter_mut().find(|header| header.name == name) {
            Some(header) => header.value.push(value),
            None => headers.push(Header {
                name: name.into(),
                value: vec![value],
            }),
        }
    }
    headers
}

/// Adds what the suite wants to see.
pub(crate) fn add(headers: &[Header], metadata: &mut MetadataMap) -> Result<(), Status> {
    let bad = |what: &dyn std::fmt::Display| Status::invalid_argument(what.to_string());
    for header in headers {
        let name = header.name.to_lowercase();
        for value in &header.value {
            if name.ends_with("-bin") {
                let key: BinaryMetadataKey = name.parse().map_err(|error| bad(&error))?;
                // As it stands on the wire, in base64.
                let text = value.clone().into_bytes();
                let value = BinaryMetadataValue::try_from(text).map_err(|error| bad(&error))?;
                metadata.append_bin(key, value);
            } else {
                let key: AsciiMetadataKey = name.parse().map_err(|error| bad(&error))?;
                let value: AsciiMetadataValue = value.parse().map_err(|error| bad(&error))?;
                metadata.append(key, value);
            }
        }
    }
    Ok(())
}

/// The status that the suite wants, with what was seen of the request if that was not
/// told otherwise.
pub(crate) fn status(error: pb::Error, info: Option<&RequestInfo>) -> Status {
    let mut details = error.details;
    details.extend(info.map(|info| any("ConformancePayload.RequestInfo", info)));
    let message = error.message.unwrap_or_default();
    let status = RpcStatus {
        code: error.code,
        message: message.clone(),
        details,
    };
    let details = match status.details.is_empty() {
        true => Vec::new(),
        false => status.encode_to_vec(),
    };
    Status::with_details(Code::from_i32(error.code), message, details.into())
}
