//! What the server does wrong, case by case.

use super::frame::PAYLOAD_BYTES_MAX;
use crate::case::Case;

/// One thing to send, in its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The HEADERS that begin the response.
    Head,
    /// Half of the response's bytes.
    Half,
    /// The bytes of the response that are left.
    Rest,
    /// The HEADERS that end the response, and the stream.
    Trailers,
    /// RST_STREAM with NO_ERROR.
    Reset,
    Ping,
    /// GOAWAY with NO_ERROR: this stream was the last.
    GoAway,
}

/// How a connection is treated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Script {
    /// Once the headers of a call have come.
    pub(super) on_headers: &'static [Step],
    /// Once a call has come whole.
    pub(super) on_request: &'static [Step],
    /// Calls in flight that the client is told it may have.
    pub(super) streams_max: Option<u32>,
    /// Bytes of the response in one DATA frame.
    pub(super) frame_bytes: usize,
    /// Bytes of padding in each DATA frame.
    pub(super) padding: Option<u8>,
}

impl Script {
    /// What the case asks for; `None` if its server does nothing wrong.
    pub(super) fn of(case: Case) -> Option<Self> {
        use Step::{GoAway, Half, Head, Ping, Reset, Rest, Trailers};
        let (on_headers, on_request): (&[_], &[_]) = match case {
            Case::GoAway => (&[Head], &[Rest, Trailers, GoAway]),
            Case::RstAfterHeader => (&[Head, Reset], &[]),
            Case::RstDuringData => (&[Head], &[Half, Reset]),
            Case::RstAfterData => (&[Head], &[Rest, Reset]),
            Case::Ping => (&[Ping, Head, Ping], &[Ping, Rest, Ping, Trailers]),
            Case::MaxStreams | Case::DataFramePadding | Case::SmallDataFrames => {
                (&[Head], &[Rest, Trailers])
            }
            _ => return None,
        };
        let small = matches!(case, Case::DataFramePadding | Case::SmallDataFrames);
        Some(Self {
            on_headers,
            on_request,
            streams_max: (case == Case::MaxStreams).then_some(1),
            frame_bytes: if small { 5 } else { PAYLOAD_BYTES_MAX },
            padding: (case == Case::DataFramePadding).then_some(u8::MAX),
        })
    }
}
