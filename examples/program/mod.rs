//! How a program that converts a file or its standard input begins and ends.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
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
