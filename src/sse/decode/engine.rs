//! The one engine that finds blocks in a growing buffer, used for every type of buffer.
//!
//! The engine reads a slice and returns ranges of it. It remembers an unfinished line or block as
//! positions, so that it looks at no byte twice while a block grows.
//!
//! # Advice for changing it
//!
//! * All positions (`line_start`, `scanned`, the ranges in `block`) count from the front of the
//!   buffer, and `event_start() <= line_start <= scanned` holds after each [`Step::More`]. Only
//!   `restart` and `more` may move the front, because they move everything else with it.
//! * `scanned` does two jobs. It is where the search for line ends goes on, and it is the buffer
//!   length at which callers need not call at all ([`Engine::has_seen`]).
//! * The loop in `read_lines` runs in [`Phase::Lines`] only. Everything rare belongs in `resume`,
//!   which is not inlined. If you add a phase, look also at `last_step` and `same_block`.
//! * A verdict about a limit must not depend on the chunks. So `over` judges a line by the bytes up
//!   to the deciding one, even if the rest of the line has arrived. `limited` only spares the
//!   measurement where no limit can have been passed.
//! * The `ascii` of a step may only cover bytes that were checked in the same call.
//! * A CR ends its line at once. The LF that may follow is skipped when it arrives (`skip_lf`), but
//!   counts towards the size of an open block.
//! * If you add a field, see to [`RawBlock`]'s `clear`, `move_front` and `join_values` as well as
//!   [`field`], where names are told apart by their first bytes.

use super::block::RawBlock;
use super::decode_error::DecodeError;
use super::decoder_options::{DecoderOptions, OnLimit, Shown};
use super::field::FieldName;
use super::{BOM, field};
use crate::simd::{LineEnds, WithLineEnds, with_line_ends};
use core::ops::Range;
use core::time::Duration;
use memchr::{memchr, memchr2};

/// The front of the buffer, as found by one step.
///
/// `ascii` is set only if this very call checked all of it: a caller that breaks the contract may
/// have changed bytes that an earlier call checked. The buffer of the next call begins after `end`
/// or `discard`.
pub(super) enum Step {
    /// The engine's [`block`](Engine::block), up to and including its blank line. Its data may
    /// still need [joining](RawBlock::join). Take its fields before it is
    /// [ended](Engine::end_block).
    Block { end: usize, ascii: bool },
    /// A comment outside any block, or an unknown line outside any block.
    Line { comment: bool, text: Range<usize>, end: usize, ascii: bool },
    /// The complete lines of the engine's [`block`](Engine::block) before it passed a limit.
    Skipped { error: DecodeError, end: usize },
    /// Nothing more until the buffer grows.
    More { discard: usize },
}

#[derive(Clone, Debug)]
pub(super) struct Engine {
    options: DecoderOptions,
    reconnection_time: Option<Duration>,
    phase: Phase,
    /// The last line ended with CR, so an LF here belongs to that line end.
    skip_lf: bool,
    /// The stream offset of the buffer's first byte.
    offset: u64,
    /// The start of the current line.
    line_start: usize,
    /// There is no line end in `line_start..scanned`.
    scanned: usize,
    /// The block that the current line belongs to, or that the last step ended.
    block: RawBlock,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Before the byte order mark, if there is one.
    Start,
    Lines,
    /// In a line to be ignored, whose first bytes are already gone.
    Passing,
    /// In a block that passed a limit. `in_line` is set if the first bytes of its current line are
    /// already gone.
    Skipping {
        in_line: bool,
    },
    Failed(DecodeError),
}

impl Engine {
    pub(super) const fn new(options: DecoderOptions) -> Self {
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

    /// Returns whether a buffer of this length holds nothing new, and the stream has not failed.
    #[inline]
    pub(super) const fn has_seen(&self, len: usize) -> bool {
        len == self.scanned && !self.has_failed()
    }

    /// Returns whether a buffer of this length holds anything new, and the stream has not failed.
    #[inline]
    pub(super) const fn has_news(&self, len: usize) -> bool {
        len > self.scanned && !self.has_failed()
    }

    const fn has_failed(&self) -> bool {
        matches!(self.phase, Phase::Failed(_))
    }

    /// Returns the block that the last step ended.
    #[inline]
    pub(super) const fn block(&mut self) -> &mut RawBlock {
        &mut self.block
    }

    /// Ends the block. Returns its `retry`.
    #[inline]
    pub(super) fn end_block(&mut self) -> Option<Duration> {
        self.block.end()
    }

    pub(super) const fn options(&self) -> &DecoderOptions {
        &self.options
    }

    pub(super) const fn reconnection_time(&self) -> Option<Duration> {
        self.reconnection_time
    }

    pub(super) fn reset(&mut self) {
        let reconnection_time = self.reconnection_time;
        *self = Self { reconnection_time, ..Self::new(self.options) };
    }

    /// Returns how many bytes of `more` belong to the same block or comment as the bytes `held`
    /// before them: up to its end, or up to the byte that decides about a limit.
    #[cfg(feature = "alloc")]
    pub(super) fn same_block(&self, held: &[u8], more: &[u8]) -> usize {
        let line = self.line_start.saturating_add(self.options.max_line);
        let event = self.event_start().saturating_add(self.options.max_event);
        let decided = line.min(event).saturating_add(1 + BOM.len());
        let more = &more[..decided.saturating_sub(held.len()).clamp(1, more.len())];
        // Outside a block, only the current line is held.
        let end = if !self.block.is_open() && is_no_field(held) {
            memchr2(b'\n', b'\r', more).map(|end| end + 1)
        } else {
            Place { in_line: self.line_start < held.len(), skip_lf: self.skip_lf }.find_blank(more)
        };
        end.unwrap_or(more.len())
    }

    pub(super) fn step(&mut self, buf: &[u8]) -> Result<Step, DecodeError> {
        with_line_ends(self.scanned, ReadLines { engine: self, buf })
    }

    #[inline(always)]
    fn read_lines(&mut self, buf: &[u8], mut ends: impl LineEnds) -> Result<Step, DecodeError> {
        if !matches!(self.phase, Phase::Lines) || buf.len() < self.scanned {
            return self.resume(buf);
        }
        let looked_from = self.scanned;
        // A buffer shorter than both limits needs no measuring of its lines.
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
                let block_end = end + usize::from(self.block.is_open());
                if limited && let Some(over) = self.over(buf, end, block_end) {
                    return self.cut(buf, over);
                }
                self.next_line(end, buf[end]);
            } else {
                self.next_line(end, buf[end]);
                if self.block.is_open() {
                    let ascii = looked_from <= self.block.start() && ends.are_ascii_to(end);
                    return Ok(Step::Block { end: self.restart(), ascii });
                }
            }
        }
        if limited && let Some(over) = self.over(buf, buf.len(), buf.len()) {
            return self.cut(buf, over);
        }
        // If an earlier call saw more of the line than a field name, it has judged the line.
        if looked_from <= self.line_start + FieldName::MAX_LEN
            && self.says_nothing(&buf[self.line_start..])
        {
            self.phase = Phase::Passing;
            self.line_start = buf.len();
        }
        Ok(self.more(buf.len()))
    }

    /// Continues in the rare phases, where lines are not simply read.
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

    /// Drops the event that `step` has just ended, because its ID does not fit the storage.
    pub(super) fn refuse_id(&mut self, capacity: usize) -> Result<DecodeError, DecodeError> {
        self.judge(DecodeError::IdTooLong { capacity, offset: self.offset - 1 })
    }

    /// Skips a byte order mark. Returns whether enough has arrived to tell if there is one.
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

    /// Passes the rest of an ignored line. Returns whether its end has arrived.
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

    /// Passes the rest of a dropped block. Returns whether its blank line has arrived.
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

    /// Begins the line after the line end at `end`.
    fn next_line(&mut self, end: usize, terminator: u8) {
        self.skip_lf = terminator == b'\r';
        self.line_start = end + 1;
    }

    /// Takes a line. Returns whether it is shown as an item of its own.
    #[inline(always)]
    fn other_line(&mut self, line: &[u8], start: usize) -> bool {
        if line[0] == b':' {
            return self.options.show(Shown::COMMENTS) && !self.block.is_open();
        }
        self.field(line, start)
    }

    /// Takes a field. Returns whether the line is an unknown one that is shown.
    #[inline(never)]
    fn field(&mut self, line: &[u8], start: usize) -> bool {
        let Some((name, skip)) = field::split(line) else {
            return self.options.show(Shown::UNKNOWN_LINES) && !self.block.is_open();
        };
        let value = start + skip..start + line.len();
        match name {
            FieldName::Data => self.block.push_data(value),
            FieldName::Event => self.block.set_event_type(value),
            FieldName::Id if memchr(0, &line[skip..]).is_some() => return false,
            FieldName::Id => self.block.set_id(value),
            FieldName::Retry => {
                let Some(time) = field::reconnection_time(&line[skip..]) else { return false };
                self.block.set_retry(time);
                self.reconnection_time = Some(time);
            }
        }
        self.block.begin(start);
        false
    }

    /// Returns the line that has just ended, a comment or an unknown line outside a block.
    #[cold]
    #[inline(never)]
    fn line(&mut self, start: usize, line: &[u8], ascii: bool) -> Step {
        let comment = line[0] == b':';
        let skip = if line.starts_with(b": ") { 2 } else { usize::from(comment) };
        let text = start + skip..start + line.len();
        Step::Line { comment, text, end: self.restart(), ascii }
    }

    /// Returns the last step of a stream that ended after `buf`. All of `buf` was looked at.
    ///
    /// The line and the block that the end cut off are taken as if they were whole. There is no
    /// step if the end cut off a field's name. Unless `give` is set and there is a step, nothing of
    /// the cut-off block counts. Call [`reset`](Self::reset) afterwards.
    pub(super) fn finish(&mut self, buf: &[u8], give: bool) -> Option<Step> {
        let reconnection_time = self.reconnection_time;
        let step = self.last_step(buf);
        if !give || step.is_none() {
            self.reconnection_time = reconnection_time;
            self.block.clear_id();
        }
        step
    }

    /// The step of [`finish`](Self::finish), without deciding whether it counts.
    fn last_step(&mut self, buf: &[u8]) -> Option<Step> {
        if self.phase != Phase::Lines || buf.len() != self.scanned {
            return None;
        }
        let start = core::mem::replace(&mut self.line_start, buf.len());
        if let line @ [_, ..] = &buf[start..] {
            if !self.block.is_open() && is_no_field(line) {
                // An ignored line would already be gone, so this one is shown.
                return Some(self.line(start, line, false));
            }
            memchr(b':', line)?;
            if line[0] != b':' {
                self.field(line, start);
            }
        }
        if !self.block.has_data() {
            return None;
        }
        Some(Step::Block { end: self.restart(), ascii: false })
    }

    /// Returns where the block begins, or would begin if the current line were its first.
    fn event_start(&self) -> usize {
        if self.block.is_open() { self.block.start() } else { self.line_start }
    }

    /// Returns whether a line that starts with these bytes need not be kept: it is outside a block,
    /// is no field, and is not shown.
    fn says_nothing(&self, line: &[u8]) -> bool {
        if self.block.is_open() {
            return false;
        }
        match line.first() {
            Some(b':') => !self.options.show(Shown::COMMENTS),
            _ => !self.options.show(Shown::UNKNOWN_LINES) && field::is_unknown(line),
        }
    }

    /// Returns the limit that the line up to `line_end` or the block up to `block_end` passed
    /// first.
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
        // Judged by the bytes up to the deciding one, as if no more had arrived.
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

    /// Drops the block at the byte that passed a limit, or ends the stream. A comment or an unknown
    /// line outside a block is dropped alone.
    #[cold]
    fn cut(&mut self, buf: &[u8], (at, error): (usize, DecodeError)) -> Result<Step, DecodeError> {
        let error = self.judge(error)?;
        let in_line = !matches!(buf[at], b'\n' | b'\r');
        let begun = &buf[self.line_start..at + usize::from(in_line)];
        let alone = !self.block.is_open() && is_no_field(begun);
        self.phase = if alone { Phase::Passing } else { Phase::Skipping { in_line: true } };
        self.line_start = at;
        Ok(Step::Skipped { error, end: self.restart() })
    }

    /// Applies the limit policy: the error is either reported, or ends the stream.
    fn judge(&mut self, error: DecodeError) -> Result<DecodeError, DecodeError> {
        if self.options.on_limit == OnLimit::Skip {
            return Ok(error);
        }
        self.phase = Phase::Failed(error);
        Err(error)
    }

    /// Moves the buffer's front to the current line. Returns how far it moved.
    fn restart(&mut self) -> usize {
        let end = core::mem::take(&mut self.line_start);
        self.scanned = 0;
        self.offset += end as u64;
        end
    }

    /// Returns the step after everything was looked at. Bytes that no block or line needs are
    /// discarded.
    fn more(&mut self, len: usize) -> Step {
        let discard = self.event_start();
        self.line_start -= discard;
        self.scanned = len - discard;
        self.block.move_front(discard);
        self.offset += discard as u64;
        Step::More { discard }
    }
}

/// Returns whether a line that starts with these bytes is a comment or has an unknown name.
fn is_no_field(begun: &[u8]) -> bool {
    begun.starts_with(b":") || field::is_unknown(begun)
}

/// Runs [`Engine::read_lines`].
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

/// The position within a line at which a piece of the stream begins.
struct Place {
    /// The line has bytes before the piece.
    in_line: bool,
    /// An LF at the start of the piece belongs to the line before.
    skip_lf: bool,
}

impl Place {
    /// Finds the next blank line and moves past it, or past all of `piece` if there is none.
    fn find_blank(&mut self, piece: &[u8]) -> Option<usize> {
        with_line_ends(0, FindBlank { place: self, piece })
    }
}

/// Runs [`Place::find_blank`].
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
