//! What is written besides the code, when, and what cargo is told.

mod support;

use cordial_codegen::Config;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, ReflectMessage, Value};
use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, SystemTime},
};

fn case(name: &str) -> PathBuf {
    Path::new("tests/golden").join(name)
}

fn bytes(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let paths = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    paths
        .map(|path| {
            (
                PathBuf::from(path.file_name().unwrap()),
                fs::read(&path).unwrap(),
            )
        })
        .collect()
}

#[test]
fn same_input_same_output() {
    let outputs: Vec<_> = (0..8)
        .map(|run| {
            let out = support::scratch(&format!("same/{run}"));
            Config::new()
                .out_dir(&out)
                .compile([case("options"), case("packages")])
                .unwrap();
            bytes(&out)
        })
        .collect();
    assert!(outputs[0].len() > 5);
    assert!(outputs.iter().all(|output| *output == outputs[0]));
}

#[test]
fn unchanged_files_are_not_touched() {
    let (out, protos) = (
        support::scratch("unchanged/out"),
        support::scratch("unchanged/protos"),
    );
    fs::write(
        protos.join("a.proto"),
        "syntax = \"proto3\"; package a; message A {}",
    )
    .unwrap();
    fs::write(
        protos.join("b.proto"),
        "syntax = \"proto3\"; package b; message B {}",
    )
    .unwrap();
    let compile = || {
        Config::new()
            .out_dir(&out)
            .descriptor_set(out.join("set.bin"))
            .compile([&protos])
            .unwrap()
    };
    compile();
    let old = SystemTime::now() - Duration::from_secs(1000);
    for name in bytes(&out).keys() {
        fs::File::options()
            .append(true)
            .open(out.join(name))
            .unwrap()
            .set_modified(old)
            .unwrap();
    }
    fs::write(
        protos.join("b.proto"),
        "syntax = \"proto3\"; package b; message C {}",
    )
    .unwrap();
    compile();
    let touched = |name: &str| fs::metadata(out.join(name)).unwrap().modified().unwrap() != old;
    let names = [
        "a.rs",
        "_packages.rs",
        "b.rs",
        "_descriptors.bin",
        "set.bin",
    ];
    assert_eq!(names.map(touched), [false, false, true, true, true]);
}

#[test]
fn descriptors_keep_options_and_imports() {
    let out = support::scratch("descriptors");
    let set = out.join("with_comments.bin");
    Config::new()
        .out_dir(&out)
        .descriptor_set(&set)
        .compile([case("options")])
        .unwrap();
    let pool = |path: &Path| DescriptorPool::decode(fs::read(path).unwrap().as_slice()).unwrap();
    let (bare, full) = (pool(&out.join("_descriptors.bin")), pool(&set));
    let names: Vec<_> = bare.files().map(|file| file.name().to_owned()).collect();
    for name in [
        "google/protobuf/descriptor.proto",
        "google/api/http.proto",
        "auth.proto",
        "bank.proto",
    ] {
        assert!(
            names.iter().any(|found| found == name),
            "{name} is not in {names:?}"
        );
    }
    let role = |pool: &DescriptorPool| {
        let method = pool
            .get_service_by_name("bank.Bank")
            .unwrap()
            .methods()
            .nth(1)
            .unwrap();
        let extension = pool.get_extension_by_name("auth.role").unwrap();
        method.options().get_extension(&extension).into_owned()
    };
    assert_eq!(
        role(&bare),
        Value::String("owner(of).it \"or\" a; friend".to_owned())
    );
    assert_eq!(
        role(&full),
        Value::String("owner(of).it \"or\" a; friend".to_owned())
    );
    let comments = |pool: &DescriptorPool| {
        let file = pool.get_file_by_name("bank.proto").unwrap();
        file.file_descriptor_proto().source_code_info.is_some()
    };
    assert!(!comments(&bare) && comments(&full));
}

/// The bytes in a method's constant are its extension options, and nothing else.
#[test]
fn constants_hold_the_options() {
    let out = support::scratch("constants");
    Config::new()
        .out_dir(&out)
        .compile([case("options")])
        .unwrap();
    let pool =
        DescriptorPool::decode(fs::read(out.join("_descriptors.bin")).unwrap().as_slice()).unwrap();
    let file = syn::parse_file(&fs::read_to_string(out.join("bank.rs")).unwrap()).unwrap();
    let literals = |name: &str| -> Vec<Vec<u8>> {
        let constant = file.items.iter().find_map(|item| match item {
            syn::Item::Const(item) if item.ident == name => Some(item),
            _ => None,
        });
        byte_strings(&constant.expect(name).expr)
    };
    let method = pool
        .get_service_by_name("bank.Bank")
        .unwrap()
        .methods()
        .nth(1)
        .unwrap();
    let [service_options, options] = &literals("BANK_CLOSE")[..] else {
        panic!("two byte strings")
    };
    let mut expected = method.options();
    for own in ["deprecated", "idempotency_level"] {
        expected.clear_field_by_name(own);
    }
    let decode =
        |descriptor, bytes: &Vec<u8>| DynamicMessage::decode(descriptor, bytes.as_slice()).unwrap();
    assert_eq!(decode(expected.descriptor(), options), expected);
    let service = method.parent_service().options();
    assert_eq!(decode(service.descriptor(), service_options), service);
    assert!(service.encoded_len() > 0);
}

/// The byte strings that calls pass, the outermost call first.
fn byte_strings(expression: &syn::Expr) -> Vec<Vec<u8>> {
    let syn::Expr::MethodCall(call) = expression else {
        return Vec::new();
    };
    let own = call.args.iter().filter_map(|argument| match argument {
        syn::Expr::Lit(syn::ExprLit {
            lit: syn::Lit::ByteStr(bytes),
            ..
        }) => Some(bytes.value()),
        _ => None,
    });
    own.chain(byte_strings(&call.receiver)).collect()
}

/// In a build script, where `OUT_DIR` is set, every file and directory read is named to cargo. The test
/// starts itself as that script.
#[test]
fn cargo_is_told_what_to_watch() {
    const OUT: &str = "OUT_DIR";
    if env::var_os(OUT).is_some() {
        return Config::new()
            .include("protos")
            .compile([case("google")])
            .unwrap();
    }
    let out = support::scratch("watch");
    let run = Command::new(env::current_exe().unwrap())
        .args(["--exact", "cargo_is_told_what_to_watch", "--nocapture"])
        .env(OUT, &out)
        .output()
        .unwrap();
    assert!(run.status.success());
    let text = String::from_utf8(run.stdout).unwrap();
    let told: Vec<_> = text
        .lines()
        .filter_map(|line| line.split("cargo:rerun-if-changed=").nth(1))
        .collect();
    let expected = [
        "protos",
        "tests/golden/google",
        "tests/golden/google/google",
        "tests/golden/google/google.proto",
        "tests/golden/google/google/api",
        "tests/golden/google/google/api/http.proto",
    ];
    assert!(expected.iter().all(|path| told.contains(path)), "{told:?}");
    assert!(
        !told.iter().any(|path| path.contains("protobuf")),
        "{told:?}"
    );
    assert!(out.join("google_types.rs").is_file());
}

/// What a build script that compiles these directories, one after the other, ends with.
fn script(test: &str, out: &Path, dirs: &str) -> String {
    let run = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .envs([("OUT_DIR", out.as_os_str()), ("DIRS", dirs.as_ref())])
        .output()
        .unwrap();
    String::from_utf8(run.stdout).unwrap() + &String::from_utf8(run.stderr).unwrap()
}

/// `OUT_DIR` holds what the last build wrote, all of it and nothing else of ours.
#[test]
fn out_dir_is_one_generations() {
    if let Ok(dirs) = env::var("DIRS") {
        for dir in dirs.split_whitespace() {
            if let Err(error) = Config::new().compile([case(dir)]) {
                println!("{error}");
            }
        }
        return;
    }
    let out = support::scratch("one_generation");
    let names = || -> Vec<_> { bytes(&out).into_keys().collect() };
    let test = "out_dir_is_one_generations";
    fs::write(out.join("bindings.rs"), "// @generated by another").unwrap();
    fs::write(out.join("a.rs"), "").unwrap();
    script(test, &out, "streams");
    let others = ["_descriptors.bin", "_packages.rs", "a.rs", "bindings.rs"].map(PathBuf::from);
    let with = |name: &str| -> Vec<_> {
        let mut names = others.to_vec();
        names.push(name.into());
        names
    };
    assert_eq!(names(), with("chat.v1.rs"));
    script(test, &out, "greeter");
    assert_eq!(names(), with("hello.v1.rs"));
    let said = script(test, &out, "greeter streams");
    assert!(
        said.contains("this build script compiles twice into `OUT_DIR`"),
        "{said}"
    );
    assert_eq!(names(), with("hello.v1.rs"));
}

#[test]
fn of_one_file_two_hundred_errors_are_told() {
    let dir = support::scratch("flood");
    let fields = (1..=250).map(|number| format!("  Lost{number} f{number} = {number};\n"));
    let proto = format!(
        "syntax = \"proto3\";\nmessage M {{\n{}}}\n",
        fields.collect::<String>()
    );
    fs::write(dir.join("a.proto"), proto).unwrap();
    let error = Config::new().out_dir(&dir).compile([&dir]).unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("250 errors in 1 file"), "{text}");
    assert_eq!(text.matches("is not defined").count(), 200);
    let told = "a.proto: 50 more, told when these are mended";
    assert!(text.trim_end().ends_with(told), "{text}");
}
