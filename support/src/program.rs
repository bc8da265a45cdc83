//! Programs under test: started, fed, and read.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

/// The command that runs a program, through an emulator if `.ci/cross` built it for another
/// machine.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let target = std::env::var("CARGO_BUILD_TARGET").unwrap_or_default();
    let runner = format!("CARGO_TARGET_{}_RUNNER", target.to_uppercase().replace('-', "_"));
    let runner = std::env::var(runner).unwrap_or_default();
    let mut words = runner.split_whitespace().map(OsStr::new).chain([program.as_ref()]);
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words);
    command
}

/// Starts a program with pipes for its input, output and errors.
///
/// # Panics
///
/// If the program does not start.
pub fn start(program: impl AsRef<OsStr>, args: &[&str]) -> Child {
    command(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Runs a program on this input; returns its status, output and errors.
///
/// # Panics
///
/// If the program does not start, or prints something other than UTF-8.
pub fn run(
    program: impl AsRef<OsStr>,
    args: &[&str],
    input: &[u8],
) -> (Option<i32>, String, String) {
    let mut child = start(program, args);
    // A program that reads a file, or fails, does not read all of this.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Asserts that a program refuses each of these arguments with status 2 and one line of errors.
///
/// # Panics
///
/// If it does not.
pub fn refuses_in_one_line(program: impl AsRef<OsStr>, rows: &[&[&str]]) {
    for args in rows {
        let (status, output, error) = run(&program, args, b"");
        let lines = error.lines().count();
        assert_eq!((status, &*output, lines), (Some(2), "", 1), "{args:?}: {error}");
    }
}

/// Asserts that a program prints `line` once `begin` has come, and ends quietly when its reader has
/// gone, although `rest` would make it print more.
///
/// # Panics
///
/// If it does not.
pub fn prints_as_it_comes(
    program: impl AsRef<OsStr>,
    args: &[&str],
    begin: &[u8],
    line: &str,
    rest: &[u8],
) {
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
