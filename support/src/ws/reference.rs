//! A decoder that takes one byte at a time, so that the earliest byte decides by construction. It
//! shares no code with the crate, and speed does not matter here.

use super::inflate::Inflater;
use super::{Rules, Seen, Trace};
use eventwire::ws::frame::{DataKind, Fault, OnLimit, Role, Rsv};
use eventwire::ws::{Close, CloseCode, ProtocolError};

#[cfg(feature = "deflate")]
const NOT_DEFLATE: Fault = Fault::InvalidDeflate;
/// A placeholder: without feature `deflate` nothing is inflated.
#[cfg(not(feature = "deflate"))]
const NOT_DEFLATE: Fault = Fault::InvalidUtf8;

/// Returns the trace that a decoder must show of a stream, however the stream is cut.
pub fn trace(role: Role, limits: Rules, stream: &[u8]) -> Trace {
    trace_with(role, limits, None, stream)
}

/// How compressed messages are inflated.
#[derive(Clone, Copy, Debug)]
pub struct Inflation {
    /// Whether messages may refer to earlier messages.
    pub takeover: bool,
    /// How far back references may reach.
    pub window: usize,
}

/// Like [`trace`], with compressed messages allowed. They are shown only at their ends.
pub fn trace_with(role: Role, limits: Rules, inflation: Option<Inflation>, stream: &[u8]) -> Trace {
    let mut machine = Machine {
        role,
        limits,
        inflation: inflation.map(|how| (how, Inflater::new(how.window))),
        frame_offset: 0,
        offset: 0,
        deciding: None,
        over: None,
        skipping: false,
        header: Vec::new(),
        payload: Vec::new(),
        message: None,
        trace: Trace::default(),
    };
    for (offset, &byte) in stream.iter().enumerate() {
        if machine.header.is_empty() {
            machine.frame_offset = offset;
        }
        machine.offset = offset as u64;
        match machine.byte(byte) {
            Ok(()) if matches!(machine.trace.seen.last(), Some(Seen::Close(_))) => {
                return machine.trace;
            }
            Ok(()) => {}
            Err(fault) => {
                let offset = machine.deciding.unwrap_or(offset) as u64;
                machine.trace.push(Seen::Failed(ProtocolError { fault, offset }));
                return machine.trace;
            }
        }
    }
    machine.trace.incomplete = machine.message.is_some() || !machine.header.is_empty();
    machine.trace
}

struct Machine {
    role: Role,
    limits: Rules,
    inflation: Option<(Inflation, Inflater)>,
    /// Offset of the current frame.
    frame_offset: usize,
    /// Offset of the current byte.
    offset: u64,
    /// Offset of the deciding byte, if that is not the current byte.
    deciding: Option<usize>,
    /// If messages may be skipped: where the current frame's header passed a limit, and which
    /// limit.
    over: Option<(u64, Fault)>,
    /// The current message is being skipped.
    skipping: bool,
    /// The current frame's header, as far as it has arrived.
    header: Vec<u8>,
    /// The current frame's payload, unmasked.
    payload: Vec<u8>,
    message: Option<Unfinished>,
    trace: Trace,
}

struct Unfinished {
    kind: DataKind,
    compressed: bool,
    /// The message so far, inflated.
    text: Vec<u8>,
    /// The sum of the lengths that its frames announced.
    announced: u64,
    frames: u32,
}

impl Machine {
    fn byte(&mut self, byte: u8) -> Result<(), Fault> {
        if self.header_is_complete() {
            let key = self.key();
            self.payload.push(byte ^ key[self.payload.len() % 4]);
            self.payload_byte()?;
        } else {
            self.header.push(byte);
            match self.header_byte() {
                Err(fault) if self.may_skip(fault) => {
                    self.over.get_or_insert((self.offset, fault));
                }
                judged => judged?,
            }
            if self.header_is_complete() {
                if let Some((offset, fault)) = self.over.take() {
                    self.skip(offset, fault);
                }
                self.begin();
            }
        }
        if self.header_is_complete() && self.payload.len() as u64 == self.announced() {
            self.end()?;
        }
        Ok(())
    }

    fn may_skip(&self, fault: Fault) -> bool {
        let limit = matches!(
            fault,
            Fault::FrameTooLong { .. }
                | Fault::MessageTooLong { .. }
                | Fault::TooManyFragments { .. }
        );
        self.limits.on_limit == OnLimit::Skip && limit && !self.compressed()
    }

    /// Skips the current message. Its length is known as far as its frames have announced it.
    fn skip(&mut self, offset: u64, fault: Fault) {
        let before = self.message.as_ref().map_or(0, |message| message.announced);
        let len = self.announced();
        let fault = match fault {
            Fault::FrameTooLong { limit, .. } => Fault::FrameTooLong { limit, at_least: len },
            Fault::MessageTooLong { limit, .. } => {
                Fault::MessageTooLong { limit, at_least: before.saturating_add(len) }
            }
            fault => fault,
        };
        self.trace.push(Seen::Skipped(ProtocolError { fault, offset }));
        self.skipping = true;
    }

    fn control(&self) -> bool {
        self.header[0] & 0x08 != 0
    }

    fn fin(&self) -> bool {
        self.header[0] & 0x80 != 0
    }

    fn length_bytes(&self) -> usize {
        match self.header.get(1).map(|byte| byte & 0x7F) {
            Some(126) => 2,
            Some(127) => 8,
            _ => 0,
        }
    }

    fn header_is_complete(&self) -> bool {
        let key = if self.role == Role::Server { 4 } else { 0 };
        self.header.len() == 2 + self.length_bytes() + key
    }

    fn key(&self) -> [u8; 4] {
        match self.role {
            Role::Server => self.header[self.header.len() - 4..].try_into().unwrap(),
            Role::Client => [0; 4],
        }
    }

    /// Returns the payload length that a complete header announces.
    fn announced(&self) -> u64 {
        match self.length_bytes() {
            0 => u64::from(self.header[1] & 0x7F),
            width => self.header[2..2 + width].iter().fold(0, |len, &b| len * 256 + u64::from(b)),
        }
    }

    fn header_byte(&self) -> Result<(), Fault> {
        match self.header[..] {
            [b0] => self.first_byte(b0),
            [_, b1] => self.second_byte(b1),
            _ if self.header.len() <= 2 + self.length_bytes() => self.length_byte(),
            _ => Ok(()),
        }
    }

    fn first_byte(&self, b0: u8) -> Result<(), Fault> {
        let may_be_compressed = self.inflation.is_some() && matches!(b0 & 0x7F, 0x41 | 0x42);
        if b0 & 0x70 != 0 && !may_be_compressed {
            return Err(Fault::ReservedBits(Rsv::new(b0 >> 4 & 7).unwrap()));
        }
        let frames = self.message.as_ref().map_or(0, |message| message.frames);
        let limit = if self.skipping { u32::MAX } else { self.limits.fragments };
        match b0 & 0x0F {
            opcode @ (3..=7 | 0xB..) => Err(Fault::ReservedOpCode(opcode)),
            8..=0xA if b0 < 0x80 => Err(Fault::FragmentedControl),
            0 if self.message.is_none() => Err(Fault::UnexpectedContinuation),
            1 if self.message.is_some() => Err(Fault::UnfinishedMessage(DataKind::Text)),
            2 if self.message.is_some() => Err(Fault::UnfinishedMessage(DataKind::Binary)),
            0..=2 if frames == limit => Err(Fault::TooManyFragments { limit }),
            _ => Ok(()),
        }
    }

    fn second_byte(&self, b1: u8) -> Result<(), Fault> {
        match (self.role, b1 & 0x80) {
            (Role::Server, 0) => return Err(Fault::Unmasked),
            (Role::Client, 0x80) => return Err(Fault::Masked),
            _ => {}
        }
        if self.control() {
            return match (self.header[0], b1 & 0x7F) {
                (_, 126..) => Err(Fault::ControlTooLong),
                (0x88, 1) => Err(Fault::CloseTooShort),
                _ => Ok(()),
            };
        }
        let least = match b1 & 0x7F {
            126 => 126,
            127 => 65536,
            len => u64::from(len),
        };
        if least > self.room() { Err(self.too_long(least)) } else { Ok(()) }
    }

    /// Judges an incomplete length field by the smallest and the largest length that it can still
    /// become.
    fn length_byte(&self) -> Result<(), Fault> {
        let width = self.length_bytes();
        let known = &self.header[2..];
        let fill = |byte| {
            let rest = std::iter::repeat_n(byte, width - known.len());
            known.iter().copied().chain(rest).fold(0, |len, byte| len << 8 | u64::from(byte))
        };
        let (least, most) = (fill(0), fill(0xFF));
        if least >= 1 << 63 {
            Err(Fault::LengthTopBit)
        } else if most < if width == 2 { 126 } else { 65536 } {
            Err(Fault::NonMinimalLength)
        } else if least > self.room() {
            Err(self.too_long(least.max(if width == 2 { 126 } else { 65536 })))
        } else {
            Ok(())
        }
    }

    /// Whether the current frame's payload is compressed.
    fn compressed(&self) -> bool {
        match self.header[0] & 0x0F {
            0 => self.message.as_ref().is_some_and(|message| message.compressed),
            _ => self.header[0] & 0x40 != 0,
        }
    }

    fn message_room(&self) -> u64 {
        if self.compressed() {
            return u64::MAX;
        }
        self.limits.message - self.message.as_ref().map_or(0, |message| message.announced)
    }

    fn room(&self) -> u64 {
        if self.skipping { u64::MAX } else { self.limits.frame.min(self.message_room()) }
    }

    /// Returns the fault for a frame of at least `least` bytes.
    fn too_long(&self, least: u64) -> Fault {
        if self.limits.frame <= self.message_room() {
            Fault::FrameTooLong { limit: self.limits.frame, at_least: least }
        } else {
            let before = self.message.as_ref().map_or(0, |message| message.announced);
            let at_least = before.saturating_add(least);
            Fault::MessageTooLong { limit: self.limits.message, at_least }
        }
    }

    /// Handles a complete header.
    fn begin(&mut self) {
        let kind = match self.header[0] & 0x0F {
            0 => None,
            1 => Some(DataKind::Text),
            2 => Some(DataKind::Binary),
            _ => return,
        };
        if let Some(kind) = kind {
            let compressed = self.compressed();
            let text = Vec::new();
            self.message = Some(Unfinished { kind, compressed, text, announced: 0, frames: 0 });
        }
        let announced = self.announced();
        let message = self.message.as_mut().unwrap();
        message.announced = message.announced.saturating_add(announced);
        message.frames += 1;
    }

    fn payload_byte(&mut self) -> Result<(), Fault> {
        let byte = *self.payload.last().unwrap();
        if self.control() {
            return if self.header[0] == 0x88 { self.close_byte() } else { Ok(()) };
        }
        let last = self.fin() && self.payload.len() as u64 == self.announced();
        if self.skipping {
            return Ok(());
        }
        let message = self.message.as_mut().unwrap();
        if message.compressed {
            return self.inflate(byte).inspect_err(|_| self.deciding = Some(self.frame_offset));
        }
        message.text.push(byte);
        if message.kind == DataKind::Text && !may_be_text(&message.text, last) {
            return Err(Fault::InvalidUtf8);
        }
        self.trace.push(Seen::Data { kind: message.kind, payload: vec![byte], fin: last });
        Ok(())
    }

    /// Inflates one byte. Judges each byte of the output as if it had arrived uncompressed.
    fn inflate(&mut self, byte: u8) -> Result<(), Fault> {
        let message = self.message.as_mut().unwrap();
        let (_, inflater) = self.inflation.as_mut().unwrap();
        let (output, valid) = inflater.feed(byte);
        for byte in output {
            message.text.push(byte);
            let limit = self.limits.message;
            if message.text.len() as u64 > limit {
                return Err(Fault::MessageTooLong { limit, at_least: limit + 1 });
            }
            if message.kind == DataKind::Text && !may_be_text(&message.text, false) {
                return Err(Fault::InvalidUtf8);
            }
        }
        if valid { Ok(()) } else { Err(NOT_DEFLATE) }
    }

    /// Handles the end of a compressed message.
    fn end_inflated(&mut self) -> Result<(), Fault> {
        let Unfinished { kind, text, .. } = self.message.take().unwrap();
        let (how, inflater) = self.inflation.as_mut().unwrap();
        if !inflater.end() {
            return Err(NOT_DEFLATE);
        }
        if !how.takeover {
            *inflater = Inflater::new(how.window);
        }
        if kind == DataKind::Text && !may_be_text(&text, true) {
            return Err(Fault::InvalidUtf8);
        }
        self.trace.push(Seen::Data { kind, payload: text, fin: true });
        Ok(())
    }

    fn close_byte(&self) -> Result<(), Fault> {
        match self.payload[..] {
            [_] => Ok(()),
            [high, low] => {
                let code = u16::from(high) << 8 | u16::from(low);
                match code {
                    1000..=1003 | 1007..=1014 | 3000..=4999 => Ok(()),
                    _ => Err(Fault::InvalidCloseCode(code)),
                }
            }
            _ => {
                let last = self.payload.len() as u64 == self.announced();
                let valid = may_be_text(&self.payload[2..], last);
                if valid { Ok(()) } else { Err(Fault::InvalidCloseReason) }
            }
        }
    }

    /// Handles the end of a frame.
    fn end(&mut self) -> Result<(), Fault> {
        let header = std::mem::take(&mut self.header);
        let payload = std::mem::take(&mut self.payload);
        match header[0] {
            0x88 => {
                let close = payload.split_first_chunk().map(|(code, reason)| Close {
                    code: CloseCode::new(u16::from_be_bytes(*code)).unwrap(),
                    reason: String::from_utf8(reason.to_vec()).unwrap(),
                });
                self.trace.push(Seen::Close(close));
            }
            0x89 => self.trace.push(Seen::Ping(payload)),
            0x8A => self.trace.push(Seen::Pong(payload)),
            0x80.. if self.skipping => {
                self.skipping = false;
                self.message = None;
            }
            0x80.. if self.message.as_ref().unwrap().compressed => {
                let offset = self.frame_offset;
                return self.end_inflated().inspect_err(|_| self.deciding = Some(offset));
            }
            0x80.. => {
                let message = self.message.take().unwrap();
                if payload.is_empty() {
                    if message.kind == DataKind::Text && !may_be_text(&message.text, true) {
                        return Err(Fault::InvalidUtf8);
                    }
                    let kind = message.kind;
                    self.trace.push(Seen::Data { kind, payload, fin: true });
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Whether these bytes are text, or the beginning of text.
fn may_be_text(bytes: &[u8], whole: bool) -> bool {
    // Everything before the last few bytes was valid before. Begin at a character.
    let mut start = bytes.len().saturating_sub(8);
    while start > 0 && bytes[start] & 0xC0 == 0x80 {
        start -= 1;
    }
    match std::str::from_utf8(&bytes[start..]) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none() && !whole,
    }
}
