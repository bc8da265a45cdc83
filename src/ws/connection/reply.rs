//! [`Reply`], the frame that a connection owes to its peer.

#[cfg(feature = "alloc")]
use super::message::Message;
use crate::ws::frame::{Close, CloseCode, Frame, FrameEvent, OpCode};
use core::fmt;

/// The reply that a [`Reader`](super::Reader) owes to the peer. It is a pong or a close frame. A
/// pong repeats the ping's payload. A close frame repeats the code and reason of the peer's close
/// frame, or has the code for the peer's error.
pub struct Reply {
    pub(super) opcode: OpCode,
    code: Option<CloseCode>,
    len: usize,
    payload: [u8; 125],
}

impl Reply {
    fn new(opcode: OpCode, payload: &[u8]) -> Self {
        let mut reply = Self { opcode, code: None, len: payload.len(), payload: [0; 125] };
        reply.payload[..payload.len()].copy_from_slice(payload);
        reply
    }

    pub(super) fn close(close: Option<(CloseCode, &str)>) -> Self {
        let (code, reason) = close.unzip();
        Self { code, ..Self::new(OpCode::Close, reason.unwrap_or_default().as_bytes()) }
    }

    #[inline]
    pub(super) fn to_event<P: AsRef<[u8]>, R: AsRef<str>>(
        event: &FrameEvent<P, R>,
    ) -> Option<Self> {
        match event {
            FrameEvent::Data(_) | FrameEvent::Pong(_) | FrameEvent::Skipped(_) => None,
            FrameEvent::Ping(payload) => Some(Self::new(OpCode::Pong, payload.as_ref())),
            FrameEvent::Close(close) => Some(Self::to_close(close.as_ref())),
        }
    }

    #[cfg(feature = "alloc")]
    #[inline]
    pub(super) fn to_message(message: &Message) -> Option<Self> {
        match message {
            Message::Text(_) | Message::Binary(_) | Message::Pong(_) | Message::Skipped(_) => None,
            Message::Ping(payload) => Some(Self::new(OpCode::Pong, payload)),
            Message::Close(close) => Some(Self::to_close(close.as_ref())),
        }
    }

    fn to_close<R: AsRef<str>>(close: Option<&Close<R>>) -> Self {
        Self::close(close.map(|Close { code, reason }| (*code, reason.as_ref())))
    }

    /// Returns the frame to send.
    pub fn frame(&self) -> Frame<&[u8]> {
        Frame { code: self.code, ..Frame::new(self.opcode, &self.payload[..self.len]) }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reply").field(&self.frame()).finish()
    }
}
