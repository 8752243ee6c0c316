//! Messages with their metadata.

use crate::{compression::Compression, deadline::Deadline, engine::Peer};
use http::Extensions;
use std::time::Duration;
use tokio_stream::Stream;
use tonic::metadata::MetadataMap;

/// A message, or a stream of them, on its way to a handler.
#[derive(Debug)]
pub struct Request<T> {
    metadata: MetadataMap,
    extensions: Extensions,
    deadline: Option<Deadline>,
    peer: Option<Peer>,
    compression: Option<Compression>,
    message: T,
}

/// A message, or a stream of them, on its way back.
#[derive(Debug)]
pub struct Response<T> {
    metadata: MetadataMap,
    trailers: MetadataMap,
    extensions: Extensions,
    compression: Option<Option<Compression>>,
    message: T,
}

macro_rules! both {
    ($name:ident { $($field:ident),* }) => {
        impl<T> $name<T> {
            /// The metadata before the messages.
            pub fn metadata(&self) -> &MetadataMap {
                &self.metadata
            }

            /// The metadata before the messages, to be changed.
            pub fn metadata_mut(&mut self) -> &mut MetadataMap {
                &mut self.metadata
            }

            /// Values that layers and handlers leave for one another, by type.
            /// They never travel on the wire.
            pub fn extensions(&self) -> &Extensions {
                &self.extensions
            }

            /// The same, to be changed.
            pub fn extensions_mut(&mut self) -> &mut Extensions {
                &mut self.extensions
            }

            /// The message.
            pub fn get_ref(&self) -> &T {
                &self.message
            }

            /// The message, to be changed.
            pub fn get_mut(&mut self) -> &mut T {
                &mut self.message
            }

            /// The message alone.
            pub fn into_inner(self) -> T {
                self.message
            }

            /// The same with another message.
            pub fn map<U>(self, change: impl FnOnce(T) -> U) -> $name<U> {
                let (message, rest) = self.split();
                rest.map_unit(change(message))
            }

            /// The message, and everything else.
            pub(crate) fn split(self) -> (T, $name<()>) {
                let Self { message, $($field),* } = self;
                (message, $name { message: (), $($field),* })
            }
        }

        impl $name<()> {
            pub(crate) fn map_unit<U>(self, message: U) -> $name<U> {
                let Self { message: (), $($field),* } = self;
                $name { message, $($field),* }
            }
        }
    };
}

both!(Request {
    metadata,
    extensions,
    deadline,
    peer,
    compression
});
both!(Response {
    metadata,
    trailers,
    extensions,
    compression
});

impl<T> Request<T> {
    /// `message` without metadata.
    pub fn new(message: T) -> Self {
        Self {
            metadata: MetadataMap::new(),
            extensions: Extensions::new(),
            deadline: None,
            peer: None,
            compression: None,
            message,
        }
    }

    /// Until when the caller waits; `None` if it did not say. A handler that is
    /// still at work then is dropped and its caller gets DEADLINE_EXCEEDED.
    pub fn deadline(&self) -> Option<Deadline> {
        self.deadline
    }

    /// Gives the call until `timeout` from now.
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.deadline = Some(Deadline::after(timeout));
    }

    pub(crate) fn set_deadline(&mut self, deadline: Option<Deadline>) {
        self.deadline = deadline;
    }

    /// Who calls; `None` on the caller's side.
    pub fn peer(&self) -> Option<&Peer> {
        self.peer.as_ref()
    }

    /// Who the caller proved to be; `None` without mutual TLS.
    #[cfg(feature = "tls")]
    pub fn peer_identity(&self) -> Option<&crate::engine::PeerIdentity> {
        self.peer.as_ref()?.identity()
    }

    pub(crate) fn set_peer(&mut self, peer: Option<Peer>) {
        self.peer = peer;
    }

    /// How its messages are compressed on the wire, if they are.
    pub fn compression(&self) -> Option<Compression> {
        self.compression
    }

    pub(crate) fn set_compression(&mut self, compression: Option<Compression>) {
        self.compression = compression;
    }
}

impl<T> Response<T> {
    /// `message` without metadata.
    pub fn new(message: T) -> Self {
        Self {
            metadata: MetadataMap::new(),
            trailers: MetadataMap::new(),
            extensions: Extensions::new(),
            compression: None,
            message,
        }
    }

    /// The metadata after the messages. A caller of a streaming method finds
    /// it with [`Streaming::trailers`](crate::Streaming::trailers) instead.
    pub fn trailers(&self) -> &MetadataMap {
        &self.trailers
    }

    /// The metadata after the messages, to be changed.
    pub fn trailers_mut(&mut self) -> &mut MetadataMap {
        &mut self.trailers
    }

    /// How its messages are compressed on the wire, if they are.
    pub fn compression(&self) -> Option<Compression> {
        self.compression.flatten()
    }

    /// Compresses its messages this way if the caller reads it, or not at all;
    /// without it the server's own setting holds.
    #[must_use]
    pub fn with_compression(mut self, compression: Option<Compression>) -> Self {
        self.compression = Some(compression);
        self
    }

    pub(crate) fn chosen_compression(&self) -> Option<Option<Compression>> {
        self.compression
    }
}

impl<T> From<T> for Response<T> {
    fn from(message: T) -> Self {
        Self::new(message)
    }
}

/// What a call can be made with: a message, or a [`Request`] that holds one.
pub trait IntoRequest<T> {
    /// The request to send.
    fn into_request(self) -> Request<T>;
}

impl<T> IntoRequest<T> for T {
    fn into_request(self) -> Request<T> {
        Request::new(self)
    }
}

impl<T> IntoRequest<T> for Request<T> {
    fn into_request(self) -> Self {
        self
    }
}

/// What a call with many messages can be made with: a stream of them, or a
/// [`Request`] that holds one.
pub trait IntoStreamingRequest {
    /// The stream.
    type Stream: Stream<Item = Self::Message> + Send + 'static;
    /// Its messages.
    type Message;
    /// The request to send.
    fn into_streaming_request(self) -> Request<Self::Stream>;
}

impl<S: Stream + Send + 'static> IntoStreamingRequest for S {
    type Stream = S;
    type Message = S::Item;
    fn into_streaming_request(self) -> Request<S> {
        Request::new(self)
    }
}

impl<S: Stream + Send + 'static> IntoStreamingRequest for Request<S> {
    type Stream = S;
    type Message = S::Item;
    fn into_streaming_request(self) -> Self {
        self
    }
}
