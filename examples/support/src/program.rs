//! The frame of a program that converts a file or its standard input.

use serde::Serialize;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Runs a program with its parsed arguments, or prints the usage if they are `None`. After an error
/// the status is 2.
pub fn main<A>(
    name: &str,
    usage: &str,
    args: Result<Option<A>, lexopt::Error>,
    run: impl FnOnce(&A) -> io::Result<ExitCode>,
) -> ExitCode {
    match args.map(|args| args.map(|args| run(&args))) {
        Ok(None) => println!("{usage}"),
        Ok(Some(Ok(status))) => return status,
        // Nobody reads the output any more.
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

/// Opens a file, or standard input if there is no file.
///
/// # Errors
///
/// Returns an error that names the file if the file cannot be opened.
pub fn open(file: Option<&PathBuf>) -> io::Result<Box<dyn Read>> {
    let Some(path) = file else { return Ok(Box::new(io::stdin().lock())) };
    let named = |error| io::Error::new(ErrorKind::NotFound, format!("{}: {error}", path.display()));
    Ok(Box::new(File::open(path).map_err(named)?))
}

/// Reads once, and again if a signal interrupts. Returns the number of bytes, 0 at the end.
///
/// # Errors
///
/// Returns the error of the reader.
pub fn read(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Appends a value as a line of JSON.
///
/// # Errors
///
/// Returns an error if the value cannot be written as JSON.
pub fn push(lines: &mut Vec<u8>, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *lines, line)?;
    lines.push(b'\n');
    Ok(())
}

/// Prints lines and flushes them.
///
/// # Errors
///
/// Returns the error of the writer.
pub fn print(output: &mut impl Write, lines: &[u8]) -> io::Result<()> {
    output.write_all(lines)?;
    output.flush()
}
