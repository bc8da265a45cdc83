//! [`DataWriter`], which writes data piece by piece, for example JSON from a serialiser.

use super::event_builder::{DATA, DATA_LINE, EventBuilder, put_lines};
use crate::BufferTooSmall;
use crate::sink::Sink;
use core::fmt;

impl EventBuilder<'_> {
    /// Begins the event in `output`: a slice (`&mut buffer[..]`) or, with feature `alloc`, a
    /// `&mut Vec<u8>` or `&mut BytesMut`, to which it is appended. Data that was set before comes
    /// first, directly followed by what you write. The event has data even if nothing is written.
    ///
    /// Write to it with `write!` and, with feature `std`, with anything that takes a
    /// `std::io::Write`. Then [`finish`](DataWriter::finish) it.
    ///
    /// ```
    /// use eventwire::sse::EventBuilder;
    /// use std::fmt::Write;
    ///
    /// let mut output = [0; 32];
    /// let mut data = EventBuilder::new().write_data(&mut output[..]);
    /// write!(data, "{{\"answer\": {}}}", 42)?;
    /// let len = data.finish()?;
    /// assert_eq!(&output[..len], b"data: {\"answer\": 42}\n\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    #[cfg_attr(feature = "std", doc = "```")]
    #[cfg_attr(not(feature = "std"), doc = "```ignore")]
    /// use eventwire::sse::EventBuilder;
    ///
    /// let mut output = Vec::new();
    /// let mut data = EventBuilder::new().write_data(&mut output);
    /// serde_json::to_writer(&mut data, &[1, 2, 3])?;
    /// data.finish()?;
    /// assert_eq!(output, b"data: [1,2,3]\n\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write_data<O: Output>(&self, output: O) -> DataWriter<O> {
        let mut writer = DataWriter { output, written: 0, fits: true, after_cr: false };
        let Ok(()) = self.write_fields(&mut writer);
        let Ok(()) = writer.put(DATA);
        writer.put_data(self.get_data().unwrap_or_default().as_bytes());
        writer
    }
}

/// Writes an event's data in pieces, splitting it into `data` lines on the way. Created by
/// [`EventBuilder::write_data`].
///
/// A CRLF that is split between two pieces is one line end. Bytes written through `std::io::Write`
/// should be UTF-8, because readers replace bytes that are not.
///
/// Writing never fails. Bytes that do not fit the output are counted, and [`finish`](Self::finish)
/// reports them. A writer that is dropped without `finish` removes its bytes from a growing output,
/// so that half an event cannot be sent. In a slice, nothing counts until `finish` has returned the
/// length.
#[derive(Debug)]
#[must_use = "the event is sent only if it is finished"]
pub struct DataWriter<O: Output> {
    output: O,
    /// The number of bytes appended to `output`, or that would have been appended with more room.
    written: usize,
    fits: bool,
    after_cr: bool,
}

impl<O: Output> DataWriter<O> {
    /// Ends the event, and returns its length in bytes.
    ///
    /// # Errors
    /// If the output was too small. Its contents are then incomplete: do not send them.
    pub fn finish(mut self) -> Result<usize, BufferTooSmall> {
        let Ok(()) = self.put(b"\n\n");
        let needed = core::mem::take(&mut self.written);
        if self.fits { Ok(needed) } else { Err(BufferTooSmall { needed }) }
    }

    fn put_data(&mut self, piece: &[u8]) {
        let mut after_cr = self.after_cr;
        let Ok(()) = put_lines(self, DATA_LINE, piece, &mut after_cr);
        self.after_cr = after_cr;
    }
}

impl<O: Output> Drop for DataWriter<O> {
    fn drop(&mut self) {
        self.output.take_back(self.written);
    }
}

impl<O: Output> fmt::Write for DataWriter<O> {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.put_data(piece.as_bytes());
        Ok(())
    }
}

/// Implemented for `&mut DataWriter` only: a function that takes a writer by value would drop it
/// before `finish`.
#[cfg(feature = "std")]
impl<O: Output> std::io::Write for &mut DataWriter<O> {
    fn write(&mut self, piece: &[u8]) -> std::io::Result<usize> {
        self.put_data(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Past the end of the output the writer only counts.
impl<O: Output> Sink for DataWriter<O> {
    type Error = core::convert::Infallible;

    fn put(&mut self, bytes: &[u8]) -> Result<(), Self::Error> {
        self.written += bytes.len();
        self.fits = self.fits && self.output.append(bytes);
        Ok(())
    }
}

/// An output of a [`DataWriter`]: `&mut [u8]`, written from its start, or, with feature `alloc`,
/// `&mut Vec<u8>` and `&mut BytesMut`, appended to.
pub trait Output: sealed::Output {}

mod sealed {
    pub trait Output {
        /// Appends all of `bytes`, or returns `false` if there is no room.
        fn append(&mut self, bytes: &[u8]) -> bool;
        /// Removes the last `len` bytes.
        fn take_back(&mut self, len: usize);
    }
}

impl Output for &mut [u8] {}
impl sealed::Output for &mut [u8] {
    fn append(&mut self, bytes: &[u8]) -> bool {
        let Some((front, rest)) = core::mem::take(self).split_at_mut_checked(bytes.len()) else {
            return false;
        };
        front.copy_from_slice(bytes);
        *self = rest;
        true
    }

    /// Does nothing: only `finish` tells how much of the slice counts.
    fn take_back(&mut self, _: usize) {}
}

#[cfg(feature = "alloc")]
impl Output for &mut alloc::vec::Vec<u8> {}
#[cfg(feature = "alloc")]
impl sealed::Output for &mut alloc::vec::Vec<u8> {
    fn append(&mut self, bytes: &[u8]) -> bool {
        self.extend_from_slice(bytes);
        true
    }

    fn take_back(&mut self, len: usize) {
        self.truncate(self.len() - len);
    }
}

#[cfg(feature = "alloc")]
impl Output for &mut bytes::BytesMut {}
#[cfg(feature = "alloc")]
impl sealed::Output for &mut bytes::BytesMut {
    fn append(&mut self, bytes: &[u8]) -> bool {
        self.extend_from_slice(bytes);
        true
    }

    fn take_back(&mut self, len: usize) {
        self.truncate(self.len() - len);
    }
}
