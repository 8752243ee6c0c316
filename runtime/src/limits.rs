//! Every bound of a server and of a channel, with its default.

use std::time::Duration;

/// The default of `keepalive_interval`.
pub(crate) const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(2 * 60 * 60);

macro_rules! limits {
    ($($(#[$doc:meta])* $limit:ident: $name:ident / $with:ident: $type:ty = $default:expr;)*) => {
        /// What a peer may cost. Every limit is on; each can be moved.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Limits {
            $($(#[$doc])* pub $name: $type,)*
        }

        /// One of the [`Limits`]: what a metric is named after.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Limit {
            $(
                #[doc = concat!("[`Limits::", stringify!($name), "`]")]
                $limit,
            )*
        }

        impl Limit {
            /// Every limit there is.
            pub const ALL: &[Self] = &[$(Self::$limit,)*];

            /// Its name: that of the field of [`Limits`].
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$limit => stringify!($name),)*
                }
            }
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        impl Limits {
            $(
                #[doc = concat!("The same with another [`", stringify!($name), "`](Self::", stringify!($name), ").")]
                #[must_use]
                pub fn $with(mut self, $name: $type) -> Self {
                    self.$name = $name;
                    self
                }
            )*
        }
    };
}

limits! {
    /// Bytes of one message, decompressed, that are read. Default 4 MiB, as
    /// every gRPC implementation has it; over it a call ends with RESOURCE_EXHAUSTED.
    MessageBytesMax: message_bytes_max / with_message_bytes_max: usize = 4 << 20;

    /// Connections a server holds open. Default 10,000; the next one waits in
    /// the kernel's backlog until one closes.
    ConnectionsMax: connections_max / with_connections_max: usize = 10_000;

    /// Calls in flight on one connection to a server. Default 200; a peer that
    /// opens more has them refused, which it may retry.
    StreamsPerConnectionMax: streams_per_connection_max / with_streams_per_connection_max: u32 = 200;

    /// Bytes of one call that wait for its reader. Default 256 KiB; the sender
    /// waits for the reader then (HTTP/2 flow control).
    UnreadBytesPerStreamMax: unread_bytes_per_stream_max / with_unread_bytes_per_stream_max: u32 = 256 << 10;

    /// Bytes of all calls on one connection that wait for their readers.
    /// Default 1 MiB: as many readers as fill it and stop hold up the calls
    /// beside them. More of it costs time: what waits longer has left the caches.
    UnreadBytesPerConnectionMax: unread_bytes_per_connection_max / with_unread_bytes_per_connection_max: u32 = 1 << 20;

    /// Bytes of the headers of one call, as HPACK counts them (RFC 9113,
    /// section 6.5.2). Default 16 KiB.
    HeaderBytesMax: header_bytes_max / with_header_bytes_max: u32 = 16 << 10;

    /// Streams that a peer's own errors made us reset before the connection is
    /// closed with ENHANCE_YOUR_CALM (CVE-2025-8671). Default 1,024.
    LocalResetsMax: local_resets_max / with_local_resets_max: usize = 1_024;

    /// Streams a peer reset before we had accepted them, before the connection
    /// is closed with ENHANCE_YOUR_CALM (CVE-2023-44487). Default 20.
    PendingResetsMax: pending_resets_max / with_pending_resets_max: usize = 20;

    /// Connections to a server that the kernel holds until they are accepted.
    /// Default 1,024, which the kernel may lower (`net.core.somaxconn`); those
    /// beyond it are not answered, and try again.
    BacklogMax: backlog_max / with_backlog_max: u32 = 1_024;

    /// TLS handshakes a server has in progress, from the client's hello on.
    /// Default 1,024; the next one waits, within its own time, so that of many
    /// clients that come at once some are served at all.
    HandshakesMax: handshakes_max / with_handshakes_max: usize = 1_024;

    /// Calls that a peer may reset above those it lets end, before the connection
    /// is closed with ENHANCE_YOUR_CALM: each costs a handler that begins in vain.
    /// Default 1,000.
    RemoteResetsMax: remote_resets_max / with_remote_resets_max: usize = 1_000;

    /// Frames that carry nothing of a call (SETTINGS, PRIORITY, empty DATA, unknown
    /// ones, WINDOW_UPDATE that no reply asked for) before the connection is closed
    /// with ENHANCE_YOUR_CALM; calls and replies make up for some. Default 1,000.
    ControlFramesMax: control_frames_max / with_control_frames_max: usize = 1_000;

    /// PINGs of a client that come too soon, before the connection is closed with
    /// ENHANCE_YOUR_CALM. Default 2 (gRFC A8); a reply makes up for all.
    PingStrikesMax: ping_strikes_max / with_ping_strikes_max: u32 = 2;

    /// Time between PINGs of a client with calls in flight. Default 5 min (gRFC A8).
    PingIntervalMin: ping_interval_min / with_ping_interval_min: Duration = Duration::from_secs(300);

    /// Time between PINGs of a client without calls. Default 2 h (gRFC A8).
    IdlePingIntervalMin: idle_ping_interval_min / with_idle_ping_interval_min: Duration = Duration::from_secs(2 * 60 * 60);

    /// Bytes of replies that wait for one peer to read. Default 2 MiB: the handlers
    /// of that peer's calls wait then, and its stalled calls are reset after
    /// `stalled_reply_timeout`. The reply that reaches it is still held whole.
    UnsentBytesPerConnectionMax: unsent_bytes_per_connection_max / with_unsent_bytes_per_connection_max: usize = 2 << 20;

    /// Bytes of replies that wait for all peers of a server. Default 6 MiB, which two
    /// of the largest replies of a usual server are over: handlers of whoever holds
    /// some of them wait then, and those of others go one at a time on each connection.
    UnsentBytesMax: unsent_bytes_max / with_unsent_bytes_max: usize = 6 << 20;

    /// Time the flow-control window of a call may stay shut while its peer is over
    /// its bytes. Default 30 s; the call is reset then. A slow reader that is within
    /// its bytes may take any time.
    StalledReplyTimeout: stalled_reply_timeout / with_stalled_reply_timeout: Duration = Duration::from_secs(30);

    /// Time a socket may take none of the bytes that wait for it. Default 30 s; the
    /// connection is cut then.
    StalledWriteTimeout: stalled_write_timeout / with_stalled_write_timeout: Duration = Duration::from_secs(30);

    /// Time for the headers of one call to arrive, from their first frame to their
    /// last. Default 10 s.
    HeaderTimeout: header_timeout / with_header_timeout: Duration = Duration::from_secs(10);

    /// Time after which a connection to a server is asked to go away, 10 % more or
    /// less, so that calls spread to new servers (gRFC A9). Default 24 h.
    ConnectionAgeMax: connection_age_max / with_connection_age_max: Duration = Duration::from_secs(24 * 60 * 60);

    /// Time that calls in flight have to end after that; the connection is cut then.
    /// Default 1 h.
    ConnectionAgeGrace: connection_age_grace / with_connection_age_grace: Duration = Duration::from_secs(60 * 60);

    /// Time for a TLS handshake. Default 10 s.
    HandshakeTimeout: handshake_timeout / with_handshake_timeout: Duration = Duration::from_secs(10);

    /// Time for a new connection to say that it speaks HTTP/2. Default 10 s.
    PrefaceTimeout: preface_timeout / with_preface_timeout: Duration = Duration::from_secs(10);

    /// Time a connection to a server may have no call in flight before it is
    /// asked to go away. Default 5 min.
    IdleTimeout: idle_timeout / with_idle_timeout: Duration = Duration::from_secs(300);

    /// Time after which a silent peer is sent a PING. Default 2 h on a server
    /// (gRFC A9); a channel sends none unless this is shorter (gRFC A8).
    KeepaliveInterval: keepalive_interval / with_keepalive_interval: Duration = KEEPALIVE_INTERVAL;

    /// Time a peer has to answer a PING. Default 20 s (gRFC A9).
    KeepaliveTimeout: keepalive_timeout / with_keepalive_timeout: Duration = Duration::from_secs(20);

    /// Time calls in flight have to end once a server shuts down; what is open
    /// after it is cut. Default 30 s.
    DrainGrace: drain_grace / with_drain_grace: Duration = Duration::from_secs(30);

    /// Time for a channel to connect, TLS included. Default 20 s (the gRPC
    /// connection backoff document).
    ConnectTimeout: connect_timeout / with_connect_timeout: Duration = Duration::from_secs(20);

    /// Time for a call of a unary method that says no other, on the caller's side.
    /// Default 60 s: nobody waits longer for one answer, and a call without a
    /// deadline waits for a peer that hangs for ever.
    CallTimeout: call_timeout / with_call_timeout: Duration = Duration::from_secs(60);

    /// The same for methods with streams, which may be open for long. Default 24 h,
    /// the age at which a server asks their connection to go.
    StreamTimeout: stream_timeout / with_stream_timeout: Duration = Duration::from_secs(24 * 60 * 60);

    /// Connections of a channel to one address. Default 4: a further one is made when the
    /// peer takes no more calls at once on those there are (gRFC A105), and closed when
    /// nobody uses it; calls beyond what all of them take wait.
    ConnectionsPerAddressMax: connections_per_address_max / with_connections_per_address_max: usize = 4;

    /// Time without a call after which a channel closes its connections; the next
    /// call connects again. Default 30 min (gRFC A62).
    ChannelIdleTimeout: channel_idle_timeout / with_channel_idle_timeout: Duration = Duration::from_secs(30 * 60);

    /// Calls in flight on a whole server, streams included. Default 10,000, which
    /// at some 20 KiB for each is 200 MB; what is over it is refused with
    /// UNAVAILABLE. Its last tenth is kept for critical calls, the one before
    /// it for normal ones ([`Priority`](crate::Priority)).
    CallsMax: calls_max / with_calls_max: usize = 10_000;

    /// Calls that wait for others to end, where a
    /// [`ConcurrencyLimit`](crate::ConcurrencyLimit) is reached. Default 1,000.
    QueuedCallsMax: queued_calls_max / with_queued_calls_max: usize = 1_000;

    /// Time a call may wait for others to end. Default 100 ms, and a twentieth
    /// of it (for critical calls all of it) once calls have been waiting for
    /// as long: a burst passes, a queue that stays makes every call late.
    QueueTimeout: queue_timeout / with_queue_timeout: Duration = Duration::from_millis(100);

    /// Bytes a second at which a message that a peer has begun must arrive, on
    /// average. Default 240. Below it the call ends with RESOURCE_EXHAUSTED, for
    /// the same would only be as slow if it was tried again. A request of one
    /// message must come whole at this rate; between the messages of a stream
    /// any time may pass.
    RequestBytesPerSecondMin: request_bytes_per_second_min / with_request_bytes_per_second_min: u32 = 240;

    /// Time after which a slow message is looked at. Default 5 s: a lost packet
    /// or a mobile phone in a tunnel should not end a call.
    RequestRateGrace: request_rate_grace / with_request_rate_grace: Duration = Duration::from_secs(5);

    /// Bytes of the request of one call that a channel keeps to send it again. Default
    /// 256 KiB. What is larger is sent once: a stream is not tried again from where
    /// it reaches it, and goes on with the attempt that got there.
    RetryBytesPerCallMax: retry_bytes_per_call_max / with_retry_bytes_per_call_max: usize = 256 << 10;

    /// Bytes of the requests of all calls of a channel that are kept to send them again.
    /// Default 16 MiB. What is kept for a call is freed once its response begins; what
    /// does not fit is sent once, so that slow calls cost their retries and not the memory.
    RetryBytesMax: retry_bytes_max / with_retry_bytes_max: usize = 16 << 20;

    /// Messages waiting between the two ends of an in-process stream.
    /// Default 16; the sender waits for the reader.
    InProcessMessagesMax: in_process_messages_max / with_in_process_messages_max: usize = 16;
}
