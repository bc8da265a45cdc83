//! The lines of standard input, for a program on tokio.

use std::{io, thread};
use tokio::sync::mpsc;

/// Returns the lines of standard input, which a thread reads. A program that waits for tokio's own
/// standard input cannot end.
#[must_use]
pub fn stdin_lines() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(1);
    thread::spawn(move || {
        let mut lines = io::stdin().lines().map_while(Result::ok);
        lines.try_for_each(|line| sender.blocking_send(line))
    });
    lines
}
