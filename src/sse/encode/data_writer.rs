//! Data written piece by piece, such as JSON from a serialiser.

use super::event_builder::{DATA, DATA_LINE, EventBuilder, put_lines};
use crate::BufferTooSmall;
use crate::sink::Sink;
use core::fmt;

impl EventBuilder<'_> {
    /// Begins the message in `output`: a slice (`&mut buffer[..]`) or, with feature `alloc`, a
    /// `&mut Vec<u8>` or `&mut BytesMut`, at whose end it goes. Data set before comes first, with
    /// nothing between; the event has data even if nothing is written.
    ///
    /// Write to it by `write!`, and with feature `std` by anything that takes a `std::io::Write`.
    /// Then [`finish`](DataWriter::finish) it.
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
    pub fn write_data<O: Output>(self, output: O) -> DataWriter<O> {
        let mut writer = DataWriter { output, written: 0, fits: true, after_cr: false };
        let Ok(()) = self.write_fields(&mut writer);
        let Ok(()) = writer.put(DATA);
        writer.put_data(self.set_data().as_bytes());
        writer
    }
}

/// Writes an event's data in pieces, splitting it into `data` lines as it comes. From
/// [`EventBuilder::write_data`].
///
/// A CRLF that is split between two pieces is one line end. Bytes that come by `std::io::Write`
/// should be UTF-8, as readers replace what is not.
///
/// Writing never fails: what does not fit the output is counted, for [`finish`](Self::finish) to
/// say. A writer that is dropped without `finish` takes back what it wrote to a growing output, so
/// that half an event cannot be sent; of a slice nothing counts before `finish` has said how much.
#[derive(Debug)]
#[must_use = "the event is sent only if it is finished"]
pub struct DataWriter<O: Output> {
    output: O,
    /// Bytes that were given to `output`, or would have been with more room.
    written: usize,
    fits: bool,
    after_cr: bool,
}

impl<O: Output> DataWriter<O> {
    /// Ends the event; returns its length in bytes.
    ///
    /// # Errors
    /// If the output was too small. What it then holds is not to be sent.
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

/// Of the reference only: who takes a writer by value would drop it unfinished.
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

/// Where a [`DataWriter`] writes: `&mut [u8]`, from its start, or with feature `alloc`
/// `&mut Vec<u8>` and `&mut BytesMut`, at their end.
pub trait Output: sealed::Output {}

mod sealed {
    pub trait Output {
        /// Appends all of `bytes`; `false` if there is no room.
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

    /// How much of the slice counts is for `finish` to say.
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
