//! Where a head ends, and whether its headers are any.

use core::ops::Range;
use memchr::{memchr, memchr2};

/// How many bytes a head may have unless you say otherwise: 16 KiB.
pub const DEFAULT_MAX_HEAD: usize = 16 << 10;

/// How many headers a head may have unless you say otherwise.
pub const DEFAULT_MAX_HEADERS: usize = 100;

/// How large a head may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) max_head: usize,
    pub(super) max_headers: usize,
}

impl Limits {
    pub(super) const fn new() -> Self {
        Self { max_head: DEFAULT_MAX_HEAD, max_headers: DEFAULT_MAX_HEADERS }
    }
}

/// Finds the end of a head in what was received so far, scanning each byte once.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeadFinder {
    pub(super) limits: Limits,
    /// Whether empty lines in front are passed over.
    skips_empty_lines: bool,
    /// How long the input was.
    received: usize,
    /// What was scanned. A CR at the end waits for its LF.
    scanned: usize,
    /// Where the line at `scanned` begins.
    line: usize,
    /// Where the head begins: behind what was passed over.
    start: usize,
}

/// Why a head cannot end well.
#[derive(Clone, Copy, Debug)]
pub(super) enum HeadFault {
    TooLong { limit: usize, in_first_line: bool },
    TooManyHeaders { limit: usize },
    LineEnd { offset: usize },
    Malformed { offset: usize },
    InputShrunk { expected: usize, found: usize },
}

impl HeadFinder {
    /// A server ignores empty lines before a request: some clients write one behind a body (RFC 9112,
    /// 2.2).
    pub(super) const fn of_request() -> Self {
        Self { skips_empty_lines: true, ..Self::of_response(Limits::new()) }
    }

    pub(super) const fn of_response(limits: Limits) -> Self {
        Self { limits, skips_empty_lines: false, received: 0, scanned: 0, line: 0, start: 0 }
    }

    /// The head, once it has ended.
    pub(super) fn find(&mut self, input: &[u8]) -> Result<Option<Range<usize>>, HeadFault> {
        if input.len() < self.received {
            return Err(HeadFault::InputShrunk { expected: self.received, found: input.len() });
        }
        self.received = input.len();
        let head = &input[..input.len().min(self.limits.max_head)];
        let next = |from| memchr2(b'\r', b'\n', head.get(from..)?).map(|found| from + found);
        while let Some(at) = next(self.scanned) {
            let is_empty_line_in_front = at == self.start;
            if head[at] == b'\n' || (is_empty_line_in_front && !self.skips_empty_lines) {
                return Err(HeadFault::LineEnd { offset: at });
            }
            self.scanned = at;
            match head.get(at + 1) {
                Some(b'\n') if is_empty_line_in_front => self.pass(at + 2),
                Some(b'\n') if at == self.line => return Ok(Some(self.start..at + 2)),
                Some(b'\n') => self.scanned = at + 2,
                Some(_) => return Err(HeadFault::LineEnd { offset: at + 1 }),
                None => return self.more(head.len()),
            }
            self.line = self.scanned;
        }
        self.scanned = head.len();
        self.more(head.len())
    }

    /// Passes over all up to `end`, to look for the next head.
    pub(super) const fn pass(&mut self, end: usize) {
        self.start = end;
        self.line = end;
        self.scanned = end;
    }

    const fn more(&self, len: usize) -> Result<Option<Range<usize>>, HeadFault> {
        let limit = self.limits.max_head;
        if len < limit {
            return Ok(None);
        }
        Err(HeadFault::TooLong { limit, in_first_line: self.line == self.start })
    }
}

/// The first line of a head with its line end.
pub(super) fn first_line(head: &[u8]) -> &[u8] {
    memchr(b'\n', head).map_or(head, |end| &head[..=end])
}

/// Checks the headers of a head that has ended, a line at a time: so their number takes no memory.
pub(super) fn check_lines(head: &[u8], max_headers: usize) -> Result<(), HeadFault> {
    let mut offset = first_line(head).len();
    let lines = head[offset..].split_inclusive(|&byte| byte == b'\n');
    for (count, line) in lines.take_while(|line| *line != b"\r\n").enumerate() {
        if count == max_headers {
            return Err(HeadFault::TooManyHeaders { limit: max_headers });
        }
        // The line alone is a part of a head, of which one header is found.
        if httparse::parse_headers(line, &mut [httparse::EMPTY_HEADER]).is_err() {
            return Err(HeadFault::Malformed { offset });
        }
        offset += line.len();
    }
    Ok(())
}
