//! A frame that is encoded once and sent to many receivers.

use crate::ws::deflate::{Forms, MessageDeflater};
use crate::ws::frame::{Encoded, Frame, Shape};

impl<P: AsRef<[u8]>> Frame<P> {
    /// The frame, encoded once for all receivers that a server sends it to.
    ///
    /// ```
    /// use eventwire::ws::Frame;
    /// use eventwire::ws::connection::Writer;
    ///
    /// let news = Frame::text("to all").prepare();
    /// for writer in &mut [Writer::server(), Writer::server()] {
    ///     assert_eq!(writer.send_prepared(&news)?, b"\x81\x06to all"[..]);
    /// }
    /// # Ok::<(), eventwire::ws::SendError>(())
    /// ```
    pub fn prepare(&self) -> PreparedFrame {
        PreparedFrame {
            shape: self.shape,
            encoded: self.to_encoded(),
            compress: self.compress,
            forms: Forms::default(),
        }
    }
}

/// A frame that was encoded once, to be sent to many by a server. Where compression was agreed on, it is
/// compressed once for each size of window and level, when the first connection needs it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PreparedFrame {
    pub(in crate::ws) shape: Shape,
    pub(super) encoded: Encoded,
    /// Whether to compress it, if that was said.
    compress: Option<bool>,
    forms: Forms,
}

impl PreparedFrame {
    /// How many bytes it takes, the header included, where it is not compressed.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        self.encoded.bytes.len()
    }

    /// The frame as this deflater compresses it, if that makes it shorter.
    pub(super) fn compressed(&self, deflater: &mut MessageDeflater) -> Option<Encoded> {
        let Shape { opcode, continuing, fin, .. } = self.shape;
        if continuing || !fin {
            return None;
        }
        let whole = Frame::new(opcode, self.encoded.payload());
        let frame = Frame { compress: self.compress, ..whole };
        deflater.prepared(frame, &self.forms)
    }
}
