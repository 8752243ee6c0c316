//! `Package`: what the emitters read. Plain data: no tokens, no descriptors.

/// One generated file.
pub(crate) struct Package {
    /// As declared; empty for none.
    pub(crate) name: String,
    /// The `.proto` files it is generated from.
    pub(crate) sources: Vec<String>,
    pub(crate) services: Vec<Service>,
    pub(crate) extensions: Vec<Extension>,
}

pub(crate) struct Service {
    pub(crate) docs: Vec<String>,
    /// `Greeter`, or `GreeterService` when the package has a message of the first name.
    pub(crate) name: String,
    /// `GreeterClient`
    pub(crate) client: String,
    /// `greeter_server`
    pub(crate) server: String,
    /// `Greeter` as declared.
    pub(crate) proto_name: String,
    pub(crate) package: String,
    pub(crate) deprecated: bool,
    pub(crate) methods: Vec<Method>,
    pub(crate) place: Spot,
}

pub(crate) struct Method {
    pub(crate) docs: Vec<String>,
    /// `say_hello`
    pub(crate) name: String,
    /// `GREETER_SAY_HELLO`
    pub(crate) constant: String,
    /// `SayHello` as declared.
    pub(crate) proto_name: String,
    /// `/hello.v1.Greeter/SayHello`
    pub(crate) path: String,
    pub(crate) kind: MethodKind,
    /// The Rust path of the request message.
    pub(crate) input: String,
    /// The Rust path of the reply message.
    pub(crate) output: String,
    pub(crate) idempotency: Idempotency,
    pub(crate) deprecated: bool,
    /// The extension fields of the method's options, encoded.
    pub(crate) options: Vec<u8>,
    /// The extension fields of the service's options, encoded.
    pub(crate) service_options: Vec<u8>,
    /// The numbers that lead to the field of the request to be hashed, if any is.
    pub(crate) hash_path: Vec<u32>,
    pub(crate) place: Spot,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum MethodKind {
    Unary,
    ServerStreaming,
    ClientStreaming,
    BidiStreaming,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Idempotency {
    Unknown,
    Idempotent,
    NoSideEffects,
}

/// An option that the package declares for methods or services.
pub(crate) struct Extension {
    pub(crate) docs: Vec<String>,
    /// `AUTH_ROLE`
    pub(crate) constant: String,
    /// `string`: the constructor, named by the proto type.
    pub(crate) constructor: &'static str,
    /// The Rust type of one value.
    pub(crate) ty: String,
    pub(crate) number: u32,
    pub(crate) deprecated: bool,
    pub(crate) place: Spot,
}

/// Where a thing is declared: the file's name and the descriptor path in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spot {
    pub(crate) file: String,
    pub(crate) path: Vec<i32>,
}

impl Service {
    /// `hello.v1.Greeter`
    pub(crate) fn full_name(&self) -> String {
        match self.package.as_str() {
            "" => self.proto_name.clone(),
            package => format!("{package}.{}", self.proto_name),
        }
    }
}
