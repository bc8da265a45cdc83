//! The core tier needs no allocator: a program that has none links and runs.

use std::path::Path;
use std::process::{Command, Output};

fn build(features: &[&str]) -> Output {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/no_alloc/Cargo.toml");
    Command::new(env!("CARGO"))
        .args(["build", "--release", "--manifest-path"])
        .arg(manifest)
        .args(["--target-dir", env!("CARGO_TARGET_TMPDIR")])
        .args(features)
        .output()
        .unwrap()
}

#[test]
fn a_program_without_an_allocator_runs() {
    let built = build(&[]);
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("release/no_alloc");
    assert!(Command::new(program).status().unwrap().success());

    // The control: the same with the `alloc` tier must miss its allocator.
    let leaking = build(&["--features", "leak"]);
    let stderr = String::from_utf8_lossy(&leaking.stderr);
    assert!(!leaking.status.success() && stderr.contains("no global memory allocator"), "{stderr}");
}
