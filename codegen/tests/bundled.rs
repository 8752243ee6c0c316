//! The bundled protos say what the originals say: packages, names, numbers and types. Ours says what it
//! has always said, and what its guide says of it.

use cordial_codegen::Config;
use prost_reflect::DescriptorPool;
use std::{fs, path::Path};

/// One line for each field, value and extension of the bundled files.
fn shape() -> String {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bundled");
    fs::create_dir_all(&out).unwrap();
    Config::new()
        .google_in_place(true)
        .out_dir(&out)
        .compile(["protos"])
        .unwrap();
    let pool =
        DescriptorPool::decode(fs::read(out.join("_descriptors.bin")).unwrap().as_slice()).unwrap();
    let mut lines = Vec::new();
    for message in pool
        .all_messages()
        .filter(|message| message.full_name().starts_with("google."))
    {
        for field in message
            .fields()
            .filter(|_| !message.full_name().starts_with("google.protobuf"))
        {
            lines.push(format!(
                "{} {} {:?} {:?}",
                field.full_name(),
                field.number(),
                field.cardinality(),
                field.kind()
            ));
        }
    }
    for enumeration in pool
        .all_enums()
        .filter(|found| !found.full_name().starts_with("google.protobuf"))
    {
        let values = enumeration.values();
        lines.extend(values.map(|value| {
            format!(
                "{}.{} {}",
                enumeration.full_name(),
                value.name(),
                value.number()
            )
        }));
    }
    for extension in pool.all_extensions() {
        let (name, number, target) = (
            extension.full_name(),
            extension.number(),
            extension.containing_message(),
        );
        lines.push(format!(
            "{name} {number} {:?} {:?} {target:?}",
            extension.cardinality(),
            extension.kind()
        ));
    }
    lines.sort();
    lines.join("\n") + "\n"
}

#[test]
fn shape_is_the_originals() {
    let golden = Path::new("tests/bundled.txt");
    let shape = shape();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(golden, &shape).unwrap();
    }
    assert_eq!(shape, fs::read_to_string(golden).unwrap());
}

#[test]
fn the_guide_to_policies_compiles() {
    let guide = fs::read_to_string("../docs/POLICY.md").unwrap();
    let (_, rest) = guide.split_once("```proto\n").unwrap();
    let (proto, _) = rest.split_once("```").unwrap();
    let messages = "
        message GetBalanceRequest { Account account = 4; }
        message Account { string id = 1; }
        message WithdrawRequest {}
        message StatementRequest {}
        message Balance {}
        message Line {}";
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guide");
    fs::create_dir_all(&dir).unwrap();
    let file = dir.join("bank.proto");
    fs::write(
        &file,
        format!("syntax = \"proto3\"; package bank; {proto} {messages}"),
    )
    .unwrap();
    Config::new().out_dir(&dir).compile([&file]).unwrap();
    let code = fs::read_to_string(dir.join("bank.rs")).unwrap();
    assert!(code.contains(".hash_by(&[4, 1])"), "{code}");
}
