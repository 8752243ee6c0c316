//! The case `kinds`: every kind of field, as we have it and as prost has it, to be compared in the root
//! package's tests.

use cordial_codegen::Config;
use prost::Message;
use prost_build::Module;
use prost_types::FileDescriptorSet;
use std::{collections::BTreeMap, fs};

const SHARED: [&str; 7] = [
    "kinds.two.Required.shared",
    "kinds.two.Optional.shared",
    "kinds.two.Choice.other.shared",
    "kinds.three.Plain.shared",
    "kinds.three.Optional.shared",
    "kinds.three.Repeated.shared",
    "kinds.three.Choice.choice.shared",
];
const SORTED: [&str; 3] = [
    "kinds.two.Repeated",
    "kinds.three.Maps",
    "kinds.three.Choice",
];
const BOXED: [&str; 2] = ["kinds.three.Plain.boxed", "kinds.three.Choice.choice.boxed"];

/// Ours.
pub fn ours() -> Config {
    let config = SHARED.into_iter().fold(Config::new(), Config::bytes);
    let config = SORTED.into_iter().fold(config, Config::btree_map);
    BOXED.into_iter().fold(config, Config::boxed)
}

/// The same, as the plugin is asked for it.
pub fn parameter() -> String {
    let options = [
        ("bytes", &SHARED[..]),
        ("btree_map", &SORTED),
        ("boxed", &BOXED),
    ];
    let each = options
        .into_iter()
        .flat_map(|(option, names)| names.iter().map(move |name| format!("{option}={name}")));
    each.collect::<Vec<_>>().join(",")
}

/// What prost makes of the same files.
pub fn as_prost_has_them() -> BTreeMap<String, String> {
    let out = super::scratch("kinds");
    ours()
        .out_dir(&out)
        .compile(["tests/golden/kinds"])
        .unwrap();
    let set = fs::read(out.join("_descriptors.bin")).unwrap();
    let set = FileDescriptorSet::decode(set.as_slice()).unwrap();
    let dotted =
        |names: &[&str]| -> Vec<_> { names.iter().map(|name| format!(".{name}")).collect() };
    let mut prost = prost_build::Config::new();
    prost
        .prost_path("::cordial::prost")
        .prost_types_path("::cordial::google::protobuf")
        .extern_path(".google.rpc", "::cordial::google::rpc")
        .bytes(dotted(&SHARED))
        .btree_map(dotted(&SORTED));
    for name in dotted(&BOXED) {
        prost.boxed(name);
    }
    let requests = set.file.into_iter().map(|mut file| {
        file.source_code_info = None;
        (Module::from_protobuf_package_name(file.package()), file)
    });
    let written = prost.generate(requests.collect()).unwrap();
    written
        .into_iter()
        .map(|(module, text)| (module.to_file_name_or("_"), text))
        .filter(|(name, _)| name.starts_with("kinds"))
        .collect()
}
