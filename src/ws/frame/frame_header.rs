//! [`FrameHeader`], parsed and encoded.
//!
//! A length is judged as its bytes arrive. The fast path of `payload_len` reads all of it at once,
//! and leaves every verdict to `judge_length`, which goes byte by byte.

use super::close::CloseCode;
use super::frame_event::DataKind;
use super::mask::MaskKey;
use super::protocol_error::Fault;
use core::fmt;
use core::ops::Deref;
#[cfg(feature = "alloc")]
use {crate::simd, bytes::BufMut};

/// The opcode of a frame ([RFC 6455, section 5.2]). All other opcodes are reserved.
///
/// [RFC 6455, section 5.2]: https://www.rfc-editor.org/rfc/rfc6455#section-5.2
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum OpCode {
    /// A further frame of a message.
    Continuation = 0x0,
    /// A text message, or its first frame.
    Text = 0x1,
    /// A binary message, or its first frame.
    Binary = 0x2,
    /// Closes the connection.
    Close = 0x8,
    /// Asks for a pong.
    Ping = 0x9,
    /// Answers a ping, or is sent unasked.
    Pong = 0xA,
}

impl OpCode {
    /// Returns `None` if the opcode is reserved, or not a 4-bit number.
    #[must_use]
    #[inline]
    pub const fn new(opcode: u8) -> Option<Self> {
        Some(match opcode {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xA => Self::Pong,
            _ => return None,
        })
    }

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self as u8
    }

    /// Returns whether this is a close, ping or pong. Such frames are never fragmented, and have at
    /// most 125 bytes.
    #[must_use]
    #[inline]
    pub const fn is_control(self) -> bool {
        self as u8 >= 0x8
    }
}

/// The reserved bits of a header, which extensions may define.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rsv(u8);

impl Rsv {
    /// No bit is set.
    pub const NONE: Self = Self(0);
    /// The first bit is set.
    pub const RSV1: Self = Self(0b100);
    /// The second bit is set.
    pub const RSV2: Self = Self(0b010);
    /// The third bit is set.
    pub const RSV3: Self = Self(0b001);

    /// Returns `None` if any bit except the lower three is set.
    #[must_use]
    pub const fn new(bits: u8) -> Option<Self> {
        if bits <= 0b111 { Some(Self(bits)) } else { None }
    }

    /// Returns the three bits. RSV1 is the highest.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }
}

/// The header of a frame, for programs that do their own framing: proxies, tests, tools.
///
/// ```
/// use eventwire::ws::frame::{FrameHeader, OpCode};
///
/// let mut input = &b"\x82\x7E\x01\x00payload"[..];
/// let header = FrameHeader::parse(&mut input)?.expect("all of it is there");
/// assert_eq!(header, FrameHeader::new(OpCode::Binary, 256));
/// assert_eq!(input, b"payload");
/// assert_eq!(*header.encode()?, *b"\x82\x7E\x01\x00");
/// # Ok::<(), eventwire::ws::frame::Fault>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FrameHeader {
    /// Whether the message ends with this frame.
    pub fin: bool,
    /// The reserved bits.
    pub rsv: Rsv,
    /// The opcode of the frame.
    pub opcode: OpCode,
    /// The masking key of the payload. A frame has one if and only if it comes from a client.
    pub mask: Option<MaskKey>,
    /// The number of payload bytes, less than 2^63.
    pub payload_len: u64,
}

impl FrameHeader {
    /// The longest header, in bytes.
    pub const MAX_LEN: usize = 14;

    /// Creates the header of an unfragmented and unmasked frame.
    #[must_use]
    #[inline]
    pub const fn new(opcode: OpCode, payload_len: u64) -> Self {
        Self { fin: true, rsv: Rsv::NONE, opcode, mask: None, payload_len }
    }

    /// Takes a header off the front of `input`, or leaves `input` alone if the header is
    /// incomplete.
    ///
    /// # Errors
    /// If no frame can begin like this, whatever follows. Properties that depend on the connection
    /// (reserved bits, masking, order, limits) are not judged.
    #[inline]
    pub fn parse(input: &mut &[u8]) -> Result<Option<Self>, Fault> {
        let mut rest = *input;
        let Some(&b0) = rest.split_off_first() else { return Ok(None) };
        let (fin, opcode) = first_byte(b0)?;
        let Some(&b1) = rest.split_off_first() else { return Ok(None) };
        second_byte(opcode, b1)?;
        let Some((payload_len, width)) =
            payload_len(b1, rest, Limit::NONE).map_err(|(_, fault)| fault)?
        else {
            return Ok(None);
        };
        rest = &rest[width..];
        let mask = if is_masked(b1) {
            let Some((key, after)) = rest.split_first_chunk() else { return Ok(None) };
            rest = after;
            Some(MaskKey(*key))
        } else {
            None
        };
        *input = rest;
        Ok(Some(Self { fin, rsv: rsv(b0), opcode, mask, payload_len }))
    }

    /// Returns the bytes of the header, with the length in its shortest form.
    ///
    /// # Errors
    /// If [`parse`](Self::parse) would refuse the header: a control frame that is fragmented or
    /// longer than 125 bytes, a close frame of one byte, or a length of 2^63 or more.
    #[inline]
    pub const fn encode(&self) -> Result<HeaderBytes, Fault> {
        match self.payload_len {
            _ if self.opcode.is_control() && !self.fin => Err(Fault::FragmentedControl),
            126.. if self.opcode.is_control() => Err(Fault::ControlTooLong),
            1 if matches!(self.opcode, OpCode::Close) => Err(Fault::CloseTooShort),
            len if len >> 63 != 0 => Err(Fault::LengthTopBit),
            _ => Ok(self.bytes()),
        }
    }

    /// Returns the bytes of a header that is known to be valid.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "the match bounds the length")]
    pub(super) const fn bytes(&self) -> HeaderBytes {
        let b0 = (self.fin as u8) << 7 | self.rsv.0 << 4 | self.opcode as u8;
        let (masked, key, key_len) = match self.mask {
            Some(MaskKey(key)) => (MASKED, u32::from_le_bytes(key) as u128, key.len()),
            None => (0, 0, 0),
        };
        let len = self.payload_len;
        // As one number, whose lowest byte is the header's second byte.
        let (behind, width) = match len {
            0..=125 => (len as u128 | key << 8, 0),
            126..=0xFFFF => {
                (LEN_16 as u128 | ((len as u16).swap_bytes() as u128) << 8 | key << 24, 2)
            }
            _ => (LEN_64 as u128 | (len.swap_bytes() as u128) << 8 | key << 72, 8),
        };
        let all = b0 as u128 | (masked as u128 | behind) << 8;
        HeaderBytes { bytes: all.to_le_bytes(), len: 2 + width + key_len }
    }
}

/// The longest payload of a control frame.
pub(super) const MAX_CONTROL: usize = 125;

const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;
/// The values that announce a length of 16 or 64 bits instead of one of 7 bits.
const LEN_16: u8 = 0x7E;
const LEN_64: u8 = 0x7F;

/// Returns the reserved bits of a header's first byte.
#[inline]
pub(super) const fn rsv(b0: u8) -> Rsv {
    Rsv(b0 >> 4 & 0b111)
}

/// Returns FIN and the opcode of a header's first byte.
#[inline]
pub(super) const fn first_byte(b0: u8) -> Result<(bool, OpCode), Fault> {
    let Some(opcode) = OpCode::new(b0 & 0xF) else {
        return Err(Fault::ReservedOpCode(b0 & 0xF));
    };
    let fin = b0 & FIN != 0;
    if opcode.is_control() && !fin {
        return Err(Fault::FragmentedControl);
    }
    Ok((fin, opcode))
}

/// Returns whether this first byte of a header may have RSV1 set for compression, and has no other
/// reserved bit set. That is only so in the first frame of a message ([RFC 7692, section 6]).
///
/// [RFC 7692, section 6]: https://www.rfc-editor.org/rfc/rfc7692#section-6
#[inline]
pub(super) const fn may_be_compressed(b0: u8) -> bool {
    const TEXT: u8 = OpCode::Text as u8;
    const BINARY: u8 = OpCode::Binary as u8;
    matches!(rsv(b0), Rsv::RSV1) && matches!(b0 & 0xF, TEXT | BINARY)
}

/// Returns whether a header's second byte marks the frame as masked.
#[inline]
pub(super) const fn is_masked(b1: u8) -> bool {
    b1 & MASKED != 0
}

/// Judges the length in a header's second byte.
#[inline]
pub(super) const fn second_byte(opcode: OpCode, b1: u8) -> Result<(), Fault> {
    match b1 & 0x7F {
        126.. if opcode.is_control() => Err(Fault::ControlTooLong),
        1 if matches!(opcode, OpCode::Close) => Err(Fault::CloseTooShort),
        _ => Ok(()),
    }
}

/// The header of a whole message of less than 64 KiB.
pub(super) struct ShortHeader {
    pub(super) kind: DataKind,
    pub(super) len: u16,
    /// The masking key, or zeros.
    pub(super) key: [u8; 4],
    /// The start of the payload.
    pub(super) start: usize,
}

/// Returns the header at the front of these bytes, if it is valid, starts an uncompressed message
/// in one frame of less than 64 KiB, is masked as `masked` says, and has a length that `may_come`
/// accepts. If not, the rules above judge it. This is a shortcut for most messages, and must accept
/// nothing that the rules refuse.
#[inline(always)]
#[allow(
    clippy::inline_always,
    clippy::cast_possible_truncation,
    reason = "the casts split the header"
)]
pub(super) fn whole_message(
    bytes: &[u8; 8],
    masked: bool,
    may_come: impl FnOnce(u16) -> bool,
) -> Option<ShortHeader> {
    const TEXT: u8 = FIN | OpCode::Text as u8;
    const BINARY: u8 = FIN | OpCode::Binary as u8;
    // As a number it stays in a register.
    let header = u64::from_le_bytes(*bytes);
    let (b0, b1) = (header as u8, (header >> 8) as u8);
    if !matches!(b0, TEXT | BINARY) {
        return None;
    }
    let kind = if b0 == TEXT { DataKind::Text } else { DataKind::Binary };
    let (len, start) = match b1 & 0x7F {
        len @ ..126 => (u16::from(len), 2),
        LEN_16 => (((header >> 16) as u16).swap_bytes(), 4),
        _ => return None,
    };
    let minimal = start == 2 || len > 125;
    if !(is_masked(b1) == masked && minimal && may_come(len)) {
        return None;
    }
    let (key, start) = if masked {
        (((header >> (8 * start)) as u32).to_le_bytes(), start + 4)
    } else {
        ([0; 4], start)
    };
    Some(ShortHeader { kind, len, key, start })
}

/// The maximum length of a payload, and the reason for it.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    pub(super) max: u64,
    pub(super) bounds: Bounds,
}

/// The thing that a limit bounds.
#[derive(Clone, Copy)]
pub(super) enum Bounds {
    /// The number in the header.
    Header,
    Frame,
    /// The message: it may have `limit` bytes, and `before` bytes came in other frames.
    Message {
        limit: u64,
        before: u64,
    },
}

impl Limit {
    pub(super) const NONE: Self = Self { max: u64::MAX >> 1, bounds: Bounds::Header };

    /// Returns the fault of a payload that has at least this many bytes.
    fn fault(self, at_least: u64) -> Fault {
        match self.bounds {
            Bounds::Header => Fault::LengthTopBit,
            Bounds::Frame => Fault::FrameTooLong { limit: self.max, at_least },
            Bounds::Message { limit, before } => {
                Fault::MessageTooLong { limit, at_least: before.saturating_add(at_least) }
            }
        }
    }
}

/// Returns the payload's length, by a header's second byte and the bytes `behind` it, and how many
/// of those the length takes. On a fault, returns how many bytes after the second one decide on it.
#[inline]
pub(super) fn payload_len(
    b1: u8,
    behind: &[u8],
    limit: Limit,
) -> Result<Option<(u64, usize)>, (usize, Fault)> {
    let (len, width, least) = match b1 & 0x7F {
        LEN_16 => match behind.first_chunk() {
            Some(len) => (u64::from(u16::from_be_bytes(*len)), 2, 126),
            None => return judge_length(behind, 2, 126, limit).map(|()| None),
        },
        LEN_64 => match behind.first_chunk() {
            Some(len) => (u64::from_be_bytes(*len), 8, 0x1_0000),
            None => return judge_length(behind, 8, 0x1_0000, limit).map(|()| None),
        },
        len => (u64::from(len), 0, 0),
    };
    if len < least || len > limit.max.min(Limit::NONE.max) {
        judge_length(behind, width, least, limit)?;
        // Only a length of 7 bits is left, and all of it is known.
        return Err((0, limit.fault(len)));
    }
    Ok(Some((len, width)))
}

/// Judges the first bytes of a length that has `width` bytes. Fails if the length breaks `least` or
/// `limit` whatever follows.
#[cold]
fn judge_length(
    behind: &[u8],
    width: usize,
    least: u64,
    limit: Limit,
) -> Result<(), (usize, Fault)> {
    if least > limit.max {
        return Err((0, limit.fault(least)));
    }
    let mut len = 0;
    for (at, &byte) in behind.iter().take(width).enumerate() {
        let unknown = 8 * (width - 1 - at);
        len |= u64::from(byte) << unknown;
        let fault = if len >> 63 != 0 {
            Fault::LengthTopBit
        } else if len | ((1 << unknown) - 1) < least {
            Fault::NonMinimalLength
        } else if len > limit.max {
            limit.fault(len.max(least))
        } else {
            continue;
        };
        return Err((at + 1, fault));
    }
    Ok(())
}

/// An encoded header, on the stack.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HeaderBytes {
    /// Has room for the code of a close frame too.
    bytes: [u8; 16],
    len: usize,
}

impl HeaderBytes {
    /// Appends the code of a close frame, masked if there is a key. Returns the key rotated for the
    /// reason.
    #[inline]
    pub(super) fn with_code(
        mut self,
        code: CloseCode,
        mut mask: Option<MaskKey>,
    ) -> (Self, Option<MaskKey>) {
        let mut code = code.get().to_be_bytes();
        if let Some(key) = &mut mask {
            key.apply(&mut code);
        }
        let behind = u128::from(u16::from_le_bytes(code)) << (8 * self.len);
        self.bytes = (u128::from_le_bytes(self.bytes) | behind).to_le_bytes();
        self.len += code.len();
        (self, mask)
    }

    /// Appends the header to `buffer`, which must have room for it.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(super) fn put(self, buffer: &mut impl BufMut) {
        simd::put_few(buffer, self.bytes, self.len);
    }

    /// Writes the header to the front of `room`, followed by zeros if there is more room. Returns
    /// the rest of `room`, which may begin with some of these zeros.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "the bits are written byte by byte")]
    pub(super) fn write(self, room: &mut [u8]) -> &mut [u8] {
        // As a number it stays in registers.
        let mut bits = u128::from_le_bytes(self.bytes);
        if let Some(front) = room.first_chunk_mut() {
            *front = bits.to_le_bytes();
        } else {
            for byte in &mut room[..self.len] {
                *byte = bits as u8;
                bits >>= 8;
            }
        }
        &mut room[self.len..]
    }
}

impl Deref for HeaderBytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl AsRef<[u8]> for HeaderBytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for HeaderBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
