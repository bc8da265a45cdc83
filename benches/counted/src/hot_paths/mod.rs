//! The paths that most events take, each to be run and counted by itself.

mod aligned;
#[path = "../../../common/json_feed.rs"]
mod json_feed;
mod sse;
#[path = "../../../common/sse_shapes.rs"]
mod sse_shapes;
mod ws;

/// The number of events, messages or frames in a run: enough to make its edges negligible.
pub const COUNT: u16 = 10_000;
/// The number of bytes that a read returns.
const READ: usize = 16 << 10;

/// One path over one shape.
pub struct Row {
    pub name: &'static str,
    work: fn() -> Box<dyn Work>,
}

/// The counted work, which allocates and copies nothing of its own.
trait Work {
    /// Undoes the changes of the run before.
    fn prepare(&mut self) {}

    /// Returns how many events, messages or frames it made.
    fn run(&mut self) -> usize;
}

/// All rows. Rows of one kind share their code, so that no row changes how another is inlined.
pub const ROWS: &[Row] = &[
    row("SSE decode, OpenAI", || sse::decode(&sse_shapes::openai(), READ)),
    row("SSE decode, OpenAI non-ASCII", || sse::decode(&sse_shapes::openai_non_ascii(), READ)),
    row("SSE decode, Anthropic", || sse::decode(&sse_shapes::anthropic(), READ)),
    row("SSE decode, data: 1", || sse::decode("data: 1\n\n", READ)),
    row("SSE decode, id+event+1 KiB CRLF", || sse::decode(&sse_shapes::with_id(), READ)),
    row("SSE decode, 20 lines of 60 B", || sse::decode(&sse_shapes::lines(), READ)),
    row("SSE decode, 4 comments", || sse::decode(&sse_shapes::comments(), READ)),
    row("SSE decode, OpenAI by the event", || {
        let event = sse_shapes::openai();
        sse::decode(&event, event.len())
    }),
    row("SSE decode, OpenAI in 16 B", || sse::decode(&sse_shapes::openai(), 16)),
    row("SSE decode, OpenAI to Bytes", || sse::decode_bytes(&sse_shapes::openai())),
    row("SSE encode, data: 1", || sse::encode("1")),
    row("SSE encode, 1 KiB", || sse::encode(&"y".repeat(1024))),
    row("WS decode, text 20 B", || ws::decode(&"x".repeat(20))),
    row("WS decode, text 125 B", || ws::decode(&"x".repeat(125))),
    row("WS decode, text 1 KiB", || ws::decode(&"x".repeat(1024))),
    row("WS decode, text 1 KiB non-ASCII", || ws::decode(&ws::non_ascii())),
    row("WS decode to messages, text 20 B", || ws::decode_messages(&"x".repeat(20))),
    row("WS inflate, JSON 1 KiB", || ws::inflate(1 << 10)),
    row("WS deflate, JSON 1 KiB", || ws::deflate(1 << 10)),
    row("WS encode, masked 20 B", || ws::encode_masked(&"x".repeat(20))),
    row("WS encode, masked 1 KiB", || ws::encode_masked(&"x".repeat(1024))),
    row("WS encode, unmasked 20 B", || ws::encode_unmasked(&"x".repeat(20))),
];

const fn row(name: &'static str, work: fn() -> Box<dyn Work>) -> Row {
    Row { name, work }
}

/// The one function that is counted.
#[inline(never)]
fn measured_run(work: &mut dyn Work) -> usize {
    work.run()
}

/// Runs a row twice. The first run is not counted: it detects the CPU and binds symbols.
pub fn run(name: &str) {
    let row = ROWS.iter().find(|row| row.name == name).expect("a row");
    let mut work = (row.work)();
    work.prepare();
    work.run();
    work.prepare();
    assert_eq!(measured_run(&mut *work), usize::from(COUNT), "{name}: all are made");
}
