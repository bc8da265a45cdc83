//! [`Writer`], the sending half of a connection.

use super::connection_state::ConnectionState;
use super::into_frame::IntoFrame;
use super::reply::Reply;
use super::send_error::SendError;
use crate::ws::deflate::{BoxedDeflater, Scratch};
use crate::ws::frame::{
    DataKind, Frame, HeaderBytes, MaskKey, MaskSource, NoMask, OpCode, Role, Run, Shape,
    Utf8Validator,
};
use crate::{BufferTooSmall, simd};
#[cfg(feature = "alloc")]
use {
    super::prepared_frame::PreparedFrame,
    crate::ws::deflate::{Deflate, DeflateParams, MessageDeflater},
    crate::ws::frame::Encoded,
    bytes::{BufMut, Bytes},
};

/// The sending half of a connection. Masks the frames of a client, checks the order of fragments,
/// and sends nothing after its close frame except pings and pongs (RFC 6455, sections [5.4],
/// [5.5.1] and [5.5.2]).
///
/// The writer works apart from its [`Reader`](crate::ws::connection::Reader) without a lock. Carry
/// the replies that the reader owes to the peer over as [`Reply`]s.
///
/// [5.4]: https://www.rfc-editor.org/rfc/rfc6455#section-5.4
/// [5.5.1]: https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
/// [5.5.2]: https://www.rfc-editor.org/rfc/rfc6455#section-5.5.2
///
/// ```
/// use eventwire::ws::{Frame, SendError};
/// use eventwire::ws::connection::Writer;
///
/// let mut writer = Writer::server();
/// let mut buffer = [0; 16];
/// let len = writer.send(&Frame::text("hi"), &mut buffer)?;
/// assert_eq!(&buffer[..len], b"\x81\x02hi");
///
/// writer.send(&Frame::close(None).unwrap(), &mut buffer)?;
/// assert_eq!(writer.send(&Frame::text("more"), &mut buffer), Err(SendError::Closed));
/// # Ok::<(), SendError>(())
/// ```
#[derive(Debug)]
pub struct Writer<M = NoMask> {
    /// `None` on a server.
    masks: Option<M>,
    /// The message that has begun but not ended.
    unfinished: Option<Unfinished>,
    /// Whether messages that were compressed elsewhere may be sent.
    compression: bool,
    deflater: Option<BoxedDeflater>,
    close_sent: bool,
    /// Whether the peer has closed or broken the protocol.
    peer_closed: bool,
}

/// A message that has begun but not ended, in the form in which the caller sends it.
#[derive(Clone, Copy, Debug)]
struct Unfinished {
    opcode: OpCode,
    compressed: bool,
    /// The state of the text after its last run, which may end inside a character.
    utf8: Utf8Validator,
}

impl Unfinished {
    #[inline]
    const fn new(Shape { opcode, compressed, .. }: Shape) -> Self {
        Self { opcode, compressed, utf8: Utf8Validator::new() }
    }

    /// Returns whether a continuing frame of this shape belongs to the message.
    #[inline]
    fn goes_on_with(self, Shape { opcode, compressed, .. }: Shape) -> bool {
        self.opcode == opcode && self.compressed == compressed
    }
}

impl Writer {
    /// Creates the writer of a server.
    #[must_use]
    pub const fn server() -> Self {
        Self::new(None)
    }

    /// Sends a frame without touching its payload. Returns the header and the payload, to be
    /// written in this order.
    ///
    /// # Errors
    /// If the frame may not be sent now.
    pub fn send_shared<P: AsRef<[u8]>>(
        &mut self,
        frame: Frame<P>,
    ) -> Result<(HeaderBytes, P), SendError> {
        self.share(frame)
    }
}

#[cfg(feature = "alloc")]
impl Writer {
    /// Sends a frame that was encoded for many receivers. Returns the bytes to write. If it is
    /// compressed, it refers to nothing that was sent before, and nothing that is sent later refers
    /// to it.
    ///
    /// # Errors
    /// If the frame may not be sent now.
    pub fn send_prepared(&mut self, frame: &PreparedFrame) -> Result<Bytes, SendError> {
        self.share_prepared(frame).map(|encoded| encoded.bytes)
    }
}

impl<M> Writer<M> {
    const fn new(masks: Option<M>) -> Self {
        Self {
            masks,
            unfinished: None,
            compression: false,
            deflater: None,
            close_sent: false,
            peer_closed: false,
        }
    }

    /// Sets whether [runs](Self::send_run) of messages that are already compressed may be sent,
    /// because an extension that compresses was agreed on ([RFC 7692, section
    /// 6](https://www.rfc-editor.org/rfc/rfc7692#section-6)). This is for programs that pass such
    /// messages on and compress nothing themselves.
    #[must_use]
    pub const fn compression(mut self, agreed: bool) -> Self {
        self.compression = agreed;
        self
    }

    /// Compresses messages as the handshake agreed, if it did. Call it before anything is sent. Two
    /// kinds of message still go out uncompressed: messages that are [too
    /// short](crate::ws::Deflate::min_len) or [not to be compressed](Frame::compress), and payloads
    /// that are sent [shared](Writer::send_shared) or [in place](Self::send_in_place).
    ///
    /// If the output is [too small](SendError::BufferTooSmall), sending the frame again compresses
    /// it anew, without the messages before it. So it may then need more room than the error says.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(mut self, deflate: &Deflate, agreed: Option<DeflateParams>) -> Self {
        self.set_deflate(deflate, agreed);
        self
    }

    /// Returns whether messages that were compressed elsewhere may be sent. They refer to what was
    /// sent there, so they cannot be mixed with messages that we compress.
    const fn passes_on(&self) -> bool {
        self.compression && self.deflater.is_none()
    }

    /// Returns the state of the closing handshake, by the frames that were sent and the replies
    /// that were carried here.
    #[must_use]
    pub const fn state(&self) -> ConnectionState {
        match (self.close_sent, self.peer_closed) {
            (false, false) => ConnectionState::Open,
            (true, false) => ConnectionState::LocalClosing,
            (false, true) => ConnectionState::RemoteClosing,
            (true, true) => ConnectionState::Closed,
        }
    }

    #[inline]
    pub(in crate::ws) const fn peer_closed(&mut self) {
        self.peer_closed = true;
    }

    pub(in crate::ws) const fn close_sent(&self) -> bool {
        self.close_sent
    }

    /// Returns which end of the connection this is.
    #[must_use]
    pub const fn role(&self) -> Role {
        if self.masks.is_some() { Role::Client } else { Role::Server }
    }
}

#[cfg(feature = "alloc")]
impl<M> Writer<M> {
    pub(super) fn set_deflate(&mut self, deflate: &Deflate, agreed: Option<DeflateParams>) {
        let role = self.role();
        self.deflater = agreed.map(|params| MessageDeflater::boxed(deflate, params, role));
    }

    /// Returns whether this frame would be compressed.
    pub(in crate::ws) fn compresses<P: AsRef<[u8]>>(&self, frame: &Frame<P>) -> bool {
        self.deflater.as_ref().is_some_and(|deflater| deflater.takes(frame))
    }
}

impl<M: MaskSource> Writer<M> {
    /// Sends a frame as [`send_shared`](Writer::send_shared) does. The role must be a server's.
    pub(in crate::ws) fn share<P: AsRef<[u8]>>(
        &mut self,
        frame: Frame<P>,
    ) -> Result<(HeaderBytes, P), SendError> {
        debug_assert_eq!(self.role(), Role::Server);
        self.check_plain(frame.shape)?;
        self.sent(frame.shape);
        let (header, _) = frame.header(None);
        Ok((header, frame.payload))
    }

    /// Sends a frame as [`send_prepared`](Writer::send_prepared) does. Returns it with the lengths
    /// of its parts. The role must be a server's.
    #[cfg(feature = "alloc")]
    pub(in crate::ws) fn share_prepared(
        &mut self,
        frame: &PreparedFrame,
    ) -> Result<Encoded, SendError> {
        debug_assert_eq!(self.role(), Role::Server);
        self.check_plain(frame.shape)?;
        self.sent(frame.shape);
        let compressed = self.deflater.as_mut().and_then(|deflater| frame.compressed(deflater));
        Ok(compressed.unwrap_or_else(|| frame.encoded.clone()))
    }

    /// Creates the writer of a client, which masks its frames with these keys.
    #[must_use]
    pub const fn client(masks: M) -> Self {
        Self::new(Some(masks))
    }

    /// Creates the writer of a program that learns its role at run time. A server drops `masks`.
    ///
    /// All ways to send work in both roles, except [`send_shared`](Writer::send_shared) and
    /// [`send_prepared`](Writer::send_prepared). These return unmasked bytes, so they need a writer
    /// that is a server's by its type.
    #[must_use]
    pub fn with_role(role: Role, masks: M) -> Self {
        Self::new(matches!(role, Role::Client).then_some(masks))
    }

    /// Writes a frame to the front of `buffer`, and returns its length. You can send anything that
    /// is [a frame or becomes one](IntoFrame).
    ///
    /// # Errors
    /// If the frame may not be sent now or does not fit, or if there is no masking key.
    #[inline]
    pub fn send<F: IntoFrame>(&mut self, frame: F, buffer: &mut [u8]) -> Result<usize, SendError> {
        let frame = frame.into_frame()?;
        self.check(frame.shape)?;
        self.put(frame.borrowed(), |frame, mask| frame.encode(mask, buffer))
    }

    /// Sends a frame without copying its payload. A client masks the payload in place. Returns the
    /// header and the payload, to be written in this order.
    ///
    /// ```
    /// use eventwire::ws::Frame;
    /// use eventwire::ws::connection::Writer;
    ///
    /// let mut writer = Writer::client(rand::random::<[u8; 4]>);
    /// let mut payload = *b"\x01\x02\x03\x04\x05";
    /// let (header, payload) = writer.send_in_place(Frame::binary(&mut payload[..]))?;
    /// let key = &header[2..];
    /// assert_eq!((&header[..2], payload[0]), (&b"\x82\x85"[..], 0x01 ^ key[0]));
    /// # Ok::<(), eventwire::ws::SendError>(())
    /// ```
    ///
    /// # Errors
    /// If the frame may not be sent now, or if there is no masking key.
    pub fn send_in_place<P: AsRef<[u8]> + AsMut<[u8]>>(
        &mut self,
        mut frame: Frame<P>,
    ) -> Result<(HeaderBytes, P), SendError> {
        self.check_plain(frame.shape)?;
        let (header, mask) = frame.header(self.mask()?);
        if let Some(mut key) = mask {
            key.apply(frame.payload.as_mut());
        }
        self.sent(frame.shape);
        Ok((header, frame.payload))
    }

    /// Writes a run of a message, as a [`FrameDecoder`](crate::ws::frame::FrameDecoder) yields it,
    /// to the front of `buffer` as a frame of its own, and returns its length. Use it to pass
    /// messages on, or back, as they arrive. The runs tell which frame begins the message and which
    /// frame ends it.
    ///
    /// ```
    /// use eventwire::ws::{Connection, Limits};
    /// use eventwire::ws::frame::FrameEvent;
    ///
    /// let mut connection = Connection::frame_server(Limits::new());
    /// let mut received = *b"\x81\x82\0\0\0\0\xC3\xBC";
    /// let mut to_send = [0; 64];
    /// let mut sent = 0;
    /// for mut input in received.chunks_mut(7) { // which cuts the character
    ///     while let Some(event) = connection.receive(&mut input)? {
    ///         if let FrameEvent::Data(run) = event {
    ///             sent += connection.writer().send_run(&run, &mut to_send[sent..])?;
    ///         }
    ///     }
    /// }
    /// assert_eq!(&to_send[..sent], b"\x01\x01\xC3\x80\x01\xBC");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`send`](Self::send), or if the runs of a text are not UTF-8 together.
    pub fn send_run<P: AsRef<[u8]>>(
        &mut self,
        run: &Run<P>,
        buffer: &mut [u8],
    ) -> Result<usize, SendError> {
        let (frame, utf8) = self.run(run)?;
        let len = self.put(frame, |frame, mask| frame.encode(mask, buffer))?;
        self.ran(utf8);
        Ok(len)
    }

    /// Writes a reply of the reader to the front of `buffer`, and returns its length. The length is
    /// 0 if our close frame makes the reply needless.
    ///
    /// # Errors
    /// If the reply does not fit (131 bytes are always enough), or if there is no masking key.
    pub fn reply(&mut self, reply: &Reply, buffer: &mut [u8]) -> Result<usize, SendError> {
        self.answer(reply, |frame, mask| frame.encode(mask, buffer)).map(Option::unwrap_or_default)
    }

    fn answer<T>(
        &mut self,
        reply: &Reply,
        encode: impl FnOnce(&Frame<&[u8]>, Option<MaskKey>) -> Result<T, BufferTooSmall>,
    ) -> Result<Option<T>, SendError> {
        let frame = reply.frame();
        // Only our close frame answers the peer's, and only once.
        let close = frame.shape.opcode == OpCode::Close;
        self.peer_closed |= close;
        if self.peer_closed && (self.close_sent || !close) {
            return Ok(None);
        }
        self.put(frame, encode).map(Some)
    }

    /// Encodes a frame that may be sent, and notes that it was sent.
    #[inline]
    fn put<T>(
        &mut self,
        frame: Frame<&[u8]>,
        encode: impl FnOnce(&Frame<&[u8]>, Option<MaskKey>) -> Result<T, BufferTooSmall>,
    ) -> Result<T, SendError> {
        let mask = self.mask()?;
        let encoded = match &mut self.deflater {
            Some(deflater) if deflater.takes(&frame) => {
                let mut room = Scratch::take();
                let encoded = encode(&deflater.compress(frame, &mut room), mask);
                deflater.sent(frame.shape, encoded.is_ok());
                encoded?
            }
            _ => encode(&frame, mask)?,
        };
        self.sent(frame.shape);
        Ok(encoded)
    }

    #[inline]
    fn mask(&mut self) -> Result<Option<MaskKey>, SendError> {
        Ok(self.masks.as_mut().map(MaskSource::next_key).transpose()?)
    }

    /// Returns the frame of a run, and the state of the text after the run.
    fn run<'p, P: AsRef<[u8]>>(
        &self,
        run: &'p Run<P>,
    ) -> Result<(Frame<&'p [u8]>, Utf8Validator), SendError> {
        let payload = run.payload.as_ref();
        let mut utf8 = self.unfinished.map_or_else(Utf8Validator::new, |it| it.utf8);
        if run.compressed && !self.passes_on() {
            return Err(SendError::CompressedRun);
        }
        let text = run.kind == DataKind::Text && !run.compressed;
        if text && !(utf8.is_complete() && simd::is_ascii(payload)) {
            utf8.feed(payload).map_err(|_| SendError::InvalidUtf8)?;
            if run.fin && !utf8.is_complete() {
                return Err(SendError::InvalidUtf8);
            }
        }
        let shape = Shape {
            opcode: match run.kind {
                DataKind::Text => OpCode::Text,
                DataKind::Binary => OpCode::Binary,
            },
            continuing: self.unfinished.is_some(),
            fin: run.fin,
            compressed: run.compressed,
        };
        self.check_order(shape)?;
        Ok((Frame::shaped(shape, payload), utf8))
    }

    #[inline]
    fn check(&self, shape: Shape) -> Result<(), SendError> {
        self.check_order(shape)?;
        match self.unfinished {
            // A frame of text is valid by itself, so it cannot begin inside a character.
            Some(Unfinished { utf8, .. }) if !utf8.is_complete() && !shape.opcode.is_control() => {
                Err(SendError::InvalidUtf8)
            }
            _ => Ok(()),
        }
    }

    /// Checks a frame that cannot be compressed, as [`check`](Self::check) does.
    fn check_plain(&self, shape: Shape) -> Result<(), SendError> {
        self.check(shape)?;
        if shape.continuing && matches!(&self.deflater, Some(deflater) if deflater.in_message()) {
            return Err(SendError::InCompressedMessage);
        }
        Ok(())
    }

    #[inline]
    fn check_order(&self, shape: Shape) -> Result<(), SendError> {
        let may_follow = match shape.opcode {
            OpCode::Close => !self.close_sent,
            // Also after our close frame (RFC 6455, 5.5.2).
            control if control.is_control() => !self.peer_closed,
            _ => !self.close_sent && !self.peer_closed,
        };
        if !may_follow {
            return Err(SendError::Closed);
        }
        if shape.opcode.is_control() {
            return Ok(());
        }
        match (self.unfinished, shape.continuing) {
            (None, true) => Err(SendError::UnexpectedContinuation),
            (Some(_), false) => Err(SendError::UnfinishedMessage),
            (Some(unfinished), true) if !unfinished.goes_on_with(shape) => {
                Err(SendError::UnfinishedMessage)
            }
            _ => Ok(()),
        }
    }

    /// Notes that a frame was sent.
    #[inline]
    fn sent(&mut self, shape: Shape) {
        match shape.opcode {
            OpCode::Close => {
                self.close_sent = true;
                self.deflater = None;
            }
            control if control.is_control() => {}
            _ => self.unfinished = (!shape.fin).then_some(Unfinished::new(shape)),
        }
    }

    /// Notes where in a character the run ended that was sent.
    fn ran(&mut self, utf8: Utf8Validator) {
        if let Some(unfinished) = &mut self.unfinished {
            unfinished.utf8 = utf8;
        }
    }
}

#[cfg(feature = "alloc")]
impl<M: MaskSource> Writer<M> {
    /// Appends a frame to `buffer`.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    #[inline]
    pub fn send_to<F: IntoFrame, B: BufMut>(
        &mut self,
        frame: F,
        buffer: &mut B,
    ) -> Result<(), SendError> {
        self.append_to(&frame.into_frame()?, buffer).map(drop)
    }

    /// Appends a frame, as [`send_to`](Self::send_to) does. Returns the length of its payload.
    #[inline]
    pub(in crate::ws) fn append_to<P: AsRef<[u8]>, B: BufMut>(
        &mut self,
        frame: &Frame<P>,
        buffer: &mut B,
    ) -> Result<usize, SendError> {
        self.check(frame.shape)?;
        self.put(frame.borrowed(), |frame, mask| frame.append_to(mask, buffer))
    }

    /// Appends a run of a message to `buffer`, as [`send_run`](Self::send_run) writes it.
    ///
    /// # Errors
    /// As [`send_run`](Self::send_run).
    pub fn send_run_to<P: AsRef<[u8]>, B: BufMut>(
        &mut self,
        run: &Run<P>,
        buffer: &mut B,
    ) -> Result<(), SendError> {
        let (frame, utf8) = self.run(run)?;
        self.put(frame, |frame, mask| frame.encode_to(mask, buffer))?;
        self.ran(utf8);
        Ok(())
    }

    /// Appends a reply of the reader to `buffer`.
    ///
    /// # Errors
    /// As [`reply`](Self::reply).
    pub fn reply_to<B: BufMut>(&mut self, reply: &Reply, buffer: &mut B) -> Result<(), SendError> {
        self.append_reply(reply, buffer).map(drop)
    }

    /// Appends a reply, as [`reply_to`](Self::reply_to) does. Returns the length of its payload, or
    /// `None` if nothing was appended.
    pub(super) fn append_reply<B: BufMut>(
        &mut self,
        reply: &Reply,
        buffer: &mut B,
    ) -> Result<Option<usize>, SendError> {
        self.answer(reply, |frame, mask| frame.append_to(mask, buffer))
    }
}
