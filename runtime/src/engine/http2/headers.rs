//! Headers and trailers that leave.

use super::{
    frame::{self, HEAD_BYTES, flag, kind},
    hpack::Start,
    state::State,
};
use http::HeaderMap;

impl State {
    /// Appends a head or trailers: HEADERS, and as many CONTINUATION frames as the
    /// peer's frame size asks for.
    pub(super) fn put_headers(
        &mut self,
        id: u32,
        start: Start<'_>,
        headers: &HeaderMap,
        end: bool,
    ) {
        let frame_bytes_max = self.peer.frame_bytes_max;
        let out = self.out.frames();
        let end = if end { flag::END_STREAM } else { 0 };
        let from = out.len();
        frame::put_head(out, 0, kind::HEADERS, end | flag::END_HEADERS, id);
        let block = out.len();
        self.encoder.encode(start, headers, out);
        let length = out.len() - block;
        if length <= frame_bytes_max {
            return frame::set_length(out, from, length);
        }
        let block = out.split_off(block);
        out.truncate(out.len() - HEAD_BYTES);
        let (first, rest) = block.split_at(frame_bytes_max);
        frame::put_head(out, first.len(), kind::HEADERS, end, id);
        out.extend_from_slice(first);
        let mut pieces = rest.chunks(frame_bytes_max).peekable();
        while let Some(piece) = pieces.next() {
            let last = pieces.peek().is_none();
            let flags = if last { flag::END_HEADERS } else { 0 };
            frame::put_head(out, piece.len(), kind::CONTINUATION, flags, id);
            out.extend_from_slice(piece);
        }
    }
}
