//! Neither the core tier nor the clients of `examples/embedded/` need an allocator: programs
//! without one link and run.

use eventwire_test_support::program;
use std::env;
use std::path::Path;
use std::process::{Command, Output};

/// Runs the program of a package under `tests`. With feature `leak` the build must fail, with an
/// error that contains `leak`.
fn runs(name: &str, leak: &str) {
    let built = build(name, &[]);
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let target = env::var("CARGO_BUILD_TARGET").unwrap_or_default();
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join(target).join("release").join(name);
    assert!(program::command(&built).status().unwrap().success());

    let leaking = build(name, &["--features", "leak"]);
    let stderr = String::from_utf8_lossy(&leaking.stderr);
    assert!(!leaking.status.success() && stderr.contains(leak), "{stderr}");
}

fn build(name: &str, features: &[&str]) -> Output {
    Command::new(env!("CARGO"))
        .args(["build", "--release", "--manifest-path"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name).join("Cargo.toml"))
        .args(["--target-dir", env!("CARGO_TARGET_TMPDIR")])
        .args(features)
        .output()
        .unwrap()
}

#[test]
fn a_program_without_an_allocator_runs() {
    runs("no_alloc", "no global memory allocator");
}

#[test]
fn the_embedded_clients_run_without_std() {
    runs("embedded", "`panic_impl`");
}
