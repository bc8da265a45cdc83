//! A block as ranges of the buffer, and the joining of its data in place.

use super::field;
use super::field::FieldName;
use crate::simd::{LineEnds, WithLineEnds, with_line_ends};
use core::ops::Range;
use core::time::Duration;

/// The fields of one block, as ranges of the buffer.
#[derive(Clone, Debug)]
pub(super) struct RawBlock {
    /// Whether a field was seen. Until then the block has no bytes to keep.
    open: bool,
    /// The start of the first field's line.
    start: usize,
    event_type: Option<Range<usize>>,
    id: Option<Range<usize>>,
    retry: Option<Duration>,
    /// The first `data` value or, once joined, all of them.
    data: Option<Range<usize>>,
    /// The end of the last `data` value, if there is more than one.
    data_end: Option<usize>,
}

impl RawBlock {
    pub(super) const fn new() -> Self {
        Self {
            open: false,
            start: 0,
            event_type: None,
            id: None,
            retry: None,
            data: None,
            data_end: None,
        }
    }

    /// Forgets all fields but `retry`, which it returns.
    #[inline]
    pub(super) fn end(&mut self) -> Option<Duration> {
        self.open = false;
        self.event_type = None;
        self.id = None;
        self.data = None;
        self.data_end = None;
        self.retry.take()
    }

    #[inline]
    pub(super) fn take_event_type(&mut self) -> Option<Range<usize>> {
        self.event_type.take()
    }

    /// The place of the data, once [joined](Self::join).
    #[inline]
    pub(super) fn take_data(&mut self) -> Option<Range<usize>> {
        self.data.take()
    }

    #[inline]
    pub(super) fn take_id(&mut self) -> Option<Range<usize>> {
        self.id.take()
    }

    /// Whether a field was seen.
    #[inline]
    pub(super) const fn is_open(&self) -> bool {
        self.open
    }

    /// Where the line of the first field begins.
    #[inline]
    pub(super) const fn start(&self) -> usize {
        self.start
    }

    #[inline]
    pub(super) const fn has_data(&self) -> bool {
        self.data.is_some()
    }

    pub(super) fn set_event_type(&mut self, value: Range<usize>) {
        self.event_type = (!value.is_empty()).then_some(value);
    }

    pub(super) const fn set_id(&mut self, value: Range<usize>) {
        self.id = Some(value);
    }

    pub(super) const fn clear_id(&mut self) {
        self.id = None;
    }

    pub(super) const fn set_retry(&mut self, time: Duration) {
        self.retry = Some(time);
    }

    /// Notes that a field was seen in the line that begins here.
    #[inline]
    pub(super) fn begin(&mut self, line_start: usize) {
        if !self.open {
            self.open = true;
            self.start = line_start;
        }
    }

    #[inline]
    pub(super) fn push_data(&mut self, value: Range<usize>) {
        if self.data.is_none() {
            self.data = Some(value);
        } else {
            self.data_end = Some(value.end);
        }
    }

    /// Returns whether the data is in more than one piece.
    #[inline]
    pub(super) const fn is_scattered(&self) -> bool {
        self.data_end.is_some()
    }

    /// Adjusts the ranges after the buffer's first `n` bytes were removed.
    pub(super) fn move_front(&mut self, n: usize) {
        if n == 0 || !self.open {
            return;
        }
        self.start -= n;
        for range in [&mut self.event_type, &mut self.id, &mut self.data].into_iter().flatten() {
            *range = range.start - n..range.end - n;
        }
        if let Some(end) = &mut self.data_end {
            *end -= n;
        }
    }

    /// Joins the data into one piece.
    #[inline]
    pub(super) fn join(&mut self, buf: &mut [u8]) {
        if self.is_scattered() {
            self.join_values(buf);
        }
    }

    /// Moves the `data` values next to each other, separated by LF, in time linear in the block.
    ///
    /// Every value except the first has `data:` and a line end before it, so there is always room:
    ///
    /// ```text
    /// data: ab⏎event: x⏎data: cd⏎⏎      x is in the way: park it ahead of the data,
    /// data: xab⏎event: ⏎data: cd⏎⏎      then pull each value up to the one before.
    /// data: xab⏎cd
    /// ```
    fn join_values(&mut self, buf: &mut [u8]) {
        let (Some(data), Some(mut data_end)) = (&mut self.data, self.data_end.take()) else {
            return;
        };
        let mut parked = [&mut self.event_type, &mut self.id];
        for i in 0..parked.len() {
            let Some(value) = parked[i].clone().filter(|value| value.start > data.start) else {
                continue;
            };
            let at = data.start;
            buf[at..value.end].rotate_right(value.len());
            // Everything in between has moved to after the parked value.
            for other in parked.iter_mut().filter_map(|other| other.as_mut()).chain([&mut *data]) {
                if (at..value.start).contains(&other.start) {
                    *other = other.start + value.len()..other.end + value.len();
                }
            }
            *parked[i] = Some(at..at + value.len());
            if data_end < value.start {
                data_end += value.len();
            }
        }
        with_line_ends(data.end, PullUp { buf, data, data_end });
    }
}

/// Moves the `data` lines after `data` up to it.
struct PullUp<'a> {
    buf: &'a mut [u8],
    data: &'a mut Range<usize>,
    data_end: usize,
}

impl WithLineEnds for PullUp<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: LineEnds>(self, mut ends: L) {
        let Self { buf, data, data_end } = self;
        let Some(mut end) = ends.next(buf) else { return };
        while end < data_end {
            // The "line" between a CR and its LF is empty, so it is no `data` line.
            let line = end + 1;
            end = ends.next(buf).filter(|&end| end < data_end).unwrap_or(data_end);
            if let Some((FieldName::Data, skip)) = field::split(&buf[line..end]) {
                buf[data.end] = b'\n';
                buf.copy_within(line + skip..end, data.end + 1);
                data.end += 1 + end - line - skip;
            }
        }
    }
}
