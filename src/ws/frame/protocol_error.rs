//! What peers do wrong, and what we might.

use super::close::CloseCode;
use super::frame_header::Rsv;

/// The peer broke the protocol or passed a limit. The connection is dead, unless this tells of a message
/// that was [skipped](crate::ws::frame::OnLimit::Skip).
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
    /// What is wrong.
    pub fault: Fault,
    /// Which byte of the stream decided that, counted from 0, which is the first one after the
    /// handshake. [`Fault`] has a table.
    pub offset: u64,
}

impl ProtocolError {
    /// The code to close the connection with.
    #[must_use]
    pub const fn close_code(&self) -> CloseCode {
        self.fault.close_code()
    }
}

/// What is wrong with a frame.
///
/// A decoder fails at the byte of this table, whatever else has arrived:
///
/// | fault | deciding byte | close code |
/// |---|---|---|
/// | `ReservedBits`, `ReservedOpCode`, `FragmentedControl`, `UnexpectedContinuation`, `UnfinishedMessage` | the header's first | 1002 |
/// | `TooManyFragments` | the header's first | 1008 |
/// | `Unmasked`, `Masked`, `ControlTooLong`, `CloseTooShort` | the header's second | 1002 |
/// | `NonMinimalLength` | the first length byte after which all minimal lengths are greater: in the 16-bit form its last, in the 64-bit form its sixth | 1002 |
/// | `LengthTopBit` | the first of the 64-bit length | 1002 |
/// | `FrameTooLong`, `MessageTooLong` | the first length byte after which all lengths pass the limit; may be the header's second | 1009 |
/// | `InvalidCloseCode` | the code's second | 1002 |
/// | `InvalidUtf8`, `InvalidCloseReason` | the first byte that cannot continue valid text; if the text ends inside a character, the last byte of its last frame | 1007 |
///
/// What is wrong with the payload of a compressed message, `InvalidDeflate` (1007), `InvalidUtf8` or
/// `MessageTooLong`, is found when it is inflated, at once, and the offset is that of its frame's first
/// byte.
///
/// If one byte decides on several, the first in this order counts: `ReservedBits`,
/// `ReservedOpCode`, `FragmentedControl`, `UnexpectedContinuation`, `UnfinishedMessage`,
/// `TooManyFragments`, `Masked` or `Unmasked`, `ControlTooLong`, `CloseTooShort`, `LengthTopBit`,
/// `NonMinimalLength`, `FrameTooLong`, `MessageTooLong`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Reserved bits that no extension gave a meaning (RFC 6455, 5.2).
    #[error("reserved bits {:#05b}", .0.bits())]
    ReservedBits(Rsv),
    /// An opcode that is reserved (5.2).
    #[error("reserved opcode {0:#x}")]
    ReservedOpCode(u8),
    /// A control frame without FIN (5.5).
    #[error("fragmented control frame")]
    FragmentedControl,
    /// A continuation frame with no message to continue (5.4).
    #[error("continuation frame outside a message")]
    UnexpectedContinuation,
    /// A text or binary frame inside a message (5.4).
    #[error("new message inside an unfinished one")]
    UnfinishedMessage,
    /// A message in more frames than [`Limits::max_fragments`](crate::ws::Limits::max_fragments).
    #[error("message of more than {limit} frames")]
    TooManyFragments {
        /// The limit.
        limit: u32,
    },
    /// A frame from a client that is not masked (5.1).
    #[error("unmasked frame from a client")]
    Unmasked,
    /// A frame from a server that is masked (5.1).
    #[error("masked frame from a server")]
    Masked,
    /// A control frame of more than 125 bytes (5.5).
    #[error("control frame of more than 125 bytes")]
    ControlTooLong,
    /// A close frame of one byte, where a code takes two (5.5.1).
    #[error("close frame of one byte")]
    CloseTooShort,
    /// A 64-bit length of 2^63 or more (5.2).
    #[error("payload length with its top bit set")]
    LengthTopBit,
    /// A length in more bytes than it needs (5.2).
    #[error("payload length not in its shortest form")]
    NonMinimalLength,
    /// A data frame of more than [`Limits::max_frame`](crate::ws::Limits::max_frame).
    #[error("frame of at least {at_least} bytes, where {limit} are allowed")]
    FrameTooLong {
        /// The limit in bytes.
        limit: u64,
        /// The least that the frame's length can be, by what its header says up to the deciding byte.
        /// If the message is [skipped](crate::ws::frame::OnLimit::Skip), the length itself.
        at_least: u64,
    },
    /// A message of more than [`Limits::max_message`](crate::ws::Limits::max_message).
    #[error("message of at least {at_least} bytes, where {limit} are allowed")]
    MessageTooLong {
        /// The limit in bytes.
        limit: u64,
        /// The least length that the message can have: the frames before the deciding one, and what that
        /// one's header says so far. For a compressed message, the limit and one.
        at_least: u64,
    },
    /// A close code that may not be sent (7.4).
    #[error("close code {0}, which may not be sent")]
    InvalidCloseCode(u16),
    /// A compressed message that is not DEFLATE, or ends inside a block (RFC 7692, 7.2.2).
    #[cfg(feature = "deflate")]
    #[error("compressed message that is not DEFLATE")]
    InvalidDeflate,
    /// A close reason that is not UTF-8 (5.5.1).
    #[error("close reason that is not UTF-8")]
    InvalidCloseReason,
    /// Text that is not UTF-8 (8.1).
    #[error("text that is not UTF-8")]
    InvalidUtf8,
}

impl Fault {
    /// The code to close the connection with.
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

    /// Whether a limit of ours was passed, where the protocol was kept.
    pub(in crate::ws) const fn is_limit(&self) -> bool {
        matches!(
            self,
            Self::FrameTooLong { .. } | Self::MessageTooLong { .. } | Self::TooManyFragments { .. }
        )
    }

    /// Whether it is in a close frame: the peer meant to say goodbye.
    #[cfg(feature = "alloc")]
    pub(in crate::ws) const fn is_in_close_frame(&self) -> bool {
        matches!(self, Self::CloseTooShort | Self::InvalidCloseCode(_) | Self::InvalidCloseReason)
    }

    /// The same, of a frame of this length behind those of its message.
    pub(in crate::ws) const fn of_length(self, before: u64, len: u64) -> Self {
        match self {
            Self::FrameTooLong { limit, .. } => Self::FrameTooLong { limit, at_least: len },
            Self::MessageTooLong { limit, .. } => {
                Self::MessageTooLong { limit, at_least: before.saturating_add(len) }
            }
            other => other,
        }
    }

    /// That of a compressed message which goes past the limit when it is inflated.
    #[cfg(feature = "deflate")]
    pub(in crate::ws) const fn inflates_too_long(limit: u64) -> Self {
        Self::MessageTooLong { limit, at_least: limit.saturating_add(1) }
    }
}
