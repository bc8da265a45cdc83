//! Reads JSON objects, one per line, and writes them as an event stream: the reverse of `sse2json`.
//!
//! An example of a line is `{"event":"sum","id":"7","retry":3000,"comment":"hi","data":"1 +\n2"}`.
//! Every key is optional. The key `id` may also be called `last_event_id`, as in the output of
//! `sse2json`.

use eventwire::sse::EventBuilder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str = "usage: json2sse [FILE]";

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    event: Option<String>,
    #[serde(alias = "last_event_id")]
    id: Option<String>,
    retry: Option<u64>,
    comment: Option<String>,
    data: Option<String>,
}

fn main() -> ExitCode {
    let files: Vec<_> = std::env::args_os().skip(1).collect();
    let result = match &files[..] {
        [] => run(io::stdin().lock()),
        [file] if file == "--help" || file == "-h" => {
            println!("{USAGE}");
            Ok(())
        }
        [file] => File::open(file)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", file.display())))
            .and_then(|file| run(BufReader::new(file))),
        _ => Err(io::Error::other(USAGE)),
    };
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            eprintln!("json2sse: {error}");
            ExitCode::from(2)
        }
        _ => ExitCode::SUCCESS,
    }
}

fn run(input: impl BufRead) -> io::Result<()> {
    let mut output = io::stdout().lock();
    for line in input.lines() {
        let line: Line = serde_json::from_str(&line?)?;
        let mut event = EventBuilder::new();
        if let Some(comment) = line.comment {
            event = event.comment(comment);
        }
        if let Some(event_type) = line.event {
            event = event.try_event_type(event_type).map_err(io::Error::other)?;
        }
        if let Some(id) = line.id {
            event = event.try_id(id).map_err(io::Error::other)?;
        }
        if let Some(retry) = line.retry {
            event = event.retry(Duration::from_millis(retry));
        }
        if let Some(data) = line.data {
            event = event.data(data);
        }
        output.write_all(&event.to_bytes())?;
        output.flush()?;
    }
    Ok(())
}
