//! A service with one method of each kind, whose handlers a test brings.

use cordial_runtime::{BoxStream, Method, Request, Response, Result, Routes, Streaming};
use futures_util::StreamExt;
use std::{future::Future, pin::Pin};

#[derive(Clone, PartialEq, prost::Message)]
pub struct Note {
    #[prost(string, tag = "1")]
    pub text: String,
    #[prost(uint64, tag = "2")]
    pub number: u64,
    #[prost(bytes = "vec", tag = "3")]
    pub payload: Vec<u8>,
}

pub fn note(text: &str) -> Note {
    Note {
        text: text.into(),
        ..Note::default()
    }
}

pub const SERVICE: &str = "test.v1.Probe";
pub const UNARY: Method<Note, Note> = Method::unary("/test.v1.Probe/Unary");
pub const SERVER_STREAMING: Method<Note, Note> =
    Method::server_streaming("/test.v1.Probe/ServerStreaming").idempotent();
pub const CLIENT_STREAMING: Method<Note, Note> =
    Method::client_streaming("/test.v1.Probe/ClientStreaming");
pub const BIDI: Method<Note, Note> = Method::bidi_streaming("/test.v1.Probe/Bidi");

type Handler<In, Out> = Box<dyn Fn(Request<In>) -> Replying<Out> + Send + Sync>;
type Replying<Out> = Pin<Box<dyn Future<Output = Result<Response<Out>>> + Send>>;

/// Echoes, but for the handlers that were replaced.
pub struct Probe {
    unary: Handler<Note, Note>,
    server_streaming: Handler<Note, BoxStream<Note>>,
    client_streaming: Handler<Streaming<Note>, Note>,
    bidi: Handler<Streaming<Note>, BoxStream<Note>>,
}

macro_rules! with {
    ($($name:ident: $in:ty => $out:ty;)*) => {$(
        pub fn $name<R>(
            mut self,
            handler: impl Fn(Request<$in>) -> R + Send + Sync + 'static,
        ) -> Self
        where
            R: Future<Output = Result<Response<$out>>> + Send + 'static,
        {
            self.$name = Box::new(move |request| Box::pin(handler(request)));
            self
        }
    )*};
}

impl Probe {
    /// Unary: the request back. Server streaming: the request as often as its
    /// number says. Client streaming: the texts joined. Bidi: each back.
    pub fn echo() -> Self {
        Self {
            unary: Box::new(|request| Box::pin(async { Ok(request.into_inner().into()) })),
            server_streaming: Box::new(|request| {
                Box::pin(async {
                    let note = request.into_inner();
                    let count = note.number as usize;
                    let notes = futures_util::stream::iter(std::iter::repeat_n(Ok(note), count));
                    Ok(Response::new(notes.boxed()))
                })
            }),
            client_streaming: Box::new(|request| {
                Box::pin(async {
                    let mut notes = request.into_inner();
                    let mut texts = Vec::new();
                    while let Some(note) = notes.message().await? {
                        texts.push(note.text);
                    }
                    Ok(note(&texts.join(",")).into())
                })
            }),
            bidi: Box::new(|request| {
                Box::pin(async { Ok(Response::new(request.into_inner().boxed())) })
            }),
        }
    }

    with! {
        unary: Note => Note;
        server_streaming: Note => BoxStream<Note>;
        client_streaming: Streaming<Note> => Note;
        bidi: Streaming<Note> => BoxStream<Note>;
    }

    pub fn routes(self) -> Routes<Self> {
        Routes::new(SERVICE, self)
            .unary(UNARY, Self::on_unary)
            .server_streaming(SERVER_STREAMING, Self::on_server_streaming)
            .client_streaming(CLIENT_STREAMING, Self::on_client_streaming)
            .bidi_streaming(BIDI, Self::on_bidi)
    }

    async fn on_unary(&self, request: Request<Note>) -> Result<Response<Note>> {
        (self.unary)(request).await
    }

    async fn on_server_streaming(
        &self,
        request: Request<Note>,
    ) -> Result<Response<BoxStream<Note>>> {
        (self.server_streaming)(request).await
    }

    async fn on_client_streaming(
        &self,
        request: Request<Streaming<Note>>,
    ) -> Result<Response<Note>> {
        (self.client_streaming)(request).await
    }

    async fn on_bidi(
        &self,
        request: Request<Streaming<Note>>,
    ) -> Result<Response<BoxStream<Note>>> {
        (self.bidi)(request).await
    }
}
