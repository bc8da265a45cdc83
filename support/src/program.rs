//! Runs an example program: starts it, feeds its input and reads its output.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Builds an example and returns the path of the program. Starting it through cargo would take long
/// every time.
pub fn build(example: &str) -> PathBuf {
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--all-features", "--example", example]);
    // Cargo describes this test to its child processes by environment variables. Dependencies that
    // read those would be rebuilt.
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

/// Returns a command that runs the program. A program for another machine is run as cargo runs it,
/// with the runner that `.ci/cross` sets.
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

/// Runs the program on this input. Returns its status, output and errors.
pub fn run(program: &Path, args: &[&str], input: &[u8]) -> (Option<i32>, String, String) {
    let mut child = start(program, args);
    // A program that is given a file, or that fails, does not read all of its input.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Asserts that the program refuses each of these argument lists with a one-line error of its own.
pub fn refuses_in_one_line(program: &Path, rows: &[&[&str]]) {
    for args in rows {
        let (status, output, error) = run(program, args, b"");
        let lines = error.lines().count();
        assert_eq!((status, &*output, lines), (Some(2), "", 1), "{args:?}: {error}");
    }
}

/// Asserts that the program prints `line` once `begin` has arrived. Asserts also that it exits
/// quietly when its reader goes away, although `rest` would make it print more.
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
