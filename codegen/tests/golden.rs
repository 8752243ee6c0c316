//! Every `golden/<case>/` must generate exactly the files in it.
//!
//! `UPDATE=1 cargo test -p cordial-codegen --test golden` accepts what changed: read the diff as a user
//! would. The root package compiles the same files under `deny(warnings, clippy::pedantic)`.

mod support;

use cordial_codegen::Config;
use std::{fs, path::Path};

/// How a case is configured, where the defaults are not the point.
fn config(case: &str) -> Config {
    let config = Config::new();
    match case {
        "kinds" => support::kinds::ours(),
        "knobs" => config
            .extern_path("elsewhere", "crate::elsewhere")
            .bytes("knobs.Photo.data")
            .bytes("knobs.Photo.raw")
            .btree_map("knobs.Photo.labels")
            .boxed("knobs.Photo.thumb")
            .type_attribute("knobs", "#[allow(clippy::exhaustive_enums)]")
            .message_attribute("knobs.Thumb", "#[allow(clippy::exhaustive_structs)]")
            .enum_attribute(".", "#[allow(clippy::enum_variant_names)]")
            .field_attribute("knobs.Photo.source.url", "#[doc(alias = \"link\")]")
            .service_attribute("knobs.Photos", "#[doc(alias = \"pictures\")]")
            .client_attribute(".", "#[doc(alias = \"pictures\")]"),
        "json" => config.json(true),
        "tonic" => config.tonic_stubs(true),
        _ => config,
    }
}

#[test]
fn golden() {
    let mut changed = Vec::new();
    for case in support::cases("golden") {
        let name = case.file_name().unwrap().to_str().unwrap().to_owned();
        let out = support::scratch(&format!("golden/{name}"));
        config(&name)
            .out_dir(&out)
            .compile([&case])
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let fresh = support::files(&out, "rs");
        changed.extend(support::compare(&case, "rs", &fresh));
    }
    let kinds = support::kinds::as_prost_has_them();
    changed.extend(support::compare(
        Path::new("tests/golden/kinds/prost"),
        "rs",
        &kinds,
    ));
    support::accept(&changed);
}

/// What a reader has to get through: 40 lines for a service with one method, 20 for each further one.
#[test]
fn budget() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let ours = |file: &str| {
        let text = fs::read_to_string(golden.join(file)).unwrap();
        let (messages, service) = text.split_once("pub trait ").expect("a service");
        let docs = messages
            .lines()
            .rev()
            .take_while(|line| line.starts_with("///"))
            .count();
        service.lines().count() + docs
    };
    let one = ours("greeter/hello.v1.rs");
    assert!(one <= 40, "{one} lines for one method");
    let four = ours("streams/chat.v1.rs");
    assert!(four <= one + 3 * 20, "{four} lines for four methods");
}
