//! What happens around every call, on either side.

use crate::{
    body::Body,
    engine::BoxFuture,
    guard,
    message::{Request, Response},
    method::Method,
    status::Result,
};
use std::{fmt, sync::Arc};

/// Middleware, on a server ([`Server::layer`](crate::Server::layer)) or on a
/// channel ([`Channel::layer`](crate::Channel::layer)).
///
/// It sees the method as the .proto declares it, the metadata, the deadline and
/// typed extensions, and may change them, refuse the call, or make it more than
/// once. Messages pass through it undecoded. Its future is dropped where the
/// call is cancelled.
///
/// ```
/// use cordial_runtime::{Body, Layer, Next, Request, Response, Result, Status};
///
/// struct Authenticated;
///
/// impl Layer for Authenticated {
///     async fn call(&self, request: Request<Body>, next: Next) -> Result<Response<Body>> {
///         if request.metadata().get("authorization").is_none() {
///             let path = next.method().path();
///             return Err(Status::unauthenticated(format!("{path} wants `authorization`")));
///         }
///         next.run(request).await
///     }
/// }
/// ```
///
/// A closure is a layer too: `|request, next: Next| async move { next.run(request).await }`.
pub trait Layer: Send + Sync + 'static {
    /// Handles one call, usually by changing `request` and passing it to `next`.
    fn call(
        &self,
        request: Request<Body>,
        next: Next,
    ) -> impl Future<Output = Result<Response<Body>>> + Send;
}

impl<F, Fut> Layer for F
where
    F: Fn(Request<Body>, Next) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Response<Body>>> + Send,
{
    fn call(
        &self,
        request: Request<Body>,
        next: Next,
    ) -> impl Future<Output = Result<Response<Body>>> + Send {
        self(request, next)
    }
}

/// The rest of the way: the layers within, then the handler or the wire.
#[derive(Clone)]
pub struct Next {
    method: Method,
    layers: Layers,
    index: usize,
    end: Arc<dyn Endpoint>,
}

/// Where a call ends up after its layers.
pub(crate) trait Endpoint: Send + Sync {
    fn call(self: Arc<Self>, request: Request<Body>) -> BoxFuture<Result<Response<Body>>>;
}

/// Layers in the order a call meets them.
#[derive(Clone, Default)]
pub(crate) struct Layers(Arc<Vec<Arc<dyn AnyLayer>>>);

trait AnyLayer: Send + Sync {
    fn call(
        self: Arc<Self>,
        request: Request<Body>,
        next: Next,
    ) -> BoxFuture<Result<Response<Body>>>;
}

impl<L: Layer> AnyLayer for L {
    fn call(
        self: Arc<Self>,
        request: Request<Body>,
        next: Next,
    ) -> BoxFuture<Result<Response<Body>>> {
        Box::pin(async move { Layer::call(&*self, request, next).await })
    }
}

impl Layers {
    /// The same with `layer` innermost.
    pub(crate) fn push(&mut self, layer: impl Layer) {
        Arc::make_mut(&mut self.0).push(Arc::new(layer));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Passes a call through all of them to `end`.
    pub(crate) fn run(
        &self,
        method: Method,
        request: Request<Body>,
        end: Arc<dyn Endpoint>,
    ) -> BoxFuture<Result<Response<Body>>> {
        if self.0.is_empty() {
            return end.call(request);
        }
        let next = Next {
            method,
            layers: self.clone(),
            index: 0,
            end,
        };
        Box::pin(next.run(request))
    }
}

impl Next {
    /// The method called, as the .proto declares it.
    pub fn method(&self) -> Method {
        self.method
    }

    /// Makes the call.
    ///
    /// # Errors
    /// Whatever status the rest of the way ends it with.
    pub async fn run(mut self, request: Request<Body>) -> Result<Response<Body>> {
        match self.layers.0.get(self.index).cloned() {
            Some(layer) => {
                self.index += 1;
                layer.call(request, self).await
            }
            None => {
                // The deadline the layers left holds within the one they were given.
                let deadline = request.deadline();
                let response = guard::until(deadline, self.end.call(request)).await?;
                Ok(response.map(|body| body.until(deadline)))
            }
        }
    }
}

impl fmt::Debug for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next")
            .field("method", &self.method)
            .field("layers", &(self.layers.0.len() - self.index))
            .finish()
    }
}

impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} layers", self.0.len())
    }
}
