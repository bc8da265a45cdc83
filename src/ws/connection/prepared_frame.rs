//! A frame that is encoded once and sent to many receivers.

#[cfg(feature = "deflate")]
use crate::ws::deflate::{Forms, MessageDeflater};
use crate::ws::frame::{Frame, Shape};
use bytes::Bytes;

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
            bytes: self.to_bytes(),
            #[cfg(feature = "deflate")]
            compress: self.compress,
            #[cfg(feature = "deflate")]
            forms: Forms::default(),
        }
    }

    /// The frame of a server in memory of its own.
    pub(in crate::ws) fn to_bytes(&self) -> Bytes {
        let (header, _) = self.header(None);
        [&header, self.payload()].concat().into()
    }
}

/// A frame that was encoded once, to be sent to many by a server. Where compression was agreed on, it is
/// compressed once for each size of window and level, when the first connection needs it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PreparedFrame {
    pub(in crate::ws) shape: Shape,
    pub(in crate::ws) bytes: Bytes,
    /// Whether to compress it, if that was said.
    #[cfg(feature = "deflate")]
    pub(in crate::ws) compress: Option<bool>,
    #[cfg(feature = "deflate")]
    pub(in crate::ws) forms: Forms,
}

impl PreparedFrame {
    /// How many bytes it takes, the header included, where it is not compressed.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        self.bytes.len()
    }

    /// Its bytes as this deflater compresses them, if that makes them shorter.
    #[cfg(feature = "deflate")]
    pub(in crate::ws) fn compressed(&self, deflater: &mut MessageDeflater) -> Option<Bytes> {
        let Shape { opcode, continuing, fin, .. } = self.shape;
        if continuing || !fin {
            return None;
        }
        let payload = crate::ws::frame::payload(&self.bytes);
        let frame = Frame { compress: self.compress, ..Frame::new(opcode, payload) };
        deflater.prepared(frame, &self.forms)
    }
}
