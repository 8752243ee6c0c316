//! What a server serves, told to tools such as `grpcurl`: `grpc.reflection`.

mod catalog;
mod versions;

use crate::Routes;
use catalog::Catalog;
use std::{fmt, sync::Arc};

pub use versions::{v1, v1alpha};

/// Tells what a server serves. It is off unless added, since it tells
/// everybody who can call.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use cordial::{Server, health::Health, reflection::Reflection};
///
/// # let descriptors: &[u8] = &[];
/// let server = Server::new().add(Health::new().routes());
/// // In a crate with a build script, `descriptors` is `cordial::include_descriptors!()`.
/// let reflection = Reflection::new(descriptors, server.services())?;
/// let server = server.add(reflection.v1()).add(reflection.v1alpha());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Reflection(Arc<Catalog>);

/// A descriptor set that cannot be served.
#[derive(Debug)]
pub struct BadDescriptors(prost_reflect::DescriptorError);

impl Reflection {
    /// Knows the files of an encoded `google.protobuf.FileDescriptorSet`, as
    /// [`include_descriptors!`](crate::include_descriptors) gives it, and lists
    /// `services`, by their full names, and itself.
    ///
    /// # Errors
    /// When the set does not decode or lacks a file that another imports.
    pub fn new<N: Into<String>>(
        descriptors: &[u8],
        services: impl IntoIterator<Item = N>,
    ) -> Result<Self, BadDescriptors> {
        let services = services.into_iter().map(Into::into).collect();
        let catalog = Catalog::new(descriptors, services).map_err(BadDescriptors)?;
        Ok(Self(Arc::new(catalog)))
    }

    /// `grpc.reflection.v1.ServerReflection`, to add to a server.
    pub fn v1(&self) -> Routes<impl v1::ServerReflection + use<>> {
        v1::server_reflection_server(self.clone())
    }

    /// `grpc.reflection.v1alpha.ServerReflection`, which older tools ask for.
    pub fn v1alpha(&self) -> Routes<impl v1alpha::ServerReflection + use<>> {
        v1alpha::server_reflection_server(self.clone())
    }
}

impl fmt::Debug for Reflection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reflection")
            .field(&self.0.services())
            .finish()
    }
}

impl fmt::Display for BadDescriptors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the descriptor set cannot be served: {}", self.0)
    }
}

impl std::error::Error for BadDescriptors {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}
