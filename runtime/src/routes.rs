//! From a method to the handler that answers it.

use crate::{
    body::Body,
    engine::BoxFuture,
    layer::Endpoint,
    message::{Request, Response},
    method::Method,
    reply::{BoxStream, Reply},
    status::{Code, Result, Status},
    streaming::Streaming,
};
use prost::Message;
use std::{fmt, sync::Arc};

/// The methods that one service answers, each bound to the handler that does.
/// Generated code makes it; [`Server::add`](crate::Server::add) takes it.
#[must_use]
pub struct Routes<S> {
    name: &'static str,
    service: Arc<S>,
    routes: Vec<Route>,
}

/// One method and its handler, the types forgotten.
#[derive(Clone)]
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) handler: Arc<dyn Endpoint>,
}

/// A method of `S` that takes an `In` and replies with an `Out`. Never
/// implemented by hand: every `async fn` of the right shape is one.
pub trait Handle<'a, S: 'a, In, Out>: Send + Sync + 'static {
    /// The future it returns.
    type Reply: Reply<Out> + 'a;
    /// Starts it.
    fn handle(&self, service: &'a S, request: Request<In>) -> Self::Reply;
}

impl<'a, S: 'a, In, Out, F, R> Handle<'a, S, In, Out> for F
where
    F: Fn(&'a S, Request<In>) -> R + Send + Sync + 'static,
    R: Reply<Out> + 'a,
{
    type Reply = R;
    fn handle(&self, service: &'a S, request: Request<In>) -> R {
        self(service, request)
    }
}

/// A handler and the service it belongs to.
struct Bound<S, F> {
    service: Arc<S>,
    handler: F,
}

macro_rules! bind {
    (
        $(#[$doc:meta])* $name:ident, $endpoint:ident: $request:ty => $reply:ty,
        |$body:ident| $decode:expr, $settle:expr, $encode:expr
    ) => {
        struct $endpoint<S, F, In, Out>(Bound<S, F>, std::marker::PhantomData<fn(In) -> Out>);

        impl<S, F, In, Out> Endpoint for $endpoint<S, F, In, Out>
        where
            S: Send + Sync + 'static,
            F: for<'a> Handle<'a, S, $request, $reply>,
            In: Message + Default + 'static,
            Out: Message + Default + 'static,
        {
            fn call(self: Arc<Self>, request: Request<Body>) -> BoxFuture<Result<Response<Body>>> {
                let ($body, head) = request.split();
                Box::pin(async move {
                    let request = head.map_unit($decode);
                    let reply = self.0.handler.handle(&self.0.service, request).await;
                    Ok(reply.or_else($settle)?.map($encode))
                })
            }
        }

        impl<S: Send + Sync + 'static> Routes<S> {
            $(#[$doc])*
            pub fn $name<In, Out>(
                self,
                method: Method<In, Out>,
                handler: impl for<'a> Handle<'a, S, $request, $reply>,
            ) -> Self
            where
                In: Message + Default + 'static,
                Out: Message + Default + 'static,
            {
                let bound = Bound { service: self.service.clone(), handler };
                let endpoint = $endpoint::<S, _, In, Out>(bound, std::marker::PhantomData);
                self.bind(method.erase(), Arc::new(endpoint))
            }
        }
    };
}

bind!(
    /// Answers a unary method.
    unary, Unary: In => Out,
    |body| body.into_one::<In>().await?.0, Err, Body::one
);
bind!(
    /// Answers a server-streaming method.
    server_streaming, ServerStreaming: In => BoxStream<Out>,
    |body| body.into_one::<In>().await?.0, without_messages, Body::many
);
bind!(
    /// Answers a client-streaming method.
    client_streaming, ClientStreaming: Streaming<In> => Out,
    |body| Streaming::from_body(body)?, Err, Body::one
);
bind!(
    /// Answers a bidirectional method.
    bidi_streaming, BidiStreaming: Streaming<In> => BoxStream<Out>,
    |body| Streaming::from_body(body)?, without_messages, Body::many
);

/// A stream that ends well before its first message, if that is what `status` says.
fn without_messages<T: Send + 'static>(status: Status) -> Result<Response<BoxStream<T>>> {
    if status.code() != Code::Ok {
        return Err(status);
    }
    let mut response = Response::new(Box::pin(tokio_stream::empty()) as BoxStream<T>);
    *response.trailers_mut() = status.metadata().clone();
    Ok(response)
}

impl<S: Send + Sync + 'static> Routes<S> {
    /// `service` under its full name, `package.Service`, with no method bound yet.
    pub fn new(name: &'static str, service: S) -> Self {
        Self {
            name,
            service: Arc::new(service),
            routes: Vec::new(),
        }
    }

    fn bind(mut self, method: Method, handler: Arc<dyn Endpoint>) -> Self {
        self.routes.push(Route { method, handler });
        self
    }
}

impl<S> Routes<S> {
    /// The service's full name, `package.Service`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn into_routes(self) -> Vec<Route> {
        self.routes
    }
}

impl<S> Clone for Routes<S> {
    fn clone(&self) -> Self {
        Self {
            name: self.name,
            service: self.service.clone(),
            routes: self.routes.clone(),
        }
    }
}

impl<S> fmt::Debug for Routes<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let methods = self.routes.iter().map(|route| route.method.path());
        f.debug_list().entries(methods).finish()
    }
}
