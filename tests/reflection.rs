//! `grpc.reflection`, as a tool sees it. Both versions, every kind of question.

use cordial::{Server, health::Health, reflection::Reflection};
use prost::Message;
use prost_types::FileDescriptorProto;
use tokio_stream::StreamExt;

fn server() -> Server {
    let server = Server::new().add(Health::new().routes());
    let reflection = Reflection::new(cordial::include_descriptors!(), server.services()).unwrap();
    server.add(reflection.v1()).add(reflection.v1alpha())
}

/// Something asked and what was told, the same for both versions.
#[derive(Debug, PartialEq)]
enum Told {
    Files(Vec<String>),
    Numbers(String, Vec<i32>),
    Services(Vec<String>),
    Error(i32, String),
}

fn names(files: Vec<Vec<u8>>) -> Vec<String> {
    files
        .iter()
        .map(|file| {
            FileDescriptorProto::decode(file.as_slice())
                .unwrap()
                .name()
                .to_owned()
        })
        .collect()
}

macro_rules! version {
    ($version:ident) => {
        mod $version {
            use super::*;
            use cordial::reflection::$version::{
                ExtensionRequest, ServerReflectionClient, ServerReflectionRequest,
                server_reflection_request::MessageRequest as Ask,
                server_reflection_response::MessageResponse as Response,
            };

            async fn ask(questions: Vec<Ask>) -> Vec<Told> {
                let client = ServerReflectionClient::new(server().in_process().unwrap());
                let requests = questions
                    .into_iter()
                    .map(|question| ServerReflectionRequest {
                        host: "here".into(),
                        message_request: Some(question),
                    });
                let requests: Vec<_> = requests.collect();
                let expected = requests.clone();
                let responses = client
                    .server_reflection_info(tokio_stream::iter(requests))
                    .await
                    .unwrap();
                let responses: Vec<_> = responses.into_inner().collect().await;
                assert_eq!(responses.len(), expected.len());
                let told = responses
                    .into_iter()
                    .zip(expected)
                    .map(|(response, request)| {
                        let response = response.unwrap();
                        assert_eq!(response.original_request, Some(request));
                        assert_eq!(response.valid_host, "here");
                        match response.message_response.unwrap() {
                            Response::FileDescriptorResponse(told) => {
                                Told::Files(names(told.file_descriptor_proto))
                            }
                            Response::AllExtensionNumbersResponse(told) => {
                                Told::Numbers(told.base_type_name, told.extension_number)
                            }
                            Response::ListServicesResponse(told) => Told::Services(
                                told.service.into_iter().map(|each| each.name).collect(),
                            ),
                            Response::ErrorResponse(told) => {
                                Told::Error(told.error_code, told.error_message)
                            }
                        }
                    });
                told.collect()
            }

            #[tokio::test]
            async fn lists_what_is_served_and_nothing_else() {
                let told = ask(vec![Ask::ListServices(String::new())]).await;
                let services = [
                    "grpc.health.v1.Health",
                    "grpc.reflection.v1.ServerReflection",
                    "grpc.reflection.v1alpha.ServerReflection",
                ];
                assert_eq!(told, [Told::Services(services.map(str::to_owned).into())]);
            }

            #[tokio::test]
            async fn finds_the_file_of_every_kind_of_symbol() {
                for symbol in [
                    "grpc.health.v1.Health",
                    "grpc.health.v1.Health.Check",
                    "grpc.health.v1.HealthCheckRequest",
                    "grpc.health.v1.HealthCheckRequest.service",
                    "grpc.health.v1.HealthCheckResponse.ServingStatus",
                    "grpc.health.v1.HealthCheckResponse.SERVING",
                ] {
                    let told = ask(vec![Ask::FileContainingSymbol(symbol.into())]).await;
                    let file = vec!["grpc/health/v1/health.proto".to_owned()];
                    assert_eq!(told, [Told::Files(file)], "{symbol}");
                }
            }

            #[tokio::test]
            async fn sends_imports_along_and_each_file_once_a_stream() {
                let file = Ask::FileByFilename("bank/v1/accounts.proto".into());
                let told = ask(vec![file.clone(), file]).await;
                let bank = "bank/v1/accounts.proto".to_owned();
                let descriptor = "google/protobuf/descriptor.proto".to_owned();
                let files = [
                    Told::Files(vec![bank.clone(), descriptor]),
                    Told::Files(vec![bank]),
                ];
                assert_eq!(told, files);
            }

            #[tokio::test]
            async fn knows_extensions() {
                let message = "google.protobuf.MethodOptions";
                let told = ask(vec![
                    Ask::FileContainingExtension(ExtensionRequest {
                        containing_type: message.into(),
                        extension_number: 50_001,
                    }),
                    Ask::AllExtensionNumbersOfType(message.into()),
                ])
                .await;
                let Told::Files(files) = &told[0] else {
                    panic!("{told:?}");
                };
                assert_eq!(files[0], "bank/v1/accounts.proto");
                let Told::Numbers(of, numbers) = &told[1] else {
                    panic!("{told:?}");
                };
                assert_eq!(of, message);
                assert!(numbers.contains(&50_001));
            }

            async fn unknown(question: Ask, what: &str) {
                let told = ask(vec![question]).await;
                let Told::Error(5, why) = &told[0] else {
                    panic!("{told:?}");
                };
                assert!(why.contains(what), "{why}");
            }

            #[tokio::test]
            async fn says_what_it_does_not_know() {
                unknown(Ask::FileByFilename("x.proto".into()), "x.proto").await;
                unknown(Ask::FileContainingSymbol("a.B".into()), "a.B").await;
                unknown(Ask::FileContainingSymbol("B".into()), "B").await;
                unknown(Ask::AllExtensionNumbersOfType("a.B".into()), "a.B").await;
                let extension = ExtensionRequest {
                    containing_type: "google.protobuf.MethodOptions".into(),
                    extension_number: -1,
                };
                unknown(Ask::FileContainingExtension(extension), "-1").await;
            }
        }
    };
}

version!(v1);
version!(v1alpha);

#[test]
fn a_torn_descriptor_set_is_refused() {
    let set = cordial::include_descriptors!();
    let error = Reflection::new(&set[..set.len() / 2], ["a.B"]).unwrap_err();
    assert!(error.to_string().contains("descriptor set"), "{error}");
}
