//! HTTP and bytes: sockets, connections and what flows on them. Knows nothing
//! of gRPC; nothing above it knows hyper.

mod accept;
mod activity;
mod broken;
mod connect;
mod connection;
mod cores;
mod error;
mod further;
mod http1;
mod http2;
mod http_body;
mod listen;
mod malloc;
mod pass_writes;
mod peer;
mod prefixed;
#[cfg(feature = "tls")]
mod sparingly;
#[cfg(feature = "tls")]
mod tls;

pub(crate) use accept::{Gate, accept};
pub(crate) use broken::{Broken, ErrorCode};
pub(crate) use connect::Connector;
pub(crate) use connection::{Answer, Settings, on_the_clock};
pub(crate) use cores::Cores;
pub use error::{Error, ErrorKind};
pub(crate) use further::Connection;
pub use http_body::HttpBody;
pub(crate) use http2::Unanswered;
pub(crate) use listen::{Accepting, Listening};
pub use listen::{Listen, Listener};
pub(crate) use malloc::teach_malloc;
pub use peer::{Peer, PeerAddress};
#[cfg(feature = "tls")]
pub use tls::{ClientTls, PeerIdentity, Pem, ServerTls};

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;
pub(crate) type BoxFuture<T> = std::pin::Pin<Box<dyn Future<Output = T> + Send>>;

/// Anything bytes flow through both ways.
pub(crate) trait Io: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin {}
impl<T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin> Io for T {}
