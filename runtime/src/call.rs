//! One call not yet made, with its options.

use crate::{
    body::Body,
    compression::Compression,
    context::Context,
    deadline,
    engine::BoxFuture,
    explain::{Explanation, Journal, said},
    field_hash,
    guard::{self, Guard},
    message::{Request, Response},
    method::Method,
    outbound::{CallOptions, Outbound, Outgoing},
    status::{Result, Status},
    streaming::Streaming,
};
use bytes::Bytes;
use prost::Message;
use std::{fmt, time::Duration};
use tonic::metadata::{AsciiMetadataKey, BinaryMetadataKey, BinaryMetadataValue};

/// A call not yet made. Awaiting it makes it; dropping what it returns, or the
/// future itself, cancels it and tells the server.
#[must_use = "a call is made when awaited"]
pub struct Call<T> {
    outbound: Outbound,
    method: Method,
    request: Request<Body>,
    options: CallOptions,
    context: Context,
    invalid: Option<Status>,
    make: fn(Self) -> BoxFuture<Result<Response<T>>>,
}

impl<T> Call<T> {
    /// Gives the call until `timeout` from now, all of it: connecting, waiting
    /// and the last message of a stream. It ends with DEADLINE_EXCEEDED then,
    /// and the server is told beforehand.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.request.set_timeout(timeout);
        self
    }

    /// Takes nothing over from the call that is being answered here: neither its
    /// deadline nor its priority, nor its metadata ([`Context`]).
    pub fn detached(mut self) -> Self {
        self.context = Context::default();
        self
    }

    /// Sends an ASCII metadata entry too. A key or value that HTTP cannot
    /// carry ends the call with INVALID_ARGUMENT before it is made.
    pub fn metadata(mut self, key: &str, value: &str) -> Self {
        match (AsciiMetadataKey::from_bytes(key.as_bytes()), value.parse()) {
            (Ok(key), Ok(value)) => {
                self.request.metadata_mut().append(key, value);
            }
            (Err(_), _) => self.refuse(format!("`{key}` is no key of ASCII metadata")),
            (_, Err(_)) => self.refuse(format!("the value of `{key}` is not printable ASCII")),
        }
        self
    }

    /// Sends a binary metadata entry too; its key must end in `-bin`.
    pub fn metadata_bin(mut self, key: &str, value: &[u8]) -> Self {
        match BinaryMetadataKey::from_bytes(key.as_bytes()) {
            Ok(key) => {
                let value = BinaryMetadataValue::from_bytes(&Bytes::copy_from_slice(value));
                self.request.metadata_mut().append_bin(key, value);
            }
            Err(_) => self.refuse(format!(
                "`{key}` is no key of binary metadata: it must end in `-bin`"
            )),
        }
        self
    }

    /// Waits, until its deadline, for the service to be reachable instead of
    /// ending with UNAVAILABLE at once.
    pub fn wait_for_ready(mut self) -> Self {
        self.options.wait_for_ready = Some(true);
        self
    }

    /// Has the calls of one key go to one address, by a balancer that heeds it, such
    /// as [`RingHash`](crate::RingHash), instead of the method's `hash_field`.
    pub fn hash_key(mut self, key: impl AsRef<[u8]>) -> Self {
        self.options.hash = Some(field_hash::hash(key.as_ref()));
        self
    }

    /// Compresses what is sent in this way, or not at all.
    pub fn compression(mut self, compression: Option<Compression>) -> Self {
        self.options.compression = Some(compression);
        self
    }

    /// The call as its channel's rules and its context make it, and its request.
    fn ready(self) -> Result<(Outgoing, Request<Body>)> {
        if let Some(invalid) = self.invalid {
            return Err(invalid);
        }
        let (mut request, mut options) = (self.request, self.options);
        options.is_of_retry = self.context.is_of_retry();
        let outgoing = Outgoing::new(self.outbound, self.method, options);
        let rule = outgoing.rule();
        if request.deadline().is_none() {
            request.set_timeout(rule.timeout);
        }
        self.context.apply(&mut request, rule.priority);
        Ok((outgoing, request))
    }

    fn refuse(&mut self, why: String) {
        self.invalid
            .get_or_insert_with(|| Status::invalid_argument(why));
    }
}

impl<T: Message + Default + 'static> Call<T> {
    pub(crate) fn one(outbound: Outbound, method: Method, request: Request<Body>) -> Self {
        Self {
            outbound,
            method,
            request,
            options: CallOptions::default(),
            context: Context::current(),
            invalid: None,
            make: |call| {
                Box::pin(async move {
                    let (outgoing, request) = call.ready()?;
                    guard::until(request.deadline(), async {
                        let (body, head) = outgoing.start(request).await?.split();
                        let (message, trailers) =
                            guard::until(body.deadline, body.into_one()).await?;
                        let mut response = head.map_unit(message);
                        if !trailers.is_empty() {
                            *response.trailers_mut() = trailers;
                        }
                        Ok(response)
                    })
                    .await
                })
            },
        }
    }
}

impl<T: Message + Default + 'static> Call<Streaming<T>> {
    pub(crate) fn many(outbound: Outbound, method: Method, request: Request<Body>) -> Self {
        Self {
            outbound,
            method,
            request,
            options: CallOptions::default(),
            context: Context::current(),
            invalid: None,
            make: |call| {
                Box::pin(async move {
                    let (outgoing, request) = call.ready()?;
                    let deadline = request.deadline();
                    let response = guard::until(deadline, outgoing.start(request)).await?;
                    let (body, mut head) = response.split();
                    let trailers = std::mem::take(head.trailers_mut());
                    let deadline = deadline::earlier(deadline, body.deadline);
                    let messages = Streaming::from_body(body)?
                        .guarded(Guard::new(deadline))
                        .with_trailers(trailers);
                    Ok(head.map_unit(messages))
                })
            },
        }
    }
}

impl<T: 'static> Call<T> {
    /// Makes the call, and gives an account of it however it ends: where each attempt
    /// went, by whose choice and who was left out, how it ended, and why there was
    /// another or none. What follows the beginning of a stream is not in it. A call
    /// that is not asked for it keeps no account.
    ///
    /// ```no_run
    /// # use cordial_runtime::{Channel, Method};
    /// # async fn called(channel: Channel) {
    /// const CHECK: Method<String, String> = Method::unary("/shop.v1.Carts/Check");
    /// let call = channel.unary(CHECK, "ada".to_owned());
    /// let (outcome, explanation) = call.explain().await;
    /// if outcome.is_err() {
    ///     eprintln!("{explanation}");
    /// }
    /// # }
    /// ```
    pub async fn explain(mut self) -> (Result<Response<T>>, Explanation) {
        let journal = Journal::new();
        self.request.extensions_mut().insert(journal.clone());
        let outcome = self.into_future().await;
        match &outcome {
            Ok(_) => journal.note("the call ends well"),
            Err(status) => journal.note(format_args!("the call ends with {}", said(status))),
        }
        (outcome, journal.read())
    }
}

impl<T: 'static> IntoFuture for Call<T> {
    type Output = Result<Response<T>>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        (self.make)(self)
    }
}

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("method", &self.method)
            .field("channel", &self.outbound)
            .field("deadline", &self.request.deadline())
            .finish_non_exhaustive()
    }
}
