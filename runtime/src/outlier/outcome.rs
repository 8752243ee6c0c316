//! What the end of a call says of the address it went to.

use crate::status::{Code, Status};

/// Sent by a server that refuses a call since it has too many (gRFC A6).
const PUSHBACK: &str = "grpc-retry-pushback-ms";

/// What the end of a call says of the address it went to.
///
/// gRFC A50 takes every status but OK for a failure. Then a caller who asks for
/// what is not there, or may not have it, ejects healthy addresses one after
/// another. Here only what speaks of the address counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It does its work.
    Answered,
    /// It cannot be reached, or does not answer.
    Failed,
    /// It failed, or the call was one that fails anywhere: comparison will tell.
    Doubtful,
    /// It has more calls than it can answer. It is not ill, and if it was left
    /// alone the others would have its calls too; but where it is the only
    /// one that refuses, comparison will tell.
    Busy,
    /// Nothing.
    Silent,
}

impl Outcome {
    /// What `status` says.
    pub(crate) fn of(status: &Status) -> Self {
        match Self::of_code(status.code()) {
            Self::Failed if status.metadata().contains_key(PUSHBACK) => Self::Busy,
            outcome => outcome,
        }
    }

    /// Whether it counts against the address.
    pub(crate) fn is_failure(self) -> bool {
        match self {
            Self::Failed | Self::Doubtful | Self::Busy => true,
            Self::Answered | Self::Silent => false,
        }
    }

    /// What a status of this code, from an address that was reached or tried, says.
    pub(crate) fn of_code(code: Code) -> Self {
        match code {
            Code::Unavailable => Self::Failed,
            // Too short a timeout fails anywhere, but of an address that hangs there
            // is no other sign.
            Code::DeadlineExceeded => Self::Failed,
            // Handlers that panic, bugs, broken peers; and requests that provoke them.
            Code::Internal | Code::DataLoss => Self::Doubtful,
            // What proxies answer; and any error of a handler, in other languages.
            Code::Unknown => Self::Doubtful,
            // The caller went away, for reasons of its own.
            Code::Cancelled => Self::Silent,
            Code::Ok => Self::Answered,
            // What the caller asks for is wrong, or not there, or not its own.
            Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::Unauthenticated
            | Code::FailedPrecondition
            | Code::Aborted
            | Code::OutOfRange => Self::Answered,
            // A quota of the caller's, or a message too large.
            Code::ResourceExhausted => Self::Answered,
            // One method is missing; the others may be what the calls are for.
            Code::Unimplemented => Self::Answered,
        }
    }
}
