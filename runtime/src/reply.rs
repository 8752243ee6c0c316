//! What handlers return.

use crate::{message::Response, status::Result};
use std::pin::Pin;
use tokio_stream::Stream;

/// Messages a handler sends back one after another. The first `Err` ends the
/// call with its status; an `Err` of [`Code::Ok`](crate::Code::Ok) with
/// metadata ends it well, with that metadata as trailers.
pub type BoxStream<T> = Pin<Box<dyn Stream<Item = Result<T>> + Send>>;

/// What a handler returns: a future of a `T`.
///
/// Never implemented by hand: any `async fn(..) -> Result<Response<T>>` whose
/// future is `Send` is one.
#[diagnostic::on_unimplemented(
    message = "a handler must end with `Result<Response<{T}>>`",
    note = "write it as `async fn(&self, request: Request<..>) -> cordial::Result<cordial::Response<..>>`, and keep its future `Send`"
)]
pub trait Reply<T>: Future<Output = Result<Response<T>>> + Send {}

impl<T, F: Future<Output = Result<Response<T>>> + Send> Reply<T> for F {}
