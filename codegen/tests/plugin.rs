//! `protoc-gen-cordial` writes what `compile` writes.

mod support;

use cordial_codegen::Config;
use prost::Message;
use prost_types::compiler::CodeGeneratorResponse;
use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};

/// `CodeGeneratorRequest`, with its files left encoded so that custom options stay in them.
#[derive(Clone, PartialEq, Message)]
struct Request {
    #[prost(string, repeated, tag = "1")]
    file_to_generate: Vec<String>,
    #[prost(string, optional, tag = "2")]
    parameter: Option<String>,
    #[prost(bytes = "vec", repeated, tag = "15")]
    proto_file: Vec<Vec<u8>>,
}

fn start(arguments: &[&str], input: &[u8]) -> Output {
    let mut plugin = Command::new(env!("CARGO_BIN_EXE_protoc-gen-cordial"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    plugin.stdin.take().unwrap().write_all(input).unwrap();
    plugin.wait_with_output().unwrap()
}

/// `FileDescriptorSet`, with its files left encoded.
#[derive(Clone, PartialEq, Message)]
struct Set {
    #[prost(bytes = "vec", repeated, tag = "1")]
    file: Vec<Vec<u8>>,
}

/// The request that protoc would make of a directory: linked files, imports first.
fn request(dir: &Path, parameter: &str) -> Vec<u8> {
    let mut files = Vec::new();
    collect(dir, dir, &mut files);
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let out = support::scratch(&format!("request/{count}"));
    let set = out.join("set.bin");
    let config = Config::new().out_dir(&out).descriptor_set(&set);
    config.compile([dir]).unwrap();
    let set = Set::decode(fs::read(set).unwrap().as_slice()).unwrap();
    let request = Request {
        file_to_generate: files,
        parameter: Some(parameter.to_owned()),
        proto_file: set.file,
    };
    request.encode_to_vec()
}

fn collect(root: &Path, dir: &Path, files: &mut Vec<String>) {
    for path in fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        if path.is_dir() {
            collect(root, &path, files);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "proto")
        {
            files.push(
                path.strip_prefix(root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned(),
            );
        }
    }
}

fn respond(dir: &Path, parameter: &str) -> CodeGeneratorResponse {
    let output = start(&[], &request(dir, parameter));
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    CodeGeneratorResponse::decode(output.stdout.as_slice()).unwrap()
}

#[test]
fn same_as_compile() {
    for case in support::cases("golden") {
        let name = case.file_name().unwrap().to_str().unwrap();
        let parameter = match name {
            "kinds" => &support::kinds::parameter(),
            "json" => "json",
            "tonic" => "tonic_stubs",
            "knobs" => {
                "extern_path=elsewhere=crate::elsewhere,bytes=knobs.Photo.data,bytes=knobs.Photo.raw,\
                 btree_map=knobs.Photo.labels,boxed=knobs.Photo.thumb,\
                 type_attribute=knobs=#[allow(clippy::exhaustive_enums)],\
                 message_attribute=knobs.Thumb=#[allow(clippy::exhaustive_structs)],\
                 enum_attribute=.=#[allow(clippy::enum_variant_names)],\
                 field_attribute=knobs.Photo.source.url=#[doc(alias = \"link\")],\
                 service_attribute=knobs.Photos=#[doc(alias = \"pictures\")],\
                 client_attribute=.=#[doc(alias = \"pictures\")]"
            }
            _ => "",
        };
        let response = respond(&case, parameter);
        assert_eq!(response.error, None, "{name}");
        assert_eq!(response.supported_features, Some(1));
        let files: BTreeMap<_, _> = response
            .file
            .iter()
            .map(|file| (file.name().to_owned(), file.content().to_owned()))
            .collect();
        assert_eq!(files, support::files(&case, "rs"), "{name}");
    }
}

/// protoc brings each file with the imports it declares, and names what its user named, twice if need be.
#[test]
fn chains_of_public_imports_are_followed() {
    let texts = [
        ("a.proto", "message A {}"),
        ("b.proto", "import public 'a.proto';"),
        ("c.proto", "import public 'b.proto';"),
        ("d.proto", "import public 'c.proto';"),
        ("e.proto", "import 'd.proto'; message E { A a = 1; }"),
    ];
    let files = texts.map(|(name, text)| {
        let text = format!("syntax = 'proto3'; package chain; {text}");
        protox_parse::parse(name, &text).unwrap().encode_to_vec()
    });
    let request = Request {
        file_to_generate: vec![
            "e.proto".to_owned(),
            "a.proto".to_owned(),
            "e.proto".to_owned(),
        ],
        parameter: None,
        proto_file: files.to_vec(),
    };
    let output = start(&[], &request.encode_to_vec());
    let response = CodeGeneratorResponse::decode(output.stdout.as_slice()).unwrap();
    assert_eq!(response.error, None);
    assert!(
        response.file[0]
            .content()
            .contains("pub a: ::core::option::Option<A>")
    );
}

#[test]
fn parameters_reach_the_config() {
    let dir = Path::new("tests/golden/streams");
    let out = support::scratch("parameters");
    Config::new()
        .client_only()
        .runtime("::mine")
        .out_dir(&out)
        .compile([dir])
        .unwrap();
    let response = respond(dir, "client_only,runtime=::mine");
    let code = response
        .file
        .iter()
        .find(|file| file.name() == "chat.v1.rs")
        .unwrap();
    assert_eq!(code.content(), support::files(&out, "rs")["chat.v1.rs"]);
    assert!(!code.content().contains("::cordial"));
}

#[test]
fn mistakes_are_answered() {
    let error = |parameter: &str| {
        respond(Path::new("tests/golden/greeter"), parameter)
            .error
            .unwrap()
    };
    let unknown = "`bites=a` is no parameter of protoc-gen-cordial\n  = did you mean `bytes`?";
    assert_eq!(error("server_only,bites=a"), unknown);
    let incomplete =
        "`extern_path=a` is no parameter of protoc-gen-cordial\n  = write `extern_path=NAME=VALUE`";
    assert_eq!(error("extern_path=a"), incomplete);
    assert!(error("bytes=hello.v1.Nobody").contains("there is no such field of type `bytes`"));
    // Mistakes in protos name their place as well as they can: the text is not there.
    let mut request =
        Request::decode(request(Path::new("tests/golden/greeter"), "").as_slice()).unwrap();
    request.file_to_generate = vec!["absent.proto".to_owned()];
    let output = start(&[], &request.encode_to_vec());
    let response = CodeGeneratorResponse::decode(output.stdout.as_slice()).unwrap();
    assert!(
        response
            .error
            .unwrap()
            .contains("it asks for `absent.proto` and does not bring it")
    );
}

#[test]
fn what_is_no_request_is_refused() {
    for input in [&b""[..], b"hello there"] {
        let output = start(&[], input);
        assert!(!output.status.success());
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(
            text.starts_with("the input is no request of protoc or buf"),
            "{text}"
        );
    }
    let unknown = start(&["--halp"], b"");
    assert!(!unknown.status.success());
    assert_eq!(
        String::from_utf8(start(&["--version"], b"").stdout).unwrap(),
        "protoc-gen-cordial 0.1.0\n"
    );
    let help = String::from_utf8(start(&["--help"], b"").stdout).unwrap();
    assert!(help.contains("extern_path=NAME=PATH"));
}
