//! [`PreparedFrame`], a frame that is encoded once and sent to many receivers.

use crate::ws::deflate::{Forms, MessageDeflater};
use crate::ws::frame::{CloseCode, Encoded, Frame, Shape};

impl<P: AsRef<[u8]>> Frame<P> {
    /// Encodes the frame once for all receivers that a server sends it to.
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
            code: self.code,
            encoded: self.to_encoded(),
            compress: self.compress,
            forms: Forms::default(),
        }
    }
}

/// A frame that was encoded once, so that a server can send it to many receivers. Where compression
/// was agreed on, the frame is compressed once for each window size and level, when the first
/// connection needs it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PreparedFrame {
    pub(in crate::ws) shape: Shape,
    code: Option<CloseCode>,
    pub(super) encoded: Encoded,
    /// Whether to compress it, if the caller has decided.
    compress: Option<bool>,
    forms: Forms,
}

impl PreparedFrame {
    /// Returns the encoded length without compression, including the header.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        self.encoded.bytes.len()
    }

    /// Returns the frame that was encoded.
    pub(in crate::ws) fn frame(&self) -> Frame<&[u8]> {
        let frame = Frame::shaped(self.shape, self.encoded.payload());
        Frame { code: self.code, compress: self.compress, ..frame }
    }

    /// Returns the frame as this deflater compresses it, if that makes it shorter.
    pub(super) fn compressed(&self, deflater: &mut MessageDeflater) -> Option<Encoded> {
        let Shape { continuing, fin, .. } = self.shape;
        if continuing || !fin {
            return None;
        }
        deflater.prepared(self.frame(), &self.forms)
    }
}
