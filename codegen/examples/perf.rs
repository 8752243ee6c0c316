//! Scratch.
fn main() {
    let start = std::time::Instant::now();
    cordial_codegen::Config::new()
        .out_dir("/tmp/perf/out")
        .compile(["/tmp/perf/protos"])
        .unwrap();
    eprintln!("{:?}", start.elapsed());
}
