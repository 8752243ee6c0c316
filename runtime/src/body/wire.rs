//! Length-prefixed messages out of an HTTP body (gRPC over HTTP/2,
//! "Length-Prefixed-Message").

use super::{
    of_broken,
    pace::{Inbound, Pace},
};
use crate::{
    codec::Codec,
    compression::Compression,
    engine::{BoxError, Broken, HttpBody},
    framing::PREFIX_BYTES,
    limits::Limit,
    status::{self, Code, Result, Status},
    stopwatch::Stopwatch,
    underway::Underway,
};
use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;
use http_body::Body;
use prost::Message;
use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tonic::metadata::MetadataMap;

/// What is set aside for a message that has only said how long it will be.
const RESERVE_BYTES_MAX: usize = 64 << 10;

/// Messages that arrive.
pub(crate) struct Wire {
    http: HttpBody,
    chunk: Bytes,
    partial: BytesMut,
    compression: Option<Compression>,
    codec: Codec,
    message_bytes_max: usize,
    end: End,
    state: State,
    /// What a server asks of a request.
    inbound: Option<Arc<Inbound>>,
    /// The request is one message.
    single: bool,
    /// All of the body is one message, which has no prefix and was not given yet.
    bare: bool,
    pace: Option<Pace>,
    stopwatch: Option<Stopwatch>,
    trailers: MetadataMap,
    /// The status that stood in the head; it holds if nothing follows it.
    early: HeaderMap,
    /// A response keeps its subchannel busy until it has ended.
    underway: Option<Underway>,
}

/// What ends the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The end of the request.
    Request,
    /// Trailers with a status.
    Response,
}

#[derive(PartialEq, Eq)]
enum State {
    Open,
    /// The HTTP body has ended.
    Drained,
    /// The last word was said.
    Done,
}

impl Wire {
    pub(crate) fn new(
        http: HttpBody,
        compression: Option<Compression>,
        message_bytes_max: usize,
        end: End,
    ) -> Self {
        Self {
            http,
            chunk: Bytes::new(),
            partial: BytesMut::new(),
            compression,
            codec: Codec::GRPC,
            message_bytes_max,
            end,
            state: State::Open,
            inbound: None,
            single: false,
            bare: false,
            pace: None,
            stopwatch: None,
            trailers: MetadataMap::new(),
            early: HeaderMap::new(),
            underway: None,
        }
    }

    /// The messages of a request, or the one that it is if `single`.
    pub(crate) fn request(
        http: HttpBody,
        compression: Option<Compression>,
        inbound: Arc<Inbound>,
        single: bool,
    ) -> Self {
        let mut wire = Self::new(http, compression, inbound.message_bytes_max, End::Request);
        wire.inbound = Some(inbound);
        wire.single = single;
        wire
    }

    /// The one message that all of a request is.
    pub(crate) fn bare(
        http: HttpBody,
        compression: Option<Compression>,
        inbound: Arc<Inbound>,
    ) -> Self {
        let mut wire = Self::request(http, compression, inbound, true);
        wire.bare = true;
        wire
    }

    /// The same, its messages written that way.
    pub(crate) fn written(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }

    /// The message that `bytes` of it say.
    pub(crate) fn decode<T: Message + Default + 'static>(&self, bytes: Bytes) -> Result<T> {
        self.codec.decode(bytes)
    }

    /// Keeps a subchannel busy until it has ended, and tells how.
    pub(crate) fn keep(&mut self, underway: Underway) {
        self.underway = Some(underway);
    }

    /// Lets `stopwatch` show nothing while the first message arrives.
    pub(crate) fn time_arrival(&mut self, stopwatch: Stopwatch) {
        self.stopwatch = Some(stopwatch);
    }

    /// Ends the response as `status` says if neither data nor trailers come.
    pub(crate) fn unless_data(&mut self, status: HeaderMap) {
        self.early = status;
    }

    /// The metadata after the last message; empty before.
    pub(crate) fn trailers(&mut self) -> MetadataMap {
        std::mem::take(&mut self.trailers)
    }

    /// The next message's bytes, decompressed; `None` after the last one.
    pub(crate) async fn message(&mut self) -> Result<Option<Bytes>> {
        poll_fn(|cx| self.poll_message(cx)).await
    }

    pub(crate) fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>>> {
        let mut polled = self.poll_inner(cx);
        if let Poll::Ready(Err(_) | Ok(None)) = &polled {
            self.state = State::Done;
            self.http = HttpBody::empty();
        }
        if let Poll::Ready(ended @ (Err(_) | Ok(None))) = &mut polled
            && let Some(underway) = self.underway.take()
        {
            underway.ended(ended.as_mut().map(|_| &self.trailers));
        }
        if let Some(stopwatch) = &self.stopwatch
            && polled.is_ready()
            && stopwatch.elapsed().is_none()
        {
            stopwatch.restart();
        }
        polled
    }

    fn poll_inner(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>>> {
        loop {
            if self.state == State::Done {
                return Poll::Ready(Ok(None));
            }
            if let Some(message) = self.take()? {
                // A request of one message is whole only when it has ended.
                if !self.single {
                    self.pace = None;
                }
                return Poll::Ready(Ok(Some(message)));
            }
            if self.state == State::Drained {
                return Poll::Ready(self.finish());
            }
            let Poll::Ready(frame) = Pin::new(&mut self.http).poll_frame(cx) else {
                self.is_arriving()?;
                return Poll::Pending;
            };
            match frame {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        if !data.is_empty() {
                            self.early.clear();
                        }
                        if let Some(pace) = &mut self.pace {
                            pace.add(data.len());
                        }
                        if self.bare && !self.chunk.is_empty() {
                            self.keep_chunk();
                        }
                        self.chunk = data;
                    }
                    Err(frame) => {
                        if let Ok(trailers) = frame.into_trailers() {
                            self.state = State::Drained;
                            self.trailers = MetadataMap::from_headers(trailers);
                        }
                    }
                },
                Some(Err(error)) => return Poll::Ready(Err(self.broken(&error))),
                None => self.state = State::Drained,
            }
        }
    }

    /// Nothing more is there yet.
    fn is_arriving(&mut self) -> Result<()> {
        let Some(inbound) = &self.inbound else {
            return Ok(());
        };
        if let Some(stopwatch) = &self.stopwatch {
            stopwatch.pause();
        }
        let buffered = self.http.buffered();
        // Between the messages of a stream nothing is owed.
        let begun = self.single || buffered > 0 || !self.partial.is_empty();
        if self.pace.is_none() && begun {
            self.pace = Some(inbound.pace(self.partial.len() as u64));
        }
        match &mut self.pace {
            Some(pace) => pace.check(inbound, buffered),
            None => Ok(()),
        }
    }

    /// One whole message out of what has arrived, copied only if it came in pieces.
    fn take(&mut self) -> Result<Option<Bytes>> {
        if self.bare {
            return self.take_bare();
        }
        if self.partial.is_empty() && self.chunk.len() >= PREFIX_BYTES {
            let (compressed, length) = self.prefix(&self.chunk[..PREFIX_BYTES])?;
            if self.chunk.len() >= PREFIX_BYTES + length {
                self.chunk.advance(PREFIX_BYTES);
                let message = self.chunk.split_to(length);
                return self.decompress(compressed, message).map(Some);
            }
        }
        if !self.fill(PREFIX_BYTES) {
            return Ok(None);
        }
        let (compressed, length) = self.prefix(&self.partial[..PREFIX_BYTES])?;
        if !self.fill(PREFIX_BYTES + length) {
            return Ok(None);
        }
        let mut message = std::mem::take(&mut self.partial).freeze();
        message.advance(PREFIX_BYTES);
        self.decompress(compressed, message).map(Some)
    }

    /// The whole body, once it has ended.
    fn take_bare(&mut self) -> Result<Option<Bytes>> {
        self.fits(self.partial.len() + self.chunk.len())?;
        if self.state == State::Open {
            return Ok(None);
        }
        self.bare = false;
        if !self.partial.is_empty() {
            self.keep_chunk();
            self.chunk = std::mem::take(&mut self.partial).freeze();
        }
        let message = std::mem::take(&mut self.chunk);
        // No bytes are a message too, of any compression.
        self.decompress(self.compression.is_some() && !message.is_empty(), message)
            .map(Some)
    }

    /// Makes room for more of a body that comes in pieces.
    fn keep_chunk(&mut self) {
        let chunk = std::mem::take(&mut self.chunk);
        self.partial.extend_from_slice(&chunk);
    }

    /// Moves bytes until `partial` has `wanted`; whether it has.
    fn fill(&mut self, wanted: usize) -> bool {
        let missing = wanted.saturating_sub(self.partial.len());
        let here = missing.min(self.chunk.len());
        if here > 0 {
            self.partial
                .reserve(missing.min(RESERVE_BYTES_MAX).max(here));
            self.partial.extend_from_slice(&self.chunk[..here]);
            self.chunk.advance(here);
        }
        self.partial.len() >= wanted
    }

    fn prefix(&self, prefix: &[u8]) -> Result<(bool, usize)> {
        let compressed = match prefix[0] {
            0 => false,
            1 => true,
            flag => {
                return Err(Status::internal(format!(
                    "a message starts with the flag {flag}, which is neither 0 nor 1"
                )));
            }
        };
        let length = u32::from_be_bytes([prefix[1], prefix[2], prefix[3], prefix[4]]) as usize;
        self.fits(length)?;
        Ok((compressed, length))
    }

    fn fits(&self, length: usize) -> Result<()> {
        if length <= self.message_bytes_max {
            return Ok(());
        }
        self.too_large();
        Err(Status::resource_exhausted(format!(
            "a message of {length} bytes is over the limit of {} bytes (`message_bytes_max`)",
            self.message_bytes_max
        )))
    }

    fn decompress(&self, compressed: bool, message: Bytes) -> Result<Bytes> {
        if !compressed {
            return Ok(message);
        }
        match self.compression {
            Some(compression) => compression
                .decompress(&message, self.message_bytes_max)
                .inspect_err(|status| {
                    if status.code() == Code::ResourceExhausted {
                        self.too_large();
                    }
                }),
            None => Err(Status::internal(
                "a message is compressed, but no header says how",
            )),
        }
    }

    fn too_large(&self) {
        if let Some(inbound) = &self.inbound {
            inbound.metrics.reached(Limit::MessageBytesMax);
        }
    }

    fn finish(&mut self) -> Result<Option<Bytes>> {
        if !self.partial.is_empty() || !self.chunk.is_empty() {
            return Err(Status::internal("the stream ended within a message"));
        }
        if self.end == End::Response {
            let mut trailers = std::mem::take(&mut self.trailers).into_headers();
            if trailers.is_empty() {
                trailers = std::mem::take(&mut self.early);
            }
            match status::take(&mut trailers) {
                Some(status) if status.code() == Code::Ok => {
                    self.trailers = status::without_reserved(MetadataMap::from_headers(trailers));
                    if !status.metadata().is_empty() {
                        self.trailers = status.metadata().clone();
                    }
                }
                Some(status) => return Err(status),
                None => return Err(Status::unknown("the response ended without a grpc-status")),
            }
        }
        Ok(None)
    }

    fn broken(&self, error: &BoxError) -> Status {
        match self.end {
            End::Request => match error.downcast_ref::<Status>() {
                Some(status) => status.clone(),
                None => Status::cancelled("the client went away"),
            },
            End::Response => match Broken::within(&**error) {
                Some(broken) => of_broken(broken),
                None => Status::unavailable(format!("the response broke: {error}")),
            },
        }
    }
}
