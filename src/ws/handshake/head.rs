//! Finds the end of a head, and checks that its lines are headers.
//!
//! A head is judged at its end or at its limit, except for line ends, which are judged at once.

use core::ops::Range;
use memchr::{memchr, memchr2};

/// The default limit on the size of a head: 16 KiB.
pub const DEFAULT_MAX_HEAD: usize = 16 << 10;

/// The default limit on the number of headers in a head.
pub const DEFAULT_MAX_HEADERS: usize = 100;

/// The limits on a head.
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

/// Finds the end of a head in the bytes received so far, scanning each byte once.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeadFinder {
    pub(super) limits: Limits,
    /// Whether empty lines before the head are skipped.
    skips_empty_lines: bool,
    /// The length of the input in the last call.
    received: usize,
    /// How much was scanned. A CR at the end waits for its LF.
    scanned: usize,
    /// The start of the line at `scanned`.
    line: usize,
    /// The start of the head, after everything that was skipped.
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
    /// Creates a finder for requests. A server ignores empty lines before a request, because some
    /// clients write one after a body ([RFC 9112,
    /// 2.2](https://www.rfc-editor.org/rfc/rfc9112#section-2.2)).
    pub(super) const fn of_request() -> Self {
        Self { skips_empty_lines: true, ..Self::of_response(Limits::new()) }
    }

    pub(super) const fn of_response(limits: Limits) -> Self {
        Self { limits, skips_empty_lines: false, received: 0, scanned: 0, line: 0, start: 0 }
    }

    /// Returns the head, once it has ended.
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

    /// Skips everything up to `end`, to look for the next head.
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

/// Returns the first line of a head, including its line end.
pub(super) fn first_line(head: &[u8]) -> &[u8] {
    memchr(b'\n', head).map_or(head, |end| &head[..=end])
}

/// Checks the headers of a complete head, one line at a time, so that their number takes no memory.
pub(super) fn check_lines(head: &[u8], max_headers: usize) -> Result<(), HeadFault> {
    let mut offset = first_line(head).len();
    let lines = head[offset..].split_inclusive(|&byte| byte == b'\n');
    for (count, line) in lines.take_while(|line| *line != b"\r\n").enumerate() {
        if count == max_headers {
            return Err(HeadFault::TooManyHeaders { limit: max_headers });
        }
        // A line alone is a partial head, in which one header is found.
        if httparse::parse_headers(line, &mut [httparse::EMPTY_HEADER]).is_err() {
            return Err(HeadFault::Malformed { offset });
        }
        offset += line.len();
    }
    Ok(())
}
