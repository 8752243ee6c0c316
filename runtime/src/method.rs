//! What a .proto says of a method, as both sides of the wire know it.

use crate::{extension::Extension, field_hash};
#[cfg(feature = "json")]
use crate::{json::Json, json_codec::JsonCodec};
#[cfg(feature = "json")]
use prost::Message;
use std::{fmt, marker::PhantomData};

/// How many messages flow each way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MethodKind {
    /// One request, one reply.
    Unary,
    /// One request, many replies.
    ServerStreaming,
    /// Many requests, one reply.
    ClientStreaming,
    /// Many requests, many replies.
    BidiStreaming,
}

/// What calling a method twice does: the `idempotency_level` of the .proto.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Idempotency {
    /// Not said: a second call may do harm.
    #[default]
    Unknown,
    /// A second call leaves things as one call does.
    Idempotent,
    /// A call changes nothing.
    NoSideEffects,
}

/// A method of a service. `Method<In, Out>` knows its messages; [`Method`]
/// alone is the same with the messages forgotten, as layers see it.
pub struct Method<In = (), Out = ()> {
    path: &'static str,
    kind: MethodKind,
    idempotency: Idempotency,
    deprecated: bool,
    options: &'static [u8],
    service_options: &'static [u8],
    hash_path: &'static [u32],
    #[cfg(feature = "json")]
    json: Option<JsonCodec>,
    messages: PhantomData<fn(In) -> Out>,
}

macro_rules! kind {
    ($($name:ident $kind:ident $doc:literal),*) => {$(
        #[doc = concat!("The ", $doc, " method served at `path`, which is `/package.Service/Method`.")]
        pub const fn $name(path: &'static str) -> Self {
            Self::new(path, MethodKind::$kind)
        }
    )*};
}

impl<In, Out> Method<In, Out> {
    kind!(
        unary Unary "unary",
        server_streaming ServerStreaming "server-streaming",
        client_streaming ClientStreaming "client-streaming",
        bidi_streaming BidiStreaming "bidirectional"
    );

    const fn new(path: &'static str, kind: MethodKind) -> Self {
        Self {
            path,
            kind,
            idempotency: Idempotency::Unknown,
            deprecated: false,
            options: &[],
            service_options: &[],
            hash_path: &[],
            #[cfg(feature = "json")]
            json: None,
            messages: PhantomData,
        }
    }

    /// Declared `idempotency_level = IDEMPOTENT`.
    #[must_use]
    pub const fn idempotent(mut self) -> Self {
        self.idempotency = Idempotency::Idempotent;
        self
    }

    /// Declared `idempotency_level = NO_SIDE_EFFECTS`.
    #[must_use]
    pub const fn no_side_effects(mut self) -> Self {
        self.idempotency = Idempotency::NoSideEffects;
        self
    }

    /// Declared `deprecated = true`.
    #[must_use]
    pub const fn deprecated(mut self) -> Self {
        self.deprecated = true;
        self
    }

    /// The extension fields of its `google.protobuf.MethodOptions`, encoded.
    #[must_use]
    pub const fn options(mut self, encoded: &'static [u8]) -> Self {
        self.options = encoded;
        self
    }

    /// The extension fields of its service's `google.protobuf.ServiceOptions`, encoded.
    #[must_use]
    pub const fn service_options(mut self, encoded: &'static [u8]) -> Self {
        self.service_options = encoded;
        self
    }

    /// Declared with a `hash_field`: the numbers that lead to it in a request.
    #[must_use]
    pub const fn hash_by(mut self, path: &'static [u32]) -> Self {
        self.hash_path = path;
        self
    }

    /// Generated with `Config::json(true)`: its messages have a form in JSON.
    #[cfg(feature = "json")]
    #[must_use]
    pub const fn json(mut self) -> Self
    where
        In: Json + Message + Default + 'static,
        Out: Json + Message + Default + 'static,
    {
        self.json = Some(JsonCodec::of::<In, Out>());
        self
    }

    /// What reads and writes its messages as JSON, if they were generated with that.
    #[cfg(feature = "json")]
    pub(crate) const fn json_codec(&self) -> Option<JsonCodec> {
        self.json
    }

    /// `/package.Service/Method`.
    pub const fn path(&self) -> &'static str {
        self.path
    }

    /// `package.Service`.
    pub fn service(&self) -> &'static str {
        let path = self.path.strip_prefix('/').unwrap_or(self.path);
        path.split('/').next().unwrap_or_default()
    }

    /// `Method`, as the .proto spells it.
    pub fn name(&self) -> &'static str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// How many messages flow each way.
    pub const fn kind(&self) -> MethodKind {
        self.kind
    }

    /// What calling it twice does.
    pub const fn idempotency(&self) -> Idempotency {
        self.idempotency
    }

    /// Whether the .proto calls it deprecated.
    pub const fn is_deprecated(&self) -> bool {
        self.deprecated
    }

    /// The value the .proto gives this method for a custom option; the last
    /// one if there are several; `None` if there is none or it does not decode.
    pub fn option<T>(&self, extension: Extension<T>) -> Option<T> {
        extension.all(self.options).pop()
    }

    /// Every value the .proto gives this method for a repeated custom option.
    pub fn option_values<T>(&self, extension: Extension<T>) -> Vec<T> {
        extension.all(self.options)
    }

    /// The value the .proto gives this method's service for a custom option.
    pub fn service_option<T>(&self, extension: Extension<T>) -> Option<T> {
        extension.all(self.service_options).pop()
    }

    /// The hash of the field that the .proto names as `hash_field`, read from an
    /// encoded request; `None` if it names none. The same value has the same
    /// hash in every process, on every machine. A field that is not set has
    /// that of its zero.
    pub fn hash(&self, request: &[u8]) -> Option<u64> {
        (!self.hash_path.is_empty()).then(|| field_hash::of(self.hash_path, request))
    }

    /// Whether its requests have a hash.
    pub(crate) const fn has_hash(&self) -> bool {
        !self.hash_path.is_empty()
    }

    pub(crate) const fn encoded_options(&self) -> &'static [u8] {
        self.options
    }

    pub(crate) const fn encoded_service_options(&self) -> &'static [u8] {
        self.service_options
    }

    /// The same method with its messages forgotten.
    pub const fn erase(self) -> Method {
        Method {
            path: self.path,
            kind: self.kind,
            idempotency: self.idempotency,
            deprecated: self.deprecated,
            options: self.options,
            service_options: self.service_options,
            hash_path: self.hash_path,
            #[cfg(feature = "json")]
            json: self.json,
            messages: PhantomData,
        }
    }
}

impl<In, Out> Clone for Method<In, Out> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<In, Out> Copy for Method<In, Out> {}

impl<In, Out> fmt::Debug for Method<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Method")
            .field("path", &self.path)
            .field("kind", &self.kind)
            .field("idempotency", &self.idempotency)
            .field("deprecated", &self.deprecated)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg(feature = "json")]
mod tests {
    use super::Method;
    use crate::{erased::AnyMessage, json::Options};
    use prost_types::{Duration, Timestamp};

    #[test]
    fn messages_go_through_a_method_that_knows_no_type() {
        let method = Method::<Duration, Timestamp>::unary("/a.B/C")
            .json()
            .erase();
        let codec = method.json_codec().expect("json");
        let options = Options::new();

        let request = (codec.request.decode)(br#""1.5s""#, options).expect("a duration");
        assert_eq!(
            (codec.request.encode)(request, options).unwrap(),
            br#""1.500s""#
        );

        // A duration and a timestamp look the same in bytes.
        let like: Box<dyn AnyMessage> = Box::new(Duration {
            seconds: 1,
            nanos: 0,
        });
        let text = (codec.response.encode)(like, options).unwrap();
        assert_eq!(text, br#""1970-01-01T00:00:01Z""#);

        let error = (codec.request.decode)(b"1", options).map(drop).unwrap_err();
        assert!(error.to_string().contains("a duration"), "{error}");
        let error = (codec.response.encode)(Box::new(i64::MIN), options).unwrap_err();
        assert!(error.message().contains("`Timestamp`"), "{error}");
    }

    #[test]
    fn a_method_has_no_json_unless_it_says_so() {
        assert!(Method::<(), ()>::unary("/a.B/C").json_codec().is_none());
    }
}
