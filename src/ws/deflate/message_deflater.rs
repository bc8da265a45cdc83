//! [`MessageDeflater`], which compresses the messages that a connection sends.

use super::zlib::Compressor;
use super::{BoxedDeflater, Deflate, DeflateParams, Forms, Scratch, WindowBits};
use crate::ws::frame::{Encoded, Frame, Role, Shape};
use alloc::boxed::Box;

/// Compresses the messages of one direction ([RFC 7692, section 7.2.1]).
///
/// [RFC 7692, section 7.2.1]: https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
#[derive(Debug)]
pub(in crate::ws) struct MessageDeflater {
    deflate: Deflate,
    bits: WindowBits,
    takeover: bool,
    /// Present during a message. With context takeover, it stays after the first message.
    compressor: Option<Compressor>,
    /// Whether the compressor has seen other bytes than the peer, and must forget them.
    stale: bool,
    /// Whether a compressed message has begun and not ended.
    in_message: bool,
}

impl MessageDeflater {
    pub(in crate::ws) fn boxed(
        deflate: &Deflate,
        params: DeflateParams,
        role: Role,
    ) -> BoxedDeflater {
        let (no_takeover, bits) = match role {
            Role::Server => (params.server_no_context_takeover, params.server_max_window_bits),
            Role::Client => (params.client_no_context_takeover, params.client_max_window_bits),
        };
        Box::new(Self {
            deflate: deflate.clone(),
            bits: bits.unwrap_or(WindowBits::MAX),
            takeover: !no_takeover,
            compressor: None,
            stale: false,
            in_message: false,
        })
    }

    /// Returns whether this frame should be compressed.
    #[inline]
    pub(in crate::ws) fn takes<P: AsRef<[u8]>>(&self, frame: &Frame<P>) -> bool {
        let Shape { opcode, continuing, fin, compressed } = frame.shape;
        if opcode.is_control() || compressed || self.bits < WindowBits::MIN_WRITTEN {
            return false;
        }
        if continuing {
            return self.in_message;
        }
        frame.compress.unwrap_or_else(|| !fin || frame.payload().len() >= self.deflate.min_len)
    }

    /// Returns whether a compressed message has begun and not ended.
    pub(in crate::ws) const fn in_message(&self) -> bool {
        self.in_message
    }

    /// Returns the frame to send in place of one that it [takes](Self::takes). Then call
    /// [`sent`](Self::sent).
    pub(in crate::ws) fn compress<'s>(
        &mut self,
        frame: Frame<&'s [u8]>,
        room: &'s mut Scratch,
    ) -> Frame<&'s [u8]> {
        let Shape { continuing, fin, .. } = frame.shape;
        let compressor = self.compressor.get_or_insert_with(|| self.deflate.compressor(self.bits));
        if core::mem::take(&mut self.stale) {
            compressor.forget();
        }
        let payload = compressor.compress(frame.payload, fin, fin && !self.takeover, room);
        // With context takeover, the peer has to see everything that the compressor has seen.
        if !self.takeover && fin && !continuing && payload.len() >= frame.payload.len() {
            return frame;
        }
        compressed(Frame { payload, ..frame })
    }

    /// Notes whether a frame of this shape, which was taken, was sent.
    pub(in crate::ws) fn sent(&mut self, shape: Shape, sent: bool) {
        if sent {
            self.in_message = !shape.fin;
        } else {
            self.stale = true;
        }
        if self.in_message {
            return;
        }
        if !self.takeover
            && let Some(compressor) = self.compressor.take()
        {
            self.stale = false;
            self.deflate.idle.keep_compressor(compressor);
        }
    }

    /// Returns the compressed form of a frame that is sent to many receivers, if it is shorter. It
    /// does not refer to anything sent before, and nothing sent later may refer to it.
    pub(in crate::ws) fn prepared(
        &mut self,
        frame: Frame<&[u8]>,
        forms: &Forms,
    ) -> Option<Encoded> {
        if !self.takes(&frame) {
            return None;
        }
        let form = forms.get(self.deflate.settings(self.bits), || {
            let mut compressor = self.deflate.compressor(self.bits);
            let mut room = Scratch::take();
            let payload = compressor.compress(frame.payload, true, true, &mut room);
            let form = compressed(Frame { payload, ..frame });
            let form = (form.payload.len() < frame.payload.len()).then(|| form.to_encoded());
            self.deflate.idle.keep_compressor(compressor);
            form
        })?;
        self.stale = self.compressor.is_some();
        Some(form)
    }
}

/// Returns the frame, marked as part of a compressed message.
const fn compressed(mut frame: Frame<&[u8]>) -> Frame<&[u8]> {
    frame.shape.compressed = true;
    frame
}
