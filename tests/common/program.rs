//! An example as a program: started, fed, and read.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Builds an example, to be started by its own name: through cargo each start takes long.
pub fn build(example: &str) -> PathBuf {
    let build =
        Command::new(env!("CARGO")).args(["build", "--quiet", "--example", example]).status();
    assert!(build.unwrap().success());
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(3).unwrap().join("debug/examples").join(example)
}

pub fn start(program: &Path, args: &[&str]) -> Child {
    Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Its status, output and errors on this input.
pub fn run(program: &Path, args: &[&str], input: &[u8]) -> (Option<i32>, String, String) {
    let mut child = start(program, args);
    // Who is given a file, or fails, does not read all of this.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}
