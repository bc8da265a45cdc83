//! Encoded frames, and the lengths of their parts.

use super::frame::Frame;
use super::mask::MaskKey;
use crate::{BufferTooSmall, simd};
use bytes::{BufMut, Bytes};

/// The lengths of the parts of an encoded frame. The code of a close frame counts as header.
#[derive(Clone, Copy, Debug)]
pub(in crate::ws) struct FrameLen {
    pub(in crate::ws) header: usize,
    pub(in crate::ws) payload: usize,
}

/// The frame of a server, encoded in memory of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::ws) struct Encoded {
    pub(in crate::ws) bytes: Bytes,
    header_len: usize,
}

impl Encoded {
    pub(in crate::ws) const fn len(&self) -> FrameLen {
        FrameLen { header: self.header_len, payload: self.bytes.len() - self.header_len }
    }

    pub(in crate::ws) fn payload(&self) -> &[u8] {
        &self.bytes[self.header_len..]
    }
}

impl<P: AsRef<[u8]>> Frame<P> {
    /// The same, its payload copied.
    pub(in crate::ws) fn to_owned(&self) -> Frame<Bytes> {
        self.with(Bytes::copy_from_slice(self.payload()))
    }

    pub(in crate::ws) fn to_encoded(&self) -> Encoded {
        let (header, _) = self.header(None);
        Encoded { bytes: [&header, self.payload()].concat().into(), header_len: header.len() }
    }

    /// Encodes like [`encode_to`](Self::encode_to). Returns the length of the payload.
    #[inline]
    pub(in crate::ws) fn append_to<B: BufMut>(
        &self,
        mask: Option<MaskKey>,
        buffer: &mut B,
    ) -> Result<usize, BufferTooSmall> {
        let (header, mask) = self.header(mask);
        let payload = self.payload();
        let needed = header.len() + payload.len();
        if buffer.remaining_mut() < needed {
            return Err(BufferTooSmall { needed });
        }
        header.put(buffer);
        match mask {
            Some(MaskKey(key)) => simd::put_masked(buffer, payload, key),
            None => buffer.put_slice(payload),
        }
        Ok(payload.len())
    }
}
