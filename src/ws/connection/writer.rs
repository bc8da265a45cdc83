//! The sending half of a connection.

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

/// The sending half of a connection: masks what a client sends, keeps the order of fragments right,
/// and sends nothing after its close frame but pings and pongs (RFC 6455, 5.4, 5.5.1, 5.5.2).
///
/// It needs no lock to be apart from its [`Reader`](crate::ws::connection::Reader): what that one owes to the peer
/// is carried over as a [`Reply`].
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
    /// The message that was begun and not ended.
    unfinished: Option<Unfinished>,
    /// Whether messages may go out as somebody else compressed them.
    compression: bool,
    deflater: Option<BoxedDeflater>,
    close_sent: bool,
    /// The peer closed, or broke the protocol.
    peer_closed: bool,
}

/// A message that was begun and not ended, as it was given.
#[derive(Clone, Copy, Debug)]
struct Unfinished {
    opcode: OpCode,
    compressed: bool,
    /// Whether the last run of a text cut a character.
    utf8: Utf8Validator,
}

impl Unfinished {
    #[inline]
    const fn new(Shape { opcode, compressed, .. }: Shape) -> Self {
        Self { opcode, compressed, utf8: Utf8Validator::new() }
    }

    /// Whether a continuing frame of this shape belongs to the message.
    #[inline]
    fn goes_on_with(self, Shape { opcode, compressed, .. }: Shape) -> bool {
        self.opcode == opcode && self.compressed == compressed
    }
}

impl Writer {
    /// The writer of a server.
    #[must_use]
    pub const fn server() -> Self {
        Self::new(None)
    }

    /// Sends a frame without touching its payload: returns what to write before it, and it.
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
    /// Sends a frame that was encoded for many: returns the bytes to write. Compressed, it refers to
    /// nothing that was sent before, and nothing that is sent later refers to it.
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

    /// Whether [runs](Self::send_run) of messages that are compressed already may be sent, as an extension
    /// was agreed on that does so (RFC 7692, 6), for those who pass them on and compress nothing
    /// themselves.
    #[must_use]
    pub const fn compression(mut self, agreed: bool) -> Self {
        self.compression = agreed;
        self
    }

    /// Compresses messages as was agreed on in the handshake, if it was; for a connection that has sent
    /// nothing yet. What goes out uncompressed all the same are messages that are
    /// [too short](crate::ws::Deflate::min_len) or [not to be compressed](Frame::compress), and payloads that
    /// are sent [shared](Writer::send_shared) or [in place](Self::send_in_place).
    ///
    /// What did not [fit](SendError::BufferTooSmall) is compressed anew when it is sent again, and then
    /// without what came before, so that it may take more than was needed first.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(mut self, deflate: &Deflate, agreed: Option<DeflateParams>) -> Self {
        self.set_deflate(deflate, agreed);
        self
    }

    /// Whether what others compressed may go out: it refers to what others sent.
    const fn passes_on(&self) -> bool {
        self.compression && self.deflater.is_none()
    }

    /// How far the closing handshake is, by what was sent and which replies were carried here.
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

    /// Whether this frame would be compressed.
    pub(in crate::ws) fn compresses<P: AsRef<[u8]>>(&self, frame: &Frame<P>) -> bool {
        self.deflater.as_ref().is_some_and(|deflater| deflater.takes(frame))
    }
}

impl<M: MaskSource> Writer<M> {
    /// As [`send_shared`](Writer::send_shared), where the role is known to be a server's.
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

    /// As [`send_prepared`](Writer::send_prepared), with the lengths of the frame's parts, where the
    /// role is known to be a server's.
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

    /// The writer of a client, which masks its frames with these keys.
    #[must_use]
    pub const fn client(masks: M) -> Self {
        Self::new(Some(masks))
    }

    /// The writer of a program that learns its own role at run time. A server drops `masks`.
    ///
    /// All ways to send serve both roles, except [`send_shared`](Writer::send_shared) and
    /// [`send_prepared`](Writer::send_prepared). They return bytes that are not masked, and so
    /// belong to a writer whose type says that it is a server's.
    #[must_use]
    pub fn with_role(role: Role, masks: M) -> Self {
        Self::new(matches!(role, Role::Client).then_some(masks))
    }

    /// Writes a frame to the front of `buffer`; returns its length. Anything that is
    /// [a frame or becomes one](IntoFrame) can be sent.
    ///
    /// # Errors
    /// If the frame may not be sent now, does not fit, or there is no masking key.
    #[inline]
    pub fn send<F: IntoFrame>(&mut self, frame: F, buffer: &mut [u8]) -> Result<usize, SendError> {
        let frame = frame.into_frame()?;
        self.check(frame.shape)?;
        self.put(frame.borrowed(), |frame, mask| frame.encode(mask, buffer))
    }

    /// Sends a frame without copying its payload, which is masked where it lies if we are a client:
    /// returns what to write before it, and it.
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
    /// If the frame may not be sent now, or there is no masking key.
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

    /// Writes a run of a message, as a [`FrameDecoder`](crate::ws::frame::FrameDecoder) gave it, to the front of `buffer`,
    /// as a frame of its own; returns its length. For those who pass messages on, or back, as they
    /// arrive: which frame begins the message and which ends it follows from the runs.
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

    /// Writes what the reader owes to the front of `buffer`; returns its length, which is 0 if our
    /// close frame makes it needless.
    ///
    /// # Errors
    /// If it does not fit (131 bytes are always enough), or there is no masking key.
    pub fn reply(&mut self, reply: &Reply, buffer: &mut [u8]) -> Result<usize, SendError> {
        self.answer(reply, |frame, mask| frame.encode(mask, buffer)).map(Option::unwrap_or_default)
    }

    fn answer<T>(
        &mut self,
        reply: &Reply,
        encode: impl FnOnce(&Frame<&[u8]>, Option<MaskKey>) -> Result<T, BufferTooSmall>,
    ) -> Result<Option<T>, SendError> {
        let frame = reply.frame();
        // Nothing but our close frame answers the peer's, and that once.
        let close = frame.shape.opcode == OpCode::Close;
        self.peer_closed |= close;
        if self.peer_closed && (self.close_sent || !close) {
            return Ok(None);
        }
        self.put(frame, encode).map(Some)
    }

    /// Encodes what may be sent, and notes that it went out.
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

    /// The frame of a run, and where in its text it ends.
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
            // A frame is text by itself, which cannot begin inside a character.
            Some(Unfinished { utf8, .. }) if !utf8.is_complete() && !shape.opcode.is_control() => {
                Err(SendError::InvalidUtf8)
            }
            _ => Ok(()),
        }
    }

    /// As [`check`](Self::check), of a frame that cannot be compressed.
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
            // After our close frame too (5.5.2).
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

    /// Notes what went out.
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

    /// Notes where in a character the run ended that went out.
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

    /// As [`send_to`](Self::send_to); returns the length of the payload that was appended.
    #[inline]
    pub(in crate::ws) fn append_to<P: AsRef<[u8]>, B: BufMut>(
        &mut self,
        frame: &Frame<P>,
        buffer: &mut B,
    ) -> Result<usize, SendError> {
        self.check(frame.shape)?;
        self.put(frame.borrowed(), |frame, mask| frame.append_to(mask, buffer))
    }

    /// Appends a run of a message to `buffer`, as [`send_run`](Self::send_run).
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

    /// Appends what the reader owes to `buffer`.
    ///
    /// # Errors
    /// As [`reply`](Self::reply).
    pub fn reply_to<B: BufMut>(&mut self, reply: &Reply, buffer: &mut B) -> Result<(), SendError> {
        self.append_reply(reply, buffer).map(drop)
    }

    /// As [`reply_to`](Self::reply_to); returns the length of the payload that was appended, if a
    /// frame was.
    pub(super) fn append_reply<B: BufMut>(
        &mut self,
        reply: &Reply,
        buffer: &mut B,
    ) -> Result<Option<usize>, SendError> {
        self.answer(reply, |frame, mask| frame.append_to(mask, buffer))
    }
}
