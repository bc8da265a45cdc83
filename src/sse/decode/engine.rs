//! The one machine that finds blocks in a growing buffer, for every type of buffer.
//!
//! It reads a slice and answers in ranges; what it has seen of an unfinished line or block it
//! keeps as positions, so that no byte is looked at twice while a block grows.

use super::block::RawBlock;
use super::decode_error::DecodeError;
use super::decoder_options::{DecoderOptions, OnLimit, Shown};
use super::field::FieldName;
use super::{BOM, field};
use crate::simd::{LineEnds, WithLineEnds, with_line_ends};
use core::ops::Range;
use core::time::Duration;
use memchr::{memchr, memchr2};

/// What the front of the buffer holds, `ascii` if all of that was seen to be so in this call. (What
/// was seen in an earlier one a caller may have altered since, against the rules.) The next call's
/// buffer begins behind `end` or `discard`.
pub(in crate::sse) enum Step {
    /// The engine's [`block`](Engine::block), through its blank line. Its data may need
    /// [joining](RawBlock::join).
    Block { end: usize, ascii: bool },
    /// A comment outside any block, or a line there that is no field either.
    Line { comment: bool, text: Range<usize>, end: usize, ascii: bool },
    /// The engine's [`block`](Engine::block) as far as it was complete before it passed a limit.
    Skipped { error: DecodeError, end: usize },
    /// Nothing more until the buffer grows.
    More { discard: usize },
}

#[derive(Clone, Debug)]
pub(in crate::sse) struct Engine {
    options: DecoderOptions,
    reconnection_time: Option<Duration>,
    phase: Phase,
    /// The last line ended with CR: an LF here is part of that end.
    skip_lf: bool,
    /// The stream offset of the buffer's first byte.
    offset: u64,
    /// Where the current line begins.
    line_start: usize,
    /// There is no line end in `line_start..scanned`. Out of reach once the stream has failed.
    scanned: usize,
    /// The block that the current line belongs to, or that the last step ended.
    pub(in crate::sse) block: RawBlock,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Before the byte order mark, if there is one.
    Start,
    Lines,
    /// In a line that says nothing, whose first bytes are gone already.
    Passing,
    /// In a block beyond a limit; `in_line` if its current line has bytes that are gone already.
    Skipping {
        in_line: bool,
    },
    Failed(DecodeError),
}

impl Engine {
    pub(in crate::sse) const fn new(options: DecoderOptions) -> Self {
        Self {
            options,
            reconnection_time: None,
            phase: Phase::Start,
            skip_lf: false,
            offset: 0,
            line_start: 0,
            scanned: 0,
            block: RawBlock::new(),
        }
    }

    /// How long the buffer is if it holds nothing new, and the stream has not failed.
    #[inline]
    pub(in crate::sse) const fn looked_at(&self) -> usize {
        self.scanned
    }

    pub(in crate::sse) const fn options(&self) -> &DecoderOptions {
        &self.options
    }

    pub(in crate::sse) const fn reconnection_time(&self) -> Option<Duration> {
        self.reconnection_time
    }

    pub(in crate::sse) fn reset(&mut self) {
        let reconnection_time = self.reconnection_time;
        *self = Self { reconnection_time, ..Self::new(self.options) };
    }

    /// How many bytes of `more`, which follow on the bytes `held`, belong to the same block
    /// or comment: up to its end, or to where a limit decides.
    #[cfg(feature = "alloc")]
    pub(in crate::sse) fn same_block(&self, held: &[u8], more: &[u8]) -> usize {
        let line = self.line_start.saturating_add(self.options.max_line);
        let event = self.event_start().saturating_add(self.options.max_event);
        let decided = line.min(event).saturating_add(1 + BOM.len());
        let more = &more[..decided.saturating_sub(held.len()).clamp(1, more.len())];
        // Outside a block nothing is held but the current line.
        let end = if !self.block.open && is_no_field(held) {
            memchr2(b'\n', b'\r', more).map(|end| end + 1)
        } else {
            Place { in_line: self.line_start < held.len(), skip_lf: self.skip_lf }.find_blank(more)
        };
        end.unwrap_or(more.len())
    }

    pub(in crate::sse) fn step(&mut self, buf: &[u8]) -> Result<Step, DecodeError> {
        with_line_ends(self.scanned, ReadLines { engine: self, buf })
    }

    #[inline(always)]
    fn read_lines(&mut self, buf: &[u8], mut ends: impl LineEnds) -> Result<Step, DecodeError> {
        if !matches!(self.phase, Phase::Lines) || buf.len() < self.scanned {
            return self.resume(buf);
        }
        let looked_from = self.scanned;
        // Where all is shorter than the limits, lines need not be measured.
        let limited = buf.len() > self.options.max_line.min(self.options.max_event);
        while let Some(end) = ends.next(buf) {
            let start = self.line_start;
            if start < end {
                if limited && let Some(over) = self.over(buf, end, end + 1) {
                    return self.cut(buf, over);
                }
                self.next_line(end, buf[end]);
                let line = &buf[start..end];
                if line.starts_with(b"data: ") {
                    self.block.push_data(start + 6..end);
                    self.block.begin(start);
                } else if self.other_line(line, start) {
                    let ascii = looked_from <= start && ends.are_ascii_to(end);
                    return Ok(self.line(start, line, ascii));
                }
            } else if self.skip_lf && buf[end] == b'\n' {
                let block_end = end + usize::from(self.block.open);
                if limited && let Some(over) = self.over(buf, end, block_end) {
                    return self.cut(buf, over);
                }
                self.next_line(end, buf[end]);
            } else {
                self.next_line(end, buf[end]);
                if self.block.open {
                    let ascii = looked_from <= self.block.start && ends.are_ascii_to(end);
                    return Ok(Step::Block { end: self.restart(), ascii });
                }
            }
        }
        if limited && let Some(over) = self.over(buf, buf.len(), buf.len()) {
            return self.cut(buf, over);
        }
        // A line that had a field's name before says something.
        if looked_from <= self.line_start + FieldName::MAX_LEN
            && self.says_nothing(&buf[self.line_start..])
        {
            self.phase = Phase::Passing;
            self.line_start = buf.len();
        }
        Ok(self.more(buf.len()))
    }

    /// Goes on where lines are not simply read.
    #[cold]
    fn resume(&mut self, buf: &[u8]) -> Result<Step, DecodeError> {
        if let Phase::Failed(error) = self.phase {
            return Err(error);
        }
        if buf.len() < self.scanned {
            return Err(DecodeError::InputShrunk { expected: self.scanned, found: buf.len() });
        }
        let in_lines = match self.phase {
            Phase::Start => self.strip_bom(buf),
            Phase::Passing => self.pass_line(buf),
            Phase::Skipping { in_line } => self.skip_block(buf, in_line),
            Phase::Lines | Phase::Failed(_) => true,
        };
        if in_lines { self.step(buf) } else { Ok(self.more(buf.len())) }
    }

    /// Gives up the event that `step` has just ended, because its id cannot be kept.
    pub(in crate::sse) fn refuse_id(
        &mut self,
        capacity: usize,
    ) -> Result<DecodeError, DecodeError> {
        self.judge(DecodeError::IdTooLong { capacity, offset: self.offset - 1 })
    }

    /// Whether it is known if the stream starts with a byte order mark.
    fn strip_bom(&mut self, buf: &[u8]) -> bool {
        if buf.len() < BOM.len() && BOM.starts_with(buf) {
            return false;
        }
        self.phase = Phase::Lines;
        if buf.starts_with(BOM) {
            self.line_start = BOM.len();
            self.scanned = BOM.len();
        }
        true
    }

    /// Passes the rest of a line; whether its end came.
    fn pass_line(&mut self, buf: &[u8]) -> bool {
        let end = memchr2(b'\n', b'\r', &buf[self.line_start..]);
        match end {
            Some(len) => {
                self.phase = Phase::Lines;
                let end = self.line_start + len;
                self.next_line(end, buf[end]);
            }
            None => self.line_start = buf.len(),
        }
        self.scanned = self.line_start;
        end.is_some()
    }

    /// Passes the rest of a dropped block; whether its blank line came.
    fn skip_block(&mut self, buf: &[u8], in_line: bool) -> bool {
        let mut place = Place { in_line, skip_lf: self.skip_lf };
        let end = place.find_blank(&buf[self.line_start..]);
        self.skip_lf = place.skip_lf;
        self.line_start = end.map_or(buf.len(), |end| self.line_start + end);
        self.scanned = self.line_start;
        self.phase = match end {
            Some(_) => Phase::Lines,
            None => Phase::Skipping { in_line: place.in_line },
        };
        end.is_some()
    }

    /// Begins the line behind the end of line at `end`.
    fn next_line(&mut self, end: usize, terminator: u8) {
        self.skip_lf = terminator == b'\r';
        self.line_start = end + 1;
    }

    /// Takes a line; whether it is to be shown by itself.
    #[inline(always)]
    fn other_line(&mut self, line: &[u8], start: usize) -> bool {
        if line[0] == b':' {
            return self.options.show(Shown::COMMENTS) && !self.block.open;
        }
        self.field(line, start)
    }

    /// Takes a field; whether it is none that is known, and is to be shown.
    #[inline(never)]
    fn field(&mut self, line: &[u8], start: usize) -> bool {
        let Some((name, skip)) = field::split(line) else {
            return self.options.show(Shown::UNKNOWN_LINES) && !self.block.open;
        };
        let value = start + skip..start + line.len();
        match name {
            FieldName::Data => self.block.push_data(value),
            FieldName::Event => self.block.event_type = (!value.is_empty()).then_some(value),
            FieldName::Id if memchr(0, &line[skip..]).is_some() => return false,
            FieldName::Id => self.block.id = Some(value),
            FieldName::Retry => {
                let Some(time) = field::reconnection_time(&line[skip..]) else { return false };
                self.block.retry = Some(time);
                self.reconnection_time = Some(time);
            }
        }
        self.block.begin(start);
        false
    }

    /// Shows the line that has just ended, which is no field and stands outside a block.
    #[cold]
    #[inline(never)]
    fn line(&mut self, start: usize, line: &[u8], ascii: bool) -> Step {
        let comment = line[0] == b':';
        let skip = if line.starts_with(b": ") { 2 } else { usize::from(comment) };
        let text = start + skip..start + line.len();
        Step::Line { comment, text, end: self.restart(), ascii }
    }

    /// The stream has ended behind `buf`, all of which was looked at: as if the line and the block that
    /// it broke off in were whole, the event or the line that comes of it. There is none where it broke
    /// off inside a name. Of what is not to be given nothing counts. Then [`reset`](Self::reset).
    pub(in crate::sse) fn finish(&mut self, buf: &[u8], give: bool) -> Option<Step> {
        let reconnection_time = self.reconnection_time;
        let step = self.last_step(buf);
        if !give || step.is_none() {
            self.reconnection_time = reconnection_time;
            self.block.id = None;
        }
        step
    }

    /// [`finish`](Self::finish), before it is said what counts.
    fn last_step(&mut self, buf: &[u8]) -> Option<Step> {
        if self.phase != Phase::Lines || buf.len() != self.scanned {
            return None;
        }
        let start = core::mem::replace(&mut self.line_start, buf.len());
        if let line @ [_, ..] = &buf[start..] {
            if !self.block.open && is_no_field(line) {
                // It is here because it is to be shown.
                return Some(self.line(start, line, false));
            }
            memchr(b':', line)?;
            if line[0] != b':' {
                self.field(line, start);
            }
        }
        self.block.data.as_ref()?;
        Some(Step::Block { end: self.restart(), ascii: false })
    }

    /// Where the block begins, or would if the current line were its first.
    fn event_start(&self) -> usize {
        if self.block.open { self.block.start } else { self.line_start }
    }

    /// Whether a line that begins like this need not be kept: it stands outside a block, is no field,
    /// and is not to be shown.
    fn says_nothing(&self, line: &[u8]) -> bool {
        if self.block.open {
            return false;
        }
        match line.first() {
            Some(b':') => !self.options.show(Shown::COMMENTS),
            _ => !self.options.show(Shown::UNKNOWN_LINES) && field::is_unknown(line),
        }
    }

    /// The limit that the line up to `line_end` or the block up to `block_end` passed first.
    #[inline]
    fn over(&self, buf: &[u8], line_end: usize, block_end: usize) -> Option<(usize, DecodeError)> {
        let DecoderOptions { max_line, max_event, .. } = self.options;
        let long_line = line_end - self.line_start > max_line;
        let long_event = block_end - self.event_start() > max_event;
        if !long_line && !long_event {
            return None;
        }
        let line = if long_line { self.line_start + max_line } else { usize::MAX };
        let event = if long_event { self.event_start() + max_event } else { usize::MAX };
        let at = line.min(event);
        // Judged by what was known at that byte, as if no more had come.
        if self.says_nothing(&buf[self.line_start..line_end.min(at + 1)]) {
            return None;
        }
        let offset = self.offset + at as u64;
        Some(if line <= event {
            (at, DecodeError::LineTooLong { limit: max_line, offset })
        } else {
            (at, DecodeError::EventTooLong { limit: max_event, offset })
        })
    }

    /// Drops the block at the byte that went past a limit, or the stream. A line outside a block that
    /// is no field takes nothing with it.
    #[cold]
    fn cut(&mut self, buf: &[u8], (at, error): (usize, DecodeError)) -> Result<Step, DecodeError> {
        let error = self.judge(error)?;
        let in_line = !matches!(buf[at], b'\n' | b'\r');
        let begun = &buf[self.line_start..at + usize::from(in_line)];
        let alone = !self.block.open && is_no_field(begun);
        self.phase = if alone { Phase::Passing } else { Phase::Skipping { in_line: true } };
        self.line_start = at;
        Ok(Step::Skipped { error, end: self.restart() })
    }

    /// What a limit means: something to report, or the end.
    fn judge(&mut self, error: DecodeError) -> Result<DecodeError, DecodeError> {
        if self.options.on_limit == OnLimit::Skip {
            return Ok(error);
        }
        self.phase = Phase::Failed(error);
        self.scanned = usize::MAX;
        Err(error)
    }

    /// Moves the buffer's front to the current line, and returns how far that is.
    fn restart(&mut self) -> usize {
        let end = core::mem::take(&mut self.line_start);
        self.scanned = 0;
        self.offset += end as u64;
        end
    }

    /// Everything was looked at; what no block or line needs may go.
    fn more(&mut self, len: usize) -> Step {
        let discard = self.event_start();
        self.line_start -= discard;
        self.scanned = len - discard;
        self.block.move_front(discard);
        self.offset += discard as u64;
        Step::More { discard }
    }
}

/// Whether a line that begins like this is a comment, or has a name that nobody knows.
fn is_no_field(begun: &[u8]) -> bool {
    begun.starts_with(b":") || field::is_unknown(begun)
}

/// [`Engine::read_lines`].
struct ReadLines<'a> {
    engine: &'a mut Engine,
    buf: &'a [u8],
}

impl WithLineEnds for ReadLines<'_> {
    type Output = Result<Step, DecodeError>;

    #[inline(always)]
    fn run<L: LineEnds>(self, ends: L) -> Self::Output {
        self.engine.read_lines(self.buf, ends)
    }
}

/// Where in a line a piece of the stream begins.
struct Place {
    /// The line has bytes in front of it.
    in_line: bool,
    /// An LF in front of it would belong to the line before.
    skip_lf: bool,
}

impl Place {
    /// Looks for the next blank line and moves behind it, or behind all of `piece`.
    fn find_blank(&mut self, piece: &[u8]) -> Option<usize> {
        with_line_ends(0, FindBlank { place: self, piece })
    }
}

/// [`Place::find_blank`].
struct FindBlank<'a> {
    place: &'a mut Place,
    piece: &'a [u8],
}

impl WithLineEnds for FindBlank<'_> {
    type Output = Option<usize>;

    #[inline(always)]
    fn run<L: LineEnds>(self, mut ends: L) -> Option<usize> {
        let Self { place, piece } = self;
        let mut line_start = 0;
        while let Some(end) = ends.next(piece) {
            let empty = !place.in_line && line_start == end;
            let second_half = empty && place.skip_lf && piece[end] == b'\n';
            *place = Place { in_line: false, skip_lf: piece[end] == b'\r' };
            line_start = end + 1;
            if empty && !second_half {
                return Some(line_start);
            }
        }
        if line_start < piece.len() {
            *place = Place { in_line: true, skip_lf: false };
        }
        None
    }
}
