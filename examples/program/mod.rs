//! How a program that converts a file or its standard input begins and ends.

use serde::Serialize;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Runs it by its arguments; `None` asks for help.
pub fn main<A>(
    name: &str,
    usage: &str,
    args: Result<Option<A>, lexopt::Error>,
    run: impl FnOnce(&A) -> io::Result<ExitCode>,
) -> ExitCode {
    match args.map(|args| args.map(|args| run(&args))) {
        Ok(None) => println!("{usage}"),
        Ok(Some(Ok(status))) => return status,
        // Whoever reads the output has seen enough.
        Ok(Some(Err(error))) if error.kind() == ErrorKind::BrokenPipe => {}
        Ok(Some(Err(error))) => {
            eprintln!("{name}: {error}");
            return ExitCode::from(2);
        }
        Err(error) => {
            eprintln!("{name}: {error} ({usage})");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// What it reads.
pub fn open(file: Option<&PathBuf>) -> io::Result<Box<dyn Read>> {
    let Some(path) = file else { return Ok(Box::new(io::stdin().lock())) };
    let named = |error| io::Error::new(ErrorKind::NotFound, format!("{}: {error}", path.display()));
    Ok(Box::new(File::open(path).map_err(named)?))
}

/// How many bytes the next read gave; none at the end.
pub fn read(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Adds a line.
pub fn push(lines: &mut Vec<u8>, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *lines, line)?;
    lines.push(b'\n');
    Ok(())
}

/// Prints lines, so that they are seen.
pub fn print(output: &mut impl Write, lines: &[u8]) -> io::Result<()> {
    output.write_all(lines)?;
    output.flush()
}
