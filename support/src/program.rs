//! An example as a program: started, fed, and read.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Builds an example, to be started by its own name: through cargo each start takes long.
pub fn build(example: &str) -> PathBuf {
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--all-features", "--example", example]);
    // What cargo says of this test would make it build dependencies anew that look at it.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            build.env_remove(name);
        }
    }
    assert!(build.status().unwrap().success());
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(3).unwrap().join("debug/examples").join(example)
}

/// The program, run as cargo would where it is of another machine, as by `.ci/cross`.
pub fn command(program: &Path) -> Command {
    let target = std::env::var("CARGO_BUILD_TARGET").unwrap_or_default();
    let runner = format!("CARGO_TARGET_{}_RUNNER", target.to_uppercase().replace('-', "_"));
    let runner = std::env::var(runner).unwrap_or_default();
    let mut words = runner.split_whitespace().map(OsStr::new).chain([program.as_os_str()]);
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words);
    command
}

pub fn start(program: &Path, args: &[&str]) -> Child {
    command(program)
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

/// Asserts that it refuses each of these arguments in a line of its own making.
pub fn refuses_in_one_line(program: &Path, rows: &[&[&str]]) {
    for args in rows {
        let (status, output, error) = run(program, args, b"");
        let lines = error.lines().count();
        assert_eq!((status, &*output, lines), (Some(2), "", 1), "{args:?}: {error}");
    }
}

/// Asserts that it prints a line once `begin` has come, and ends quietly with its reader though
/// `rest` makes more.
pub fn prints_as_it_comes(program: &Path, args: &[&str], begin: &[u8], line: &str, rest: &[u8]) {
    let mut child = start(program, args);
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    input.write_all(begin).unwrap();
    let mut printed = String::new();
    output.read_line(&mut printed).unwrap();
    assert_eq!(printed, line);
    drop(output);
    input.write_all(rest).unwrap();
    drop(input);
    let mut error = String::new();
    child.stderr.take().unwrap().read_to_string(&mut error).unwrap();
    assert_eq!((child.wait().unwrap().code(), &*error), (Some(0), ""));
}
