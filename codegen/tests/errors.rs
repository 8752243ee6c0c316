//! Every `errors/<case>/` must fail with exactly the text of its `error.txt`.
//!
//! `UPDATE=1 cargo test -p cordial-codegen --test errors` accepts what changed: read it as the person who
//! made the mistake would.

mod support;

use cordial_codegen::{Config, Error, Result};
use std::{collections::BTreeMap, path::Path};

/// What a case does, where compiling its directory is not the point.
fn compile(case: &str, dir: &Path, out: &Path) -> Result {
    let config = Config::new().out_dir(out);
    match case {
        "config_names" => config
            .bytes("shop.Photo.dat")
            .bytes("shop.Photo.labels")
            .btree_map("shop.Photo.lables")
            .boxed("shop.Photo.data")
            .extern_path("shpo", "::shop")
            .type_attribute("shop.Foto", "#[derive(Eq)]")
            .message_attribute("nothing", "#[derive(Eq)]")
            .enum_attribute(".", "#[derive(Eq)]")
            .field_attribute("shop.Photo.next.more", "#[doc(hidden)]")
            .service_attribute("shop.Photo", "#[doc(hidden)]")
            .client_attribute("shop.Phots", "#[doc(hidden)]")
            .compile([dir]),
        "config_rust" => config
            .extern_path("shop.Photo", "not a path")
            .type_attribute("shop", "derive(Eq)")
            .runtime("::cordial::")
            .compile([dir]),
        "missing_directory" => config.compile([dir.join("protso")]),
        "missing_include" => config
            .include(dir.join("third_party"))
            .compile([dir.join("protos")]),
        "no_out_dir" => Config::new().compile([dir]),
        "only_included" => config
            .include(dir.join("main/shop"))
            .compile([dir.join("main")]),
        "outside" => config.include("src").compile([dir.join("a.proto")]),
        "patterns" => config
            .select("b*.proto")
            .exclude("legacy/**")
            .compile([dir]),
        "shadowed" => config.compile([dir.join("one"), dir.join("two")]),
        "two_paths" => config
            .include(dir.join("main/shop"))
            .compile([dir.join("main")]),
        "unwritable" => config.out_dir("no/such/directory").compile([dir]),
        _ => config.compile([dir]),
    }
}

#[test]
fn errors() {
    let mut changed = Vec::new();
    for case in support::cases("errors") {
        let name = case.file_name().unwrap().to_str().unwrap().to_owned();
        let out = support::scratch(&format!("errors/{name}"));
        // Tests start in the package's directory: paths are shown as they are given.
        let dir = Path::new("tests/errors").join(&name);
        let error: Error = match compile(&name, &dir, &out) {
            Ok(()) => panic!("{name} should fail"),
            Err(error) => error,
        };
        assert_eq!(format!("{error}"), format!("{error:?}"), "{name}");
        assert!(
            support::files(&out, "rs").is_empty(),
            "{name} wrote something"
        );
        let text = BTreeMap::from([("error.txt".to_owned(), format!("{error}\n"))]);
        changed.extend(support::compare(&case, "txt", &text));
    }
    support::accept(&changed);
}
