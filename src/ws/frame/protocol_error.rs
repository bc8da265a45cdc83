//! [`ProtocolError`] and [`Fault`]: how a peer broke the protocol or passed a limit.

use super::close::CloseCode;
use super::frame_event::DataKind;
use super::frame_header::Rsv;

/// The peer broke the protocol or passed a limit. The connection is dead, unless this error reports
/// a message that was [skipped](crate::ws::frame::OnLimit::Skip).
///
/// ```
/// use eventwire::ws::{CloseCode, Limits, ProtocolError};
/// use eventwire::ws::frame::{Fault, FrameDecoder, Role};
///
/// let mut decoder = FrameDecoder::new(Role::Server, Limits::new());
/// let mut frame = *b"\x81\x05hello";
/// let error = decoder.decode(&mut &mut frame[..]).unwrap_err();
/// assert_eq!(error, ProtocolError { fault: Fault::Unmasked, offset: 1 });
/// assert_eq!(error.close_code(), CloseCode::PROTOCOL_ERROR);
/// assert_eq!(error.to_string(), "unmasked frame from a client, at byte 1");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{fault}, at byte {offset}")]
pub struct ProtocolError {
    /// The fault.
    pub fault: Fault,
    /// The offset of the byte that decided on the fault. Byte 0 is the first one of the stream
    /// after the handshake. The table at [`Fault`] lists the deciding bytes.
    pub offset: u64,
}

impl ProtocolError {
    /// Returns the code to close the connection with.
    #[must_use]
    pub const fn close_code(&self) -> CloseCode {
        self.fault.close_code()
    }
}

/// A fault in a frame: how it broke the protocol or passed a limit.
///
/// A decoder fails at the deciding byte, whatever else has arrived. If one byte decides on several
/// faults, the first one in this table counts:
///
/// | fault | deciding byte | close code |
/// |---|---|---|
/// | `ReservedBits` | the header's first byte | 1002 |
/// | `ReservedOpCode` | the header's first byte | 1002 |
/// | `FragmentedControl` | the header's first byte | 1002 |
/// | `UnexpectedContinuation` | the header's first byte | 1002 |
/// | `UnfinishedMessage` | the header's first byte | 1002 |
/// | `TooManyFragments` | the header's first byte | 1008 |
/// | `Masked`, `Unmasked` | the header's second byte | 1002 |
/// | `ControlTooLong` | the header's second byte | 1002 |
/// | `CloseTooShort` | the header's second byte | 1002 |
/// | `LengthTopBit` | the first byte of the 64-bit length | 1002 |
/// | `NonMinimalLength` | the first length byte that rules out a minimal length | 1002 |
/// | `FrameTooLong` | the first length byte that rules out an allowed length | 1009 |
/// | `MessageTooLong` | the first length byte that rules out an allowed length | 1009 |
/// | `InvalidCloseCode` | the code's second byte | 1002 |
/// | `InvalidCloseReason` | the first byte that cannot continue valid text | 1007 |
/// | `InvalidUtf8` | the first byte that cannot continue valid text | 1007 |
///
/// A length is not minimal if every minimal length in this form is greater, which the last byte of
/// a 16-bit length and the sixth byte of a 64-bit length decide. A length can pass a limit as early
/// as at the header's second byte. If a text ends inside a character, the last byte of its last
/// frame decides.
///
/// In a compressed message, a fault in the payload is found when the payload is inflated, which is
/// at once. It is `InvalidDeflate` (1007), `InvalidUtf8` or `MessageTooLong`, and its offset is
/// that of the first byte of its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Reserved bits that no extension has defined ([RFC 6455,
    /// 5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2)).
    #[error("reserved bits {:#05b}", .0.bits())]
    ReservedBits(Rsv),
    /// A reserved opcode ([5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2)).
    #[error("reserved opcode {0:#x}")]
    ReservedOpCode(u8),
    /// A control frame without FIN ([5.5](https://www.rfc-editor.org/rfc/rfc6455#section-5.5)).
    #[error("fragmented control frame")]
    FragmentedControl,
    /// A continuation frame with no message to continue
    /// ([5.4](https://www.rfc-editor.org/rfc/rfc6455#section-5.4)).
    #[error("continuation frame outside a message")]
    UnexpectedContinuation,
    /// A text or binary frame inside a message
    /// ([5.4](https://www.rfc-editor.org/rfc/rfc6455#section-5.4)), with the kind of that frame.
    #[error("new {0} message inside an unfinished one")]
    UnfinishedMessage(DataKind),
    /// A message in more frames than [`Limits::max_fragments`](crate::ws::Limits::max_fragments).
    #[error("message of more than {limit} frames")]
    TooManyFragments {
        /// The limit.
        limit: u32,
    },
    /// An unmasked frame from a client ([5.1](https://www.rfc-editor.org/rfc/rfc6455#section-5.1)).
    #[error("unmasked frame from a client")]
    Unmasked,
    /// A masked frame from a server ([5.1](https://www.rfc-editor.org/rfc/rfc6455#section-5.1)).
    #[error("masked frame from a server")]
    Masked,
    /// A control frame of more than 125 bytes
    /// ([5.5](https://www.rfc-editor.org/rfc/rfc6455#section-5.5)).
    #[error("control frame of more than 125 bytes")]
    ControlTooLong,
    /// A close frame with a payload of one byte, which is too short for a code
    /// ([5.5.1](https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1)).
    #[error("close frame of one byte")]
    CloseTooShort,
    /// A 64-bit length of 2^63 or more ([5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2)).
    #[error("payload length with its top bit set")]
    LengthTopBit,
    /// A length in more bytes than it needs
    /// ([5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2)).
    #[error("payload length not in its shortest form")]
    NonMinimalLength,
    /// A data frame of more than [`Limits::max_frame`](crate::ws::Limits::max_frame).
    #[error("frame of at least {at_least} bytes, over the limit of {limit}")]
    FrameTooLong {
        /// The limit in bytes.
        limit: u64,
        /// The least length that the frame can have, by its header up to the deciding byte. If the
        /// message is [skipped](crate::ws::frame::OnLimit::Skip), the exact length.
        at_least: u64,
    },
    /// A message of more than [`Limits::max_message`](crate::ws::Limits::max_message).
    #[error("message of at least {at_least} bytes, over the limit of {limit}")]
    MessageTooLong {
        /// The limit in bytes.
        limit: u64,
        /// The least length that the message can have: the length of the frames before the deciding
        /// one, plus the least length of that one, by its header so far. In a compressed message,
        /// the limit plus one.
        at_least: u64,
    },
    /// A close code that is not allowed in a close frame
    /// ([7.4](https://www.rfc-editor.org/rfc/rfc6455#section-7.4)).
    #[error("invalid close code {0}")]
    InvalidCloseCode(u16),
    /// A compressed message that is not DEFLATE, or ends inside a block ([RFC 7692,
    /// 7.2.2](https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2)).
    #[cfg(feature = "deflate")]
    #[error("compressed message that is not DEFLATE")]
    InvalidDeflate,
    /// A close reason that is not UTF-8
    /// ([5.5.1](https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1)).
    #[error("close reason that is not UTF-8")]
    InvalidCloseReason,
    /// Text that is not UTF-8 ([8.1](https://www.rfc-editor.org/rfc/rfc6455#section-8.1)).
    #[error("text that is not UTF-8")]
    InvalidUtf8,
}

impl Fault {
    /// Returns the code to close the connection with.
    #[must_use]
    pub const fn close_code(&self) -> CloseCode {
        match self {
            Self::InvalidUtf8 | Self::InvalidCloseReason => CloseCode::INVALID_PAYLOAD,
            #[cfg(feature = "deflate")]
            Self::InvalidDeflate => CloseCode::INVALID_PAYLOAD,
            Self::FrameTooLong { .. } | Self::MessageTooLong { .. } => CloseCode::TOO_BIG,
            Self::TooManyFragments { .. } => CloseCode::POLICY_VIOLATION,
            _ => CloseCode::PROTOCOL_ERROR,
        }
    }

    /// Returns whether the peer kept the protocol but passed one of our limits.
    pub(super) const fn is_limit(&self) -> bool {
        matches!(
            self,
            Self::FrameTooLong { .. } | Self::MessageTooLong { .. } | Self::TooManyFragments { .. }
        )
    }

    /// Returns whether the fault is in a close frame. The peer meant to close then.
    #[cfg(feature = "alloc")]
    pub(in crate::ws) const fn is_in_close_frame(&self) -> bool {
        matches!(self, Self::CloseTooShort | Self::InvalidCloseCode(_) | Self::InvalidCloseReason)
    }

    /// Returns the same fault for a frame of exactly this length, after `before` bytes of its
    /// message.
    pub(super) const fn of_length(self, before: u64, len: u64) -> Self {
        match self {
            Self::FrameTooLong { limit, .. } => Self::FrameTooLong { limit, at_least: len },
            Self::MessageTooLong { limit, .. } => {
                Self::MessageTooLong { limit, at_least: before.saturating_add(len) }
            }
            other => other,
        }
    }

    /// Returns the fault of a compressed message that passes the limit when it is inflated.
    #[cfg(feature = "deflate")]
    pub(in crate::ws) const fn inflates_too_long(limit: u64) -> Self {
        Self::MessageTooLong { limit, at_least: limit.saturating_add(1) }
    }
}
