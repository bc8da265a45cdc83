//! [`FrameDecoder`], which turns frames into events in the caller's buffer.
//!
//! # Advice for changing it
//!
//! * There are two paths. `whole` takes a message that is one uncompressed frame of less than 64
//!   KiB, all of it in the buffer. `step` takes everything else. `whole` only takes a message that
//!   `step` would take with the same result. In any other case it must leave the decoder and the
//!   buffer as they were, so it reports no faults. If you add a check to `step`, let `whole`
//!   decline wherever that check could fail.
//! * `header` judges a header byte by byte, in the order of the table at [`Fault`]. A new fault
//!   needs a row there, and belongs at the earliest byte that decides on it.
//! * Payload is unmasked in place, so every byte must be unmasked exactly once. A run of data is
//!   unmasked and taken at once. A control frame is only unmasked when it is complete. Until then,
//!   the part of a close frame that has arrived is checked in a copy.
//! * Every byte of a message before the deciding one is delivered before the error. If a run has
//!   valid bytes before the invalid one, it is cut there, and `fail_next` makes the next call fail.
//! * `offset` is the stream offset of the buffer's first byte. It advances by what each step takes,
//!   and stays at the deciding byte after a failure, so that the error is repeated unchanged.
//! * At most [`MIN_BUFFER`](FrameDecoder::MIN_BUFFER) - 1 bytes are left in the buffer: an
//!   incomplete header, or an incomplete control frame.
//! * A length is a `u64` until it has passed its limit.

use super::close::{Close, CloseCode};
use super::frame_event::{DataKind, FrameEvent, Run};
use super::frame_header;
use super::frame_header::{Bounds, Limit, OpCode, Rsv, ShortHeader};
use super::limits::{Limits, OnLimit};
use super::mask::MaskKey;
use super::protocol_error::{Fault, ProtocolError};
use super::role::Role;
use super::utf8_validator::{InvalidUtf8, Utf8Validator};
use crate::{simd, utf8};
use core::ops::Range;
#[cfg(feature = "alloc")]
use {
    crate::Utf8Bytes,
    bytes::{Buf, BytesMut},
};

/// Decodes the frames of one direction in the caller's buffer, and unmasks them in place ([RFC
/// 6455, section 5]).
///
/// The payload of a message is yielded as it arrives, but a control frame only as a whole. So a
/// buffer of [`MIN_BUFFER`](Self::MIN_BUFFER) bytes is enough for frames of any size. Text is
/// checked as it arrives. The decoder sends nothing: replies and the closing handshake are the task
/// of [`Reader`](crate::ws::connection::Reader).
///
/// Memory: the decoder itself, which has 88 bytes on 64-bit machines, or 96 with feature `deflate`.
///
/// [RFC 6455, section 5]: https://www.rfc-editor.org/rfc/rfc6455#section-5
///
/// ```
/// use eventwire::ws::Limits;
/// use eventwire::ws::frame::{DataKind, FrameDecoder, FrameEvent, Role, Run};
///
/// let mut decoder = FrameDecoder::new(Role::Client, Limits::new());
/// let mut buffer = *b"\x81\x05hello\x82\x02\xFF";
/// let mut input = &mut buffer[..];
/// let mut seen = Vec::new();
/// while let Some(event) = decoder.decode(&mut input)? {
///     if let FrameEvent::Data(Run { kind, payload, fin, .. }) = event {
///         seen.push((kind, &*payload, fin));
///     }
/// }
/// assert_eq!(seen, [(DataKind::Text, &b"hello"[..], true), (DataKind::Binary, b"\xFF", false)]);
/// # Ok::<(), eventwire::ws::ProtocolError>(())
/// ```
#[derive(Clone, Debug)]
pub struct FrameDecoder {
    role: Role,
    limits: Limits,
    /// Whether an extension that compresses messages was agreed on.
    compression: bool,
    /// The stream offset of the input's first byte.
    offset: u64,
    /// The number of payload bytes of the current data frame that are still to come.
    remaining: u64,
    /// The key that they are masked with.
    key: MaskKey,
    /// Whether the current frame is the last of its message.
    fin: bool,
    place: Place,
    /// Whether the current message is compressed, by its first frame.
    compressed: bool,
    /// The stream offset of the current data frame.
    #[cfg(feature = "deflate")]
    frame_offset: u64,
    /// The payload bytes of the message in all frames whose headers were taken, and the number of
    /// those frames.
    message_len: u64,
    fragments: u32,
    utf8: Utf8Validator,
    end: End,
}

/// The place of the stream in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Between,
    Message(DataKind),
    /// In a message that passed a limit and is dropped.
    Skipping,
}

/// Whether the stream has ended.
#[derive(Clone, Copy, Debug)]
enum End {
    No,
    /// Ended by a close frame.
    Closed,
    /// Failed, at the decoder's offset.
    Failed(Fault),
}

/// The front of a buffer, as ranges.
pub(in crate::ws) enum Step {
    Event {
        event: FrameEvent<Range<usize>, Range<usize>>,
        end: usize,
    },
    /// Nothing more, once `discard` bytes are dropped.
    More {
        discard: usize,
    },
}

impl Step {
    /// Takes the event off the buffer, whose memory it then shares.
    #[cfg(feature = "alloc")]
    #[inline]
    pub(in crate::ws) fn take(
        self,
        buffer: &mut BytesMut,
    ) -> Option<FrameEvent<BytesMut, Utf8Bytes>> {
        match self {
            Self::More { discard } => {
                buffer.advance(discard);
                None
            }
            Self::Event { event, end } => {
                let mut front = buffer.split_to(end);
                let slice = |range: Range<usize>| {
                    front.truncate(range.end);
                    front.advance(range.start);
                    front
                };
                Some(match event {
                    FrameEvent::Data(Run { kind, compressed, payload, fin }) => {
                        FrameEvent::Data(Run { kind, compressed, payload: slice(payload), fin })
                    }
                    FrameEvent::Ping(payload) => FrameEvent::Ping(slice(payload)),
                    FrameEvent::Pong(payload) => FrameEvent::Pong(slice(payload)),
                    FrameEvent::Skipped(error) => FrameEvent::Skipped(error),
                    FrameEvent::Close(close) => {
                        FrameEvent::Close(close.map(|Close { code, reason }| {
                            let reason = Utf8Bytes::from_utf8_lossy(slice(reason).freeze());
                            Close { code, reason }
                        }))
                    }
                })
            }
        }
    }
}

/// A header that passed all checks.
struct Header {
    opcode: OpCode,
    fin: bool,
    compressed: bool,
    key: MaskKey,
    payload_len: u64,
    len: usize,
}

/// A fault, and the index of the byte that decided on it.
type At = (usize, Fault);

impl FrameDecoder {
    /// The size of a buffer in which a decoder can always continue: that of the largest control
    /// frame.
    pub const MIN_BUFFER: usize = 131;

    /// Creates a decoder for the frames that our end, `role`, receives.
    #[must_use]
    pub const fn new(role: Role, limits: Limits) -> Self {
        Self {
            role,
            limits,
            compression: false,
            offset: 0,
            remaining: 0,
            key: MaskKey([0; 4]),
            fin: false,
            place: Place::Between,
            compressed: false,
            #[cfg(feature = "deflate")]
            frame_offset: 0,
            message_len: 0,
            fragments: 0,
            utf8: Utf8Validator::new(),
            end: End::No,
        }
    }

    /// Sets whether the peer may send compressed messages, because an extension that compresses
    /// them was negotiated ([RFC 7692, section 6]). Their payload is yielded
    /// [compressed](crate::ws::frame::Run::compressed). A proxy can pass it on, if it also passed
    /// on the handshake with its extensions.
    ///
    /// The decoder does not inflate anything. [`Deflate`](crate::ws::Deflate) does, in a
    /// [`MessageDecoder`](crate::ws::connection::MessageDecoder) and everything built on it.
    ///
    /// [RFC 7692, section 6]: https://www.rfc-editor.org/rfc/rfc7692#section-6
    #[must_use]
    pub const fn compression(mut self, agreed: bool) -> Self {
        self.compression = agreed;
        self
    }

    /// Takes the next event off the front of `input`.
    ///
    /// * `Ok(Some(event))`: `input` now begins after the event. Call again.
    /// * `Ok(None)`: there is no more for now. **Keep the rest of `input`, append to it, and call
    ///   again.** At most 130 bytes are left. They may be moved as a whole, but not altered.
    /// * `Err(error)`: the stream is dead, and the decoder repeats the error. All bytes of messages
    ///   before the deciding one have been delivered.
    ///
    /// Everything after a close frame is dropped ([RFC 6455, section 1.4]).
    ///
    /// [RFC 6455, section 1.4]: https://www.rfc-editor.org/rfc/rfc6455#section-1.4
    ///
    /// # Errors
    /// If the peer broke the protocol or passed a limit.
    #[inline(always)]
    pub fn decode<'a>(
        &mut self,
        input: &mut &'a mut [u8],
    ) -> Result<Option<FrameEvent<&'a mut [u8], &'a str>>, ProtocolError> {
        if let Some((kind, payload)) = self.whole(input) {
            let (front, rest) = core::mem::take(input).split_at_mut(payload.end);
            *input = rest;
            let payload = &mut front[payload.start..];
            return Ok(Some(FrameEvent::Data(Run { kind, compressed: false, payload, fin: true })));
        }
        self.decode_any(input)
    }

    /// Decodes like [`decode`](Self::decode), for everything except a [`whole`](Self::whole)
    /// message.
    #[inline(never)]
    fn decode_any<'a>(
        &mut self,
        input: &mut &'a mut [u8],
    ) -> Result<Option<FrameEvent<&'a mut [u8], &'a str>>, ProtocolError> {
        match self.step(input)? {
            Step::More { discard } => {
                *input = &mut core::mem::take(input)[discard..];
                Ok(None)
            }
            Step::Event { event, end } => {
                let (front, rest) = core::mem::take(input).split_at_mut(end);
                *input = rest;
                Ok(Some(match event {
                    FrameEvent::Data(Run { kind, compressed, payload, fin }) => {
                        FrameEvent::Data(Run {
                            kind,
                            compressed,
                            payload: &mut front[payload],
                            fin,
                        })
                    }
                    FrameEvent::Ping(payload) => FrameEvent::Ping(&mut front[payload]),
                    FrameEvent::Pong(payload) => FrameEvent::Pong(&mut front[payload]),
                    FrameEvent::Skipped(error) => FrameEvent::Skipped(error),
                    FrameEvent::Close(close) => {
                        FrameEvent::Close(close.map(|Close { code, reason }| {
                            let reason = core::str::from_utf8(&front[reason]).unwrap_or_default();
                            Close { code, reason }
                        }))
                    }
                }))
            }
        }
    }

    /// Sets what the peer may send from its next data frame on.
    ///
    /// A message under way goes on by the new limits, all of it counted: if it is too long for
    /// them already, its next frame that is not empty fails. A frame whose header was taken comes
    /// whole.
    ///
    /// ```
    /// use eventwire::ws::Limits;
    /// use eventwire::ws::frame::{Fault, FrameDecoder, Role};
    ///
    /// let mut decoder = FrameDecoder::new(Role::Client, Limits::new().max_message(4));
    /// decoder.set_limits(Limits::new().max_message(64 * 1024)); // the peer has logged in
    /// let mut frame = *b"\x81\x05hello";
    /// assert!(decoder.decode(&mut &mut frame[..])?.is_some());
    /// decoder.set_limits(Limits::new().max_message(4));
    /// let mut frame = *b"\x81\x05hello";
    /// let error = decoder.decode(&mut &mut frame[..]).unwrap_err();
    /// assert_eq!(error.fault, Fault::MessageTooLong { limit: 4, at_least: 5 });
    /// # Ok::<(), eventwire::ws::ProtocolError>(())
    /// ```
    pub const fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Returns whether a message has begun but not ended, not even by a close frame or an error. At
    /// the end of a stream, a message was cut off if this returns `true` or if input is left.
    #[must_use]
    pub const fn in_message(&self) -> bool {
        !matches!(self.place, Place::Between)
    }

    /// Takes the whole message at the front of `input`, if it is one frame of less than 64 KiB
    /// without any fault, as most messages are. Otherwise this does nothing, and
    /// [`step`](Self::step) must be called.
    #[inline(always)]
    pub(in crate::ws) fn whole(&mut self, input: &mut [u8]) -> Option<(DataKind, Range<usize>)> {
        let masked = self.role == Role::Server;
        let may_come = |len: u16| {
            let Limits { max_frame, max_message, max_fragments, .. } = self.limits;
            let allowed = u64::from(len) <= max_frame.min(max_message) && max_fragments > 0;
            allowed && matches!(self.end, End::No) && !self.in_message()
        };
        let ShortHeader { kind, len, key, start } =
            frame_header::whole_message(input.first_chunk()?, masked, may_come)?;
        let end = start + usize::from(len);
        let payload = input.get_mut(start..end)?;
        let ascii = match (masked, kind) {
            (true, _) => simd::unmask_text(payload, key),
            (false, DataKind::Text) => simd::is_ascii(payload),
            (false, DataKind::Binary) => true,
        };
        if kind == DataKind::Text && !ascii && !is_utf8(payload, key) {
            return None;
        }
        self.offset += end as u64;
        Some((kind, start..end))
    }

    /// Takes the next step at the front of `input`.
    pub(in crate::ws) fn step(&mut self, input: &mut [u8]) -> Result<Step, ProtocolError> {
        match self.end {
            End::No => {}
            End::Closed => return Ok(Step::More { discard: input.len() }),
            End::Failed(fault) => return Err(ProtocolError { fault, offset: self.offset }),
        }
        match self.advance(input) {
            Ok(step) => {
                let (Step::Event { end: taken, .. } | Step::More { discard: taken }) = step;
                self.offset += taken as u64;
                Ok(step)
            }
            Err(at) => Err(self.fail(at)),
        }
    }

    /// Ends the stream.
    fn fail(&mut self, (at, fault): At) -> ProtocolError {
        self.offset += at as u64;
        self.fail_next(fault);
        ProtocolError { fault, offset: self.offset }
    }

    /// Ends the stream after the event that is returned now: the next call fails.
    fn fail_next(&mut self, fault: Fault) {
        self.end = End::Failed(fault);
        self.end_message();
    }

    fn advance(&mut self, input: &mut [u8]) -> Result<Step, At> {
        let mut start = 0;
        loop {
            if self.remaining == 0 {
                let header = match self.header(&input[start..], self.place != Place::Skipping) {
                    Ok(Some(header)) => header,
                    Ok(None) => return Ok(Step::More { discard: start }),
                    Err(at) => return self.skip(at, input, start),
                };
                if header.opcode.is_control() {
                    return self.control(&header, input, start);
                }
                #[cfg(feature = "deflate")]
                {
                    self.frame_offset = self.offset + start as u64;
                }
                start += header.len;
                self.begin(&header);
            }
            if let Place::Message(kind) = self.place {
                if let Some(step) = self.payload(kind, input, start)? {
                    return Ok(step);
                }
            } else {
                start += self.skip_payload(input.len() - start);
                if self.remaining > 0 {
                    return Ok(Step::More { discard: start });
                }
            }
        }
    }

    /// Parses the header at the front of `input`, if it is complete, and judges it byte by byte.
    /// `limited` sets whether limits apply.
    fn header(&self, input: &[u8], limited: bool) -> Result<Option<Header>, At> {
        let Some((&b0, behind)) = input.split_first() else { return Ok(None) };
        let (fin, opcode) = self.first_byte(b0, limited).map_err(|fault| (0, fault))?;
        let Some((&b1, behind)) = behind.split_first() else { return Ok(None) };
        self.second_byte(opcode, b1).map_err(|fault| (1, fault))?;
        let compressed = match opcode {
            OpCode::Continuation => self.compressed,
            _ => frame_header::rsv(b0) == Rsv::RSV1,
        };
        let limited = limited && !opcode.is_control();
        let limit = if limited { self.limit(compressed) } else { Limit::NONE };
        let Some((payload_len, width)) =
            frame_header::payload_len(b1, behind, limit).map_err(|(at, fault)| (1 + at, fault))?
        else {
            return Ok(None);
        };
        let (key, len) = match self.role {
            Role::Client => (MaskKey([0; 4]), 2 + width),
            Role::Server => {
                let Some(key) = behind[width..].first_chunk() else { return Ok(None) };
                (MaskKey(*key), 2 + width + key.len())
            }
        };
        Ok(Some(Header { opcode, fin, compressed, key, payload_len, len }))
    }

    fn first_byte(&self, b0: u8, limited: bool) -> Result<(bool, OpCode), Fault> {
        let rsv = frame_header::rsv(b0);
        if rsv != Rsv::NONE && !(self.compression && frame_header::may_be_compressed(b0)) {
            return Err(Fault::ReservedBits(rsv));
        }
        let (fin, opcode) = frame_header::first_byte(b0)?;
        if !opcode.is_control() {
            let limit = self.limits.max_fragments;
            match (self.in_message(), opcode) {
                (false, OpCode::Continuation) => return Err(Fault::UnexpectedContinuation),
                (true, OpCode::Text) => return Err(Fault::UnfinishedMessage(DataKind::Text)),
                (true, OpCode::Binary) => return Err(Fault::UnfinishedMessage(DataKind::Binary)),
                _ if limited && self.fragments >= limit => {
                    return Err(Fault::TooManyFragments { limit });
                }
                _ => {}
            }
        }
        Ok((fin, opcode))
    }

    fn second_byte(&self, opcode: OpCode, b1: u8) -> Result<(), Fault> {
        match (self.role, frame_header::is_masked(b1)) {
            (Role::Server, false) => Err(Fault::Unmasked),
            (Role::Client, true) => Err(Fault::Masked),
            _ => frame_header::second_byte(opcode, b1),
        }
    }

    /// Returns the maximum length of the next data frame.
    fn limit(&self, compressed: bool) -> Limit {
        let Limits { max_frame, max_message, .. } = self.limits;
        let room = max_message.saturating_sub(self.message_len);
        let room = if compressed { u64::MAX } else { room };
        if max_frame <= room {
            Limit { max: max_frame, bounds: Bounds::Frame }
        } else {
            let bounds = Bounds::Message { limit: max_message, before: self.message_len };
            Limit { max: room, bounds }
        }
    }

    /// Begins a data frame.
    fn begin(&mut self, header: &Header) {
        match header.opcode {
            OpCode::Text => self.place = Place::Message(DataKind::Text),
            OpCode::Binary => self.place = Place::Message(DataKind::Binary),
            _ => {}
        }
        self.compressed = header.compressed;
        self.fragments = self.fragments.saturating_add(1);
        self.message_len = self.message_len.saturating_add(header.payload_len);
        self.remaining = header.payload_len;
        self.key = header.key;
        self.fin = header.fin;
    }

    /// Takes the available payload of a data frame, from `start` on.
    fn payload(
        &mut self,
        kind: DataKind,
        input: &mut [u8],
        start: usize,
    ) -> Result<Option<Step>, At> {
        let available = input.len() - start;
        let len = self.present(available);
        if len == 0 && self.remaining > 0 {
            return Ok(Some(Step::More { discard: start }));
        }
        let compressed = self.compressed;
        let mut end = start + len;
        self.remaining -= len as u64;
        let fin = self.fin && self.remaining == 0;
        match self.unmask(kind, &mut input[start..end], fin) {
            Ok(()) => {}
            // An empty frame ends the text inside a character. Its last byte is that of the header.
            Err(_) if len == 0 => return Err((start - 1, Fault::InvalidUtf8)),
            Err(InvalidUtf8 { index: 0 }) => return Err((start, Fault::InvalidUtf8)),
            Err(InvalidUtf8 { index }) => {
                end = start + index;
                self.fail_next(Fault::InvalidUtf8);
                let data = Run { kind, compressed, payload: start..end, fin: false };
                return Ok(Some(Step::Event { event: FrameEvent::Data(data), end }));
            }
        }
        if fin {
            self.end_message();
        } else if len == 0 {
            return Ok(None);
        }
        let data = Run { kind, compressed, payload: start..end, fin };
        Ok(Some(Step::Event { event: FrameEvent::Data(data), end }))
    }

    /// Returns how many of the `available` bytes after its header belong to the current data frame.
    fn present(&self, available: usize) -> usize {
        usize::try_from(self.remaining).map_or(available, |len| len.min(available))
    }

    /// Clears all that is kept of a message. The header of the next frame sets the rest.
    fn end_message(&mut self) {
        self.place = Place::Between;
        self.message_len = 0;
        self.fragments = 0;
        self.utf8 = Utf8Validator::new();
    }

    /// Returns whether a message with this fault, in a frame with this first byte, can be dropped.
    /// A compressed message cannot, because later messages may refer to it.
    fn may_skip(&self, fault: Fault, b0: u8) -> bool {
        let compressed =
            if self.in_message() { self.compressed } else { frame_header::may_be_compressed(b0) };
        self.limits.on_limit == OnLimit::Skip && fault.is_limit() && !compressed
    }

    /// Drops the message with the frame at `start`, if its header passes a limit. Waits until the
    /// header is complete and tells how long the frame is.
    #[cold]
    fn skip(&mut self, (at, fault): At, input: &[u8], start: usize) -> Result<Step, At> {
        if !self.may_skip(fault, input[start]) {
            return Err((start + at, fault));
        }
        let header = self.header(&input[start..], false).map_err(|(at, it)| (start + at, it))?;
        let Some(header) = header else { return Ok(Step::More { discard: start }) };
        let fault = fault.of_length(self.message_len, header.payload_len);
        let offset = self.offset + (start + at) as u64;
        self.begin(&header);
        self.place = Place::Skipping;
        self.skip_payload(0);
        let end = start + header.len;
        Ok(Step::Event { event: FrameEvent::Skipped(ProtocolError { fault, offset }), end })
    }

    /// Returns how many of the `available` bytes belong to a frame that is dropped.
    fn skip_payload(&mut self, available: usize) -> usize {
        let len = self.present(available);
        self.remaining -= len as u64;
        if self.remaining == 0 && self.fin {
            self.end_message();
        }
        len
    }

    /// Unmasks a run, and validates it if it is uncompressed text.
    fn unmask(&mut self, kind: DataKind, run: &mut [u8], fin: bool) -> Result<(), InvalidUtf8> {
        let masked = self.role == Role::Server;
        if kind == DataKind::Binary || self.compressed {
            if masked {
                self.key.apply(run);
            }
            return Ok(());
        }
        let ascii = if masked { self.key.apply_to_text(run) } else { simd::is_ascii(run) };
        if !(ascii && self.utf8.is_complete()) {
            self.utf8.feed(run)?;
            if fin && !self.utf8.is_complete() {
                return Err(InvalidUtf8 { index: run.len().saturating_sub(1) });
            }
        }
        Ok(())
    }

    /// Takes the control frame whose header is at `start`, once it is complete.
    fn control(&mut self, header: &Header, input: &mut [u8], start: usize) -> Result<Step, At> {
        let payload = start + header.len;
        let available = &mut input[payload..];
        let mut key = header.key;
        let behind = |(at, fault)| (payload + at, fault);
        #[expect(clippy::cast_possible_truncation, reason = "the length is at most 125")]
        let len = header.payload_len as usize;
        if available.len() < len {
            if header.opcode == OpCode::Close {
                let mut plain = [0; frame_header::MAX_CONTROL];
                let plain = &mut plain[..available.len()];
                plain.copy_from_slice(available);
                key.apply(plain);
                close(plain, len).map_err(behind)?;
            }
            return Ok(Step::More { discard: start });
        }
        key.apply(&mut available[..len]);
        let end = payload + len;
        let event = match header.opcode {
            OpCode::Ping => FrameEvent::Ping(payload..end),
            OpCode::Pong => FrameEvent::Pong(payload..end),
            _ => {
                let code = close(&available[..len], len).map_err(behind)?;
                self.end = End::Closed;
                self.end_message();
                FrameEvent::Close(code.map(|code| Close { code, reason: payload + 2..end }))
            }
        };
        Ok(Step::Event { event, end })
    }
}

#[cfg(feature = "alloc")]
impl FrameDecoder {
    /// Decodes like [`decode`](Self::decode), from a buffer that you read into. Events share its
    /// memory.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    #[inline(always)]
    pub fn decode_buffer(
        &mut self,
        buffer: &mut BytesMut,
    ) -> Result<Option<FrameEvent<BytesMut, Utf8Bytes>>, ProtocolError> {
        if let Some((kind, Range { start, end })) = self.whole(buffer) {
            let mut payload = buffer.split_to(end);
            payload.advance(start);
            return Ok(Some(FrameEvent::Data(Run { kind, compressed: false, payload, fin: true })));
        }
        self.decode_any_mut(buffer)
    }

    /// Decodes like [`decode_buffer`](Self::decode_buffer), for everything except a
    /// [`whole`](Self::whole) message.
    #[inline(never)]
    fn decode_any_mut(
        &mut self,
        buffer: &mut BytesMut,
    ) -> Result<Option<FrameEvent<BytesMut, Utf8Bytes>>, ProtocolError> {
        Ok(self.step(buffer)?.take(buffer))
    }

    pub(in crate::ws) const fn role(&self) -> Role {
        self.role
    }

    pub(in crate::ws) const fn max_message(&self) -> u64 {
        self.limits.max_message
    }

    /// Does the same as [`compression`](Self::compression).
    pub(in crate::ws) const fn allow_compression(&mut self, agreed: bool) {
        self.compression = agreed;
    }

    /// Returns the greatest length that the current message can have: exact once its last frame has
    /// begun, and the limit before.
    pub(in crate::ws) const fn longest_message(&self) -> u64 {
        let Limits { max_message, .. } = self.limits;
        if self.fin || max_message < self.message_len { self.message_len } else { max_message }
    }

    /// Ends the stream, because an extension found a fault in the current data frame's payload.
    pub(in crate::ws) fn fail_frame(&mut self, fault: Fault) -> ProtocolError {
        #[cfg(feature = "deflate")]
        {
            self.offset = self.frame_offset;
        }
        self.fail((0, fault))
    }
}

/// Returns whether the text is valid. If not, masks it again, to undo the unmasking.
#[inline(never)]
fn is_utf8(text: &mut [u8], key: [u8; 4]) -> bool {
    let valid = utf8::from_utf8(text).is_ok();
    if !valid {
        simd::mask(text, key);
    }
    valid
}

/// Returns the code of a close frame whose payload has `len` bytes and begins with `payload`.
fn close(payload: &[u8], len: usize) -> Result<Option<CloseCode>, At> {
    let Some((code, reason)) = payload.split_first_chunk() else { return Ok(None) };
    let code = u16::from_be_bytes(*code);
    let code = CloseCode::new(code).ok_or((1, Fault::InvalidCloseCode(code)))?;
    let mut utf8 = Utf8Validator::new();
    let checked = utf8.feed(reason).map_err(|InvalidUtf8 { index }| 2 + index);
    match checked {
        Err(at) => Err((at, Fault::InvalidCloseReason)),
        Ok(()) if payload.len() == len && !utf8.is_complete() => {
            Err((len - 1, Fault::InvalidCloseReason))
        }
        Ok(()) => Ok(Some(code)),
    }
}
