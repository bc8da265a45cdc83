//! Server-sent events: the shapes sent, and how they arrive.

mod decode;
mod encode;
mod ours;
mod peers;

use crate::harness::{Checksum, Row};

pub fn rows() -> Vec<Row> {
    let mut rows = decode::rows();
    rows.extend(encode::rows());
    rows
}

/// One event as it is sent, and the result that a reader must make of it.
#[derive(Clone)]
struct Shape {
    name: &'static str,
    sent: String,
    event_type: &'static str,
    data: String,
    id: &'static str,
}

impl Shape {
    fn new(name: &'static str, sent: String, data: String) -> Self {
        Self { name, sent, event_type: "message", data, id: "" }
    }

    fn expected(&self, count: usize) -> Checksum {
        let mut sum = Checksum::default();
        for _ in 0..count {
            sum.whole(self.data.as_bytes(), self.event_type, self.id);
        }
        sum
    }
}

fn openai(name: &'static str, token: &str) -> Shape {
    let json = format!(
        "{{\"id\":\"chatcmpl-9vXbWq3JmZ1rT5kP0aYcE7sLdH2uQ\",\"object\":\"chat.completion.chunk\",\
         \"created\":1732147200,\"model\":\"gpt-4o-mini-2024-07-18\",\"system_fingerprint\":\
         \"fp_0aa8d3e20b\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{token}\"}},\
         \"finish_reason\":null}}]}}"
    );
    Shape::new(name, format!("data: {json}\n\n"), json)
}

fn anthropic(name: &'static str, token: &str) -> Shape {
    let json = format!(
        "{{\"type\":\"content_block_delta\",\"index\":0,\
         \"delta\":{{\"type\":\"text_delta\",\"text\":\"{token}\"}}}}"
    );
    let sent = format!("event: content_block_delta\ndata: {json}\n\n");
    Shape { event_type: "content_block_delta", ..Shape::new(name, sent, json) }
}

fn with_id() -> Shape {
    let data = "y".repeat(1024);
    let sent = format!("id: 1732147200-0\r\nevent: update\r\ndata: {data}\r\n\r\n");
    Shape {
        event_type: "update",
        id: "1732147200-0",
        ..Shape::new("id+event+1 KiB CRLF", sent, data)
    }
}

fn lines() -> Shape {
    let line = "x".repeat(60);
    let sent = format!("data: {line}\n").repeat(20) + "\n";
    Shape::new("20 lines x 60 B", sent, vec![line; 20].join("\n"))
}

fn comments() -> Shape {
    let comment = ": ping - 2026-11-21 00:00:00.000000+00:00\r\n\r\n";
    Shape::new("4 comments", comment.repeat(4) + "data: 1\r\n\r\n", "1".into())
}

fn long_line() -> Shape {
    let line = "z".repeat(1 << 20);
    Shape::new("1 MiB line", format!("data: {line}\n\n"), line)
}
