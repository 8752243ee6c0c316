//! What is compiled, and what each option changes.

mod support;

use cordial_codegen::Config;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// A directory with these files, and one to write to.
fn tree(name: &str, files: &[(&str, &str)]) -> (PathBuf, PathBuf) {
    let dir = support::scratch(&format!("config/{name}"));
    for (path, text) in files {
        let path = dir.join("in").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("syntax = \"proto3\";\n{text}\n")).unwrap();
    }
    fs::create_dir_all(dir.join("out")).unwrap();
    (dir.join("in"), dir.join("out"))
}

fn written(out: &Path) -> BTreeMap<String, String> {
    let mut files = support::files(out, "rs");
    files.remove("_packages.rs");
    files
}

fn names(out: &Path) -> Vec<String> {
    written(out).into_keys().collect()
}

const GREETER: (&str, &str) = (
    "hello.proto",
    "package hello; message Hello {} service Greeter { rpc Greet(Hello) returns (Hello); }",
);

#[test]
fn imports_are_generated_and_their_neighbours_are_not() {
    let (dir, out) = tree(
        "imports",
        &[
            (
                "own/a.proto",
                "package a; import \"b.proto\"; message A { b.B b = 1; }",
            ),
            ("third/b.proto", "package b; message B {}"),
            ("third/c.proto", "package c; message C {}"),
        ],
    );
    Config::new()
        .include(dir.join("third"))
        .out_dir(&out)
        .compile([dir.join("own")])
        .unwrap();
    assert_eq!(names(&out), ["a.rs", "b.rs"]);
}

#[test]
fn an_include_directory_below_another_is_its_own_root() {
    let (dir, out) = tree(
        "nested",
        &[
            (
                "a.proto",
                "package a; import \"b.proto\"; message A { b.B b = 1; }",
            ),
            ("third/b.proto", "package b; message B {}"),
            ("third/c.proto", "package c; message C {}"),
        ],
    );
    Config::new()
        .include(dir.join("third"))
        .out_dir(&out)
        .compile([&dir])
        .unwrap();
    assert_eq!(names(&out), ["a.rs", "b.rs"]);
}

#[test]
fn files_can_be_picked() {
    let files = [
        ("v1/a.proto", "package a; message A {}"),
        ("v1/b.proto", "package b; message B {}"),
        (
            "v2/c.proto",
            "package c; import \"v1/a.proto\"; message C { a.A a = 1; }",
        ),
    ];
    let (dir, out) = tree("select", &files);
    Config::new()
        .select("**/b.proto")
        .out_dir(&out)
        .compile([&dir])
        .unwrap();
    assert_eq!(names(&out), ["b.rs"]);
    let (dir, out) = tree("exclude", &files);
    Config::new()
        .exclude("v1/*")
        .out_dir(&out)
        .compile([&dir])
        .unwrap();
    assert_eq!(
        names(&out),
        ["a.rs", "c.rs"],
        "what is imported is needed all the same"
    );
    let (dir, out) = tree("single", &files);
    Config::new()
        .include(&dir)
        .out_dir(&out)
        .compile([dir.join("v1/b.proto")])
        .unwrap();
    assert_eq!(names(&out), ["b.rs"]);
    let (dir, out) = tree("alone", &files);
    Config::new()
        .out_dir(&out)
        .compile([dir.join("v1/b.proto")])
        .unwrap();
    assert_eq!(
        names(&out),
        ["b.rs"],
        "with no include directory, a file's own will do"
    );
}

#[test]
fn a_copy_of_googles_files_does_no_harm() {
    let http = fs::read_to_string("protos/google/api/http.proto").unwrap();
    let http = http.split_once("syntax = \"proto3\";").unwrap().1;
    let annotations = fs::read_to_string("protos/google/api/annotations.proto").unwrap();
    let annotations = annotations.split_once("syntax = \"proto3\";").unwrap().1;
    let user = "package a; import \"google/api/annotations.proto\"; import \"google/api/http.proto\"; message A { google.api.HttpRule rule = 1; }";
    for place in ["", "third_party/googleapis/"] {
        let (http_path, annotations_path) = (
            format!("{place}google/api/http.proto"),
            format!("{place}google/api/annotations.proto"),
        );
        let extra = (
            &*format!("{place}google/api/extra.proto"),
            "package google.api; message Extra {}",
        );
        let files = [
            ("a.proto", user),
            (&http_path, http),
            (&annotations_path, annotations),
            extra,
        ];
        let (dir, out) = tree(&format!("google{}", place.len()), &files);
        Config::new().out_dir(&out).compile([&dir]).unwrap();
        assert_eq!(names(&out), ["a.rs", "google.api.rs"]);
        assert!(written(&out)["a.rs"].contains("::cordial::google::api::HttpRule"));
        let google = &written(&out)["google.api.rs"];
        assert!(
            google.contains("struct Extra") && !google.contains("HttpRule"),
            "{google}"
        );
    }
}

#[test]
fn google_in_place_refers_to_nothing() {
    let (dir, out) = tree(
        "in_place",
        &[(
            "a.proto",
            "package a; import \"google/rpc/status.proto\"; message A { google.rpc.Status s = 1; }",
        )],
    );
    Config::new()
        .google_in_place(true)
        .out_dir(&out)
        .compile([&dir])
        .unwrap();
    assert_eq!(
        names(&out),
        ["a.rs", "cordial.v1.rs", "google.api.rs", "google.rpc.rs"]
    );
    assert!(written(&out)["a.rs"].contains("super::google::rpc::Status"));
}

#[test]
fn a_package_from_elsewhere_is_not_generated() {
    let (dir, out) = tree(
        "extern",
        &[
            (
                "a.proto",
                "package a; import \"money.proto\"; message A { acme.money.Amount amount = 1; }",
            ),
            (
                "money.proto",
                "package acme.money; message Amount {} service Bank { rpc Pay(Amount) returns (Amount); }",
            ),
        ],
    );
    Config::new()
        .extern_path("acme", "::acme")
        .out_dir(&out)
        .compile([&dir])
        .unwrap();
    assert_eq!(names(&out), ["a.rs"]);
    assert!(written(&out)["a.rs"].contains("Option<::acme::money::Amount>"));
}

#[test]
fn one_side_only() {
    let sides = |config: Config, name: &str| {
        let (dir, out) = tree(name, &[GREETER]);
        config.out_dir(&out).compile([&dir]).unwrap();
        let code = &written(&out)["hello.rs"];
        [
            "pub trait Greeter",
            "fn greeter_server",
            "struct GreeterClient",
            "GREETER_GREET: ",
        ]
        .map(|part| code.contains(part))
    };
    assert_eq!(sides(Config::new(), "both"), [true, true, true, true]);
    assert_eq!(
        sides(Config::new().server_only(), "server"),
        [true, true, false, true]
    );
    assert_eq!(
        sides(Config::new().client_only(), "client"),
        [false, false, true, true]
    );
}

#[test]
fn the_runtime_can_be_elsewhere() {
    let (dir, out) = tree("runtime", &[GREETER]);
    Config::new()
        .runtime("crate::vendor::cordial")
        .out_dir(&out)
        .compile([&dir])
        .unwrap();
    let code = &written(&out)["hello.rs"];
    assert!(code.contains("crate::vendor::cordial::Channel"));
    assert!(
        !code
            .replace("crate::vendor::cordial::", "")
            .contains("cordial::")
    );
}
