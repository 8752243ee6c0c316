//! The two versions of the service, which differ in name alone.

use super::{
    Reflection,
    catalog::{Answer, Query},
};
use crate::{BoxStream, Code, Request, Response, Result, Status, Streaming};
use std::collections::HashSet;
use tokio_stream::StreamExt;

macro_rules! version {
    ($version:ident, $package:literal) => {
        #[doc = concat!("The messages, the trait and the client of `", $package, "`.")]
        #[allow(missing_docs)]
        pub mod $version {
            crate::include_protos!($package);
        }

        impl $version::ServerReflection for Reflection {
            async fn server_reflection_info(
                &self,
                request: Request<Streaming<$version::ServerReflectionRequest>>,
            ) -> Result<Response<BoxStream<$version::ServerReflectionResponse>>> {
                use $version::{
                    ErrorResponse, ExtensionNumberResponse, FileDescriptorResponse,
                    ListServiceResponse, ServerReflectionResponse, ServiceResponse,
                    server_reflection_request::MessageRequest as Asked,
                    server_reflection_response::MessageResponse as Told,
                };

                let catalog = self.0.clone();
                let mut sent = HashSet::new();
                let told = request.into_inner().map(move |request| {
                    let request = request?;
                    let query = match request.message_request.clone() {
                        Some(Asked::FileByFilename(name)) => Query::File(name),
                        Some(Asked::FileContainingSymbol(name)) => Query::Symbol(name),
                        Some(Asked::FileContainingExtension(extension)) => {
                            Query::Extension(extension.containing_type, extension.extension_number)
                        }
                        Some(Asked::AllExtensionNumbersOfType(name)) => {
                            Query::ExtensionNumbers(name)
                        }
                        Some(Asked::ListServices(_)) => Query::Services,
                        None => return Err(Status::invalid_argument("the request asks nothing")),
                    };
                    let told = match catalog.answer(&query, &mut sent) {
                        Answer::Files(file_descriptor_proto) => {
                            Told::FileDescriptorResponse(FileDescriptorResponse {
                                file_descriptor_proto,
                            })
                        }
                        Answer::ExtensionNumbers(base_type_name, extension_number) => {
                            Told::AllExtensionNumbersResponse(ExtensionNumberResponse {
                                base_type_name,
                                extension_number,
                            })
                        }
                        Answer::Services(names) => {
                            let service = names.into_iter().map(|name| ServiceResponse { name });
                            Told::ListServicesResponse(ListServiceResponse {
                                service: service.collect(),
                            })
                        }
                        Answer::NotFound(error_message) => Told::ErrorResponse(ErrorResponse {
                            error_code: Code::NotFound.into(),
                            error_message,
                        }),
                    };
                    Ok(ServerReflectionResponse {
                        valid_host: request.host.clone(),
                        original_request: Some(request),
                        message_response: Some(told),
                    })
                });
                Ok(Response::new(Box::pin(told) as BoxStream<_>))
            }
        }
    };
}

version!(v1, "grpc.reflection.v1");
version!(v1alpha, "grpc.reflection.v1alpha");
