//! Frame headers (RFC 6455, 5.2).

use super::close::CloseCode;
use super::mask::MaskKey;
use super::protocol_error::Fault;
#[cfg(feature = "alloc")]
use crate::simd;
#[cfg(feature = "alloc")]
use bytes::BufMut;
use core::fmt;
use core::ops::Deref;

/// What a frame is (RFC 6455, 5.2); the other opcodes are reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum OpCode {
    /// A further frame of a message.
    Continuation = 0x0,
    /// A text message or its first frame.
    Text = 0x1,
    /// A binary message or its first frame.
    Binary = 0x2,
    /// The sender closes.
    Close = 0x8,
    /// Asks for a pong.
    Ping = 0x9,
    /// Answers a ping, or stands alone.
    Pong = 0xA,
}

impl OpCode {
    /// `None` if the opcode is reserved, or no 4-bit number.
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

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self as u8
    }

    /// Whether it is a close, ping or pong, which are never fragmented and have at most 125 bytes.
    #[must_use]
    #[inline]
    pub const fn is_control(self) -> bool {
        self as u8 >= 0x8
    }
}

/// The reserved bits of a header, to which extensions may give a meaning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rsv(u8);

impl Rsv {
    /// None is set.
    pub const NONE: Self = Self(0);
    /// The first is set.
    pub const RSV1: Self = Self(0b100);
    /// The second is set.
    pub const RSV2: Self = Self(0b010);
    /// The third is set.
    pub const RSV3: Self = Self(0b001);

    /// `None` if there are other bits than the lower three.
    #[must_use]
    pub const fn new(bits: u8) -> Option<Self> {
        if bits <= 0b111 { Some(Self(bits)) } else { None }
    }

    /// The three bits, RSV1 the highest.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }
}

/// A frame's header, for those who frame on their own: proxies, tests, tools.
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
    /// What the frame is.
    pub opcode: OpCode,
    /// What the payload is masked with; there is a key if and only if a client sends.
    pub mask: Option<MaskKey>,
    /// How many bytes the payload has: less than 2^63.
    pub payload_len: u64,
}

impl FrameHeader {
    /// The longest header, in bytes.
    pub const MAX_LEN: usize = 14;

    /// The header of an unfragmented and unmasked frame.
    #[must_use]
    #[inline]
    pub const fn new(opcode: OpCode, payload_len: u64) -> Self {
        Self { fin: true, rsv: Rsv::NONE, opcode, mask: None, payload_len }
    }

    /// Takes a header off the front of `input`, or leaves it alone if it is incomplete.
    ///
    /// # Errors
    /// If no frame can begin like this, whatever follows. What depends on the connection
    /// (reserved bits, masking, order, limits) is not judged.
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

    /// The bytes of the header, the length in its shortest form.
    ///
    /// # Errors
    /// If [`parse`](Self::parse) would refuse it: a control frame that is fragmented or longer than
    /// 125 bytes, a close frame of one byte, a length of 2^63 or more.
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

    /// The bytes of a header that is known to be valid.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "the length is less")]
    pub(in crate::ws) const fn bytes(&self) -> HeaderBytes {
        let b0 = (self.fin as u8) << 7 | self.rsv.0 << 4 | self.opcode as u8;
        let (masked, key, key_len) = match self.mask {
            Some(MaskKey(key)) => (MASKED, u32::from_le_bytes(key) as u128, key.len()),
            None => (0, 0, 0),
        };
        let len = self.payload_len;
        // As one number, its lowest byte the second of the header.
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
pub(in crate::ws) const MAX_CONTROL: usize = 125;

const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;
/// In place of a length of 7 bits, one of 16 or 64 follows.
pub(in crate::ws) const LEN_16: u8 = 0x7E;
const LEN_64: u8 = 0x7F;

/// The reserved bits in a header's first byte.
#[inline]
pub(in crate::ws) const fn rsv(b0: u8) -> Rsv {
    Rsv(b0 >> 4 & 0b111)
}

/// FIN and the opcode of a header's first byte.
#[inline]
pub(in crate::ws) const fn first_byte(b0: u8) -> Result<(bool, OpCode), Fault> {
    let Some(opcode) = OpCode::new(b0 & 0xF) else {
        return Err(Fault::ReservedOpCode(b0 & 0xF));
    };
    let fin = b0 & FIN != 0;
    if opcode.is_control() && !fin {
        return Err(Fault::FragmentedControl);
    }
    Ok((fin, opcode))
}

/// Whether a header's first byte is one to which RSV1 gives a meaning, and no other reserved bit is set
/// (RFC 7692, 6): the first frame of a message.
#[inline]
pub(in crate::ws) const fn may_be_compressed(b0: u8) -> bool {
    const TEXT: u8 = OpCode::Text as u8;
    const BINARY: u8 = OpCode::Binary as u8;
    matches!(rsv(b0), Rsv::RSV1) && matches!(b0 & 0xF, TEXT | BINARY)
}

/// The payload of a frame that we encoded.
#[cfg(feature = "alloc")]
pub(in crate::ws) fn payload(mut frame: &[u8]) -> &[u8] {
    match FrameHeader::parse(&mut frame) {
        Ok(Some(_)) => frame,
        _ => &[],
    }
}

/// Whether a header's second byte says that the frame is masked.
#[inline]
pub(in crate::ws) const fn is_masked(b1: u8) -> bool {
    b1 & MASKED != 0
}

/// Judges the length in a header's second byte.
#[inline]
pub(in crate::ws) const fn second_byte(opcode: OpCode, b1: u8) -> Result<(), Fault> {
    match b1 & 0x7F {
        126.. if opcode.is_control() => Err(Fault::ControlTooLong),
        1 if matches!(opcode, OpCode::Close) => Err(Fault::CloseTooShort),
        _ => Ok(()),
    }
}

/// How long a payload may be, and why.
#[derive(Clone, Copy)]
pub(in crate::ws) struct Limit {
    pub(in crate::ws) max: u64,
    pub(in crate::ws) bounds: Bounds,
}

/// What a limit bounds.
#[derive(Clone, Copy)]
pub(in crate::ws) enum Bounds {
    /// The number in the header.
    Header,
    Frame,
    /// The message, of which so many bytes came before.
    Message {
        before: u64,
    },
}

impl Limit {
    pub(in crate::ws) const NONE: Self = Self { max: u64::MAX >> 1, bounds: Bounds::Header };

    /// The fault of a payload that has at least so many bytes.
    fn fault(self, at_least: u64) -> Fault {
        match self.bounds {
            Bounds::Header => Fault::LengthTopBit,
            Bounds::Frame => Fault::FrameTooLong { limit: self.max, at_least },
            Bounds::Message { before } => Fault::MessageTooLong {
                limit: before + self.max,
                at_least: before.saturating_add(at_least),
            },
        }
    }
}

/// The payload's length by a header's second byte and those behind it, and how many of those it
/// takes; or what is wrong, and how far behind the second byte that shows.
#[inline]
pub(in crate::ws) fn payload_len(
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
        // Only a short length is left, of which there is no more to see.
        return Err((0, limit.fault(len)));
    }
    Ok(Some((len, width)))
}

/// What the first bytes of a length in `width` bytes say, if that is wrong for `least` and `limit`
/// whatever follows.
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
    /// Room for the code of a close frame too.
    bytes: [u8; 16],
    len: usize,
}

impl HeaderBytes {
    /// The same with the code of a close frame behind it, masked; and the key turned to what the
    /// reason needs.
    #[inline]
    pub(in crate::ws) fn with_code(
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

    /// Appends it to `buffer`, which has room for it.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(in crate::ws) fn put(self, buffer: &mut impl BufMut) {
        simd::put_few(buffer, self.bytes, self.len);
    }

    /// Writes it to the front of `room`, and zeros if there is room for more; returns what is behind
    /// it, zeros or not.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "byte by byte")]
    pub(in crate::ws) fn write(self, room: &mut [u8]) -> &mut [u8] {
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
