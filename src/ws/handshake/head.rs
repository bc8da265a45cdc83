//! Where a head ends.

use core::ops::Range;
use memchr::memchr2;

/// How many bytes a head may have unless you say otherwise: 16 KiB.
pub const DEFAULT_MAX_HEAD: usize = 16 << 10;

/// How many headers a head may have.
pub const MAX_HEADERS: usize = 64;

/// Finds the end of a head in what was received so far, scanning each byte once.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeadFinder {
    pub(super) max_head: usize,
    /// How long the input was.
    received: usize,
    /// What was scanned. A CR at the end waits for its LF.
    scanned: usize,
    /// Where the line at `scanned` begins.
    line: usize,
    /// Where the head begins: behind those that were passed over.
    start: usize,
}

/// Why a head cannot end well.
#[derive(Clone, Copy, Debug)]
pub(super) enum HeadFault {
    TooLong { limit: usize },
    LineEnd { offset: usize },
    InputShrunk { expected: usize, found: usize },
}

impl HeadFinder {
    pub(super) const fn new() -> Self {
        Self { max_head: DEFAULT_MAX_HEAD, received: 0, scanned: 0, line: 0, start: 0 }
    }

    /// The head, once it has ended.
    pub(super) fn find(&mut self, input: &[u8]) -> Result<Option<Range<usize>>, HeadFault> {
        if input.len() < self.received {
            return Err(HeadFault::InputShrunk { expected: self.received, found: input.len() });
        }
        self.received = input.len();
        let head = &input[..input.len().min(self.max_head)];
        let next = |from| memchr2(b'\r', b'\n', head.get(from..)?).map(|found| from + found);
        while let Some(at) = next(self.scanned) {
            // At the start is an empty line where the first one should be.
            if head[at] == b'\n' || at == self.start {
                return Err(HeadFault::LineEnd { offset: at });
            }
            self.scanned = at;
            match head.get(at + 1) {
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

    /// Passes over a head that was found, to look for the next.
    pub(super) const fn pass(&mut self, head: &Range<usize>) {
        self.start = head.end;
        self.line = head.end;
        self.scanned = head.end;
    }

    const fn more(&self, len: usize) -> Result<Option<Range<usize>>, HeadFault> {
        if len < self.max_head {
            Ok(None)
        } else {
            Err(HeadFault::TooLong { limit: self.max_head })
        }
    }
}

/// Where the first line begins that cannot be parsed, in a head of which one cannot.
pub(super) fn malformed_line(head: &[u8], is_start_line: impl Fn(&[u8]) -> bool) -> usize {
    let mut offset = 0;
    for line in head.split_inclusive(|&byte| byte == b'\n') {
        let header = || httparse::parse_headers(line, &mut [httparse::EMPTY_HEADER]).is_ok();
        if !(if offset == 0 { is_start_line(line) } else { header() }) {
            return offset;
        }
        offset += line.len();
    }
    0
}
