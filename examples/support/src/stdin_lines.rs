//! The lines of standard input, for a program on tokio.

use std::{io, thread};
use tokio::sync::mpsc;

/// Returns the lines of standard input, which a thread of its own reads. With tokio's own standard
/// input a program could not exit while it waits for a line.
#[must_use]
pub fn stdin_lines() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(1);
    thread::spawn(move || {
        let mut lines = io::stdin().lines().map_while(Result::ok);
        lines.try_for_each(|line| sender.blocking_send(line))
    });
    lines
}
