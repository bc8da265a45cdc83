//! Drives the WebSocket decoders under any chunking and records what they show.

pub mod inflate;
pub mod reference;
#[cfg(all(feature = "std", feature = "handshake"))]
pub mod socket;

#[cfg(feature = "alloc")]
use bytes::BytesMut;
#[cfg(feature = "deflate")]
use eventwire::ws::Deflate;
#[cfg(feature = "alloc")]
use eventwire::ws::connection::MessageDecoder;
#[cfg(feature = "deflate")]
use eventwire::ws::deflate::DeflateParams;
use eventwire::ws::frame::{DataKind, FrameDecoder, FrameEvent, MaskKey, OnLimit, Role, Run};
use eventwire::ws::{Close, Limits, ProtocolError};
#[cfg(feature = "alloc")]
use eventwire::ws::{Connection, Message};

pub const ROLES: [Role; 2] = [Role::Server, Role::Client];

/// The settings that [`Limits`] are made from.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    pub frame: u64,
    pub message: u64,
    pub fragments: u32,
    pub on_limit: OnLimit,
}

impl Rules {
    pub const NONE: Self =
        Self { frame: u64::MAX, message: u64::MAX, fragments: u32::MAX, on_limit: OnLimit::Error };

    pub fn options(self) -> Limits {
        Limits::new()
            .max_frame(self.frame)
            .max_message(self.message)
            .max_fragments(self.fragments)
            .on_limit(self.on_limit)
    }
}

/// One event that a decoder yields, in a form that owns its bytes. Adjacent runs are joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    Data { kind: DataKind, payload: Vec<u8>, fin: bool },
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<Close<String>>),
    Skipped(ProtocolError),
    Failed(ProtocolError),
}

impl Seen {
    pub fn text(text: &str) -> Self {
        Self::Data { kind: DataKind::Text, payload: text.into(), fin: true }
    }

    pub fn binary(payload: &[u8]) -> Self {
        Self::Data { kind: DataKind::Binary, payload: payload.into(), fin: true }
    }

    pub fn of<P: AsRef<[u8]>, R: AsRef<str>>(event: FrameEvent<P, R>) -> Self {
        match event {
            FrameEvent::Data(Run { kind, payload, fin, .. }) => {
                Self::Data { kind, payload: payload.as_ref().to_vec(), fin }
            }
            FrameEvent::Ping(payload) => Self::Ping(payload.as_ref().to_vec()),
            FrameEvent::Pong(payload) => Self::Pong(payload.as_ref().to_vec()),
            FrameEvent::Skipped(error) => Self::Skipped(error),
            FrameEvent::Close(close) => {
                Self::Close(close.map(|Close { code, reason }| Close {
                    code,
                    reason: reason.as_ref().to_owned(),
                }))
            }
        }
    }
}

/// Everything that was shown of a stream, and whether it ended inside a message or frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    pub seen: Vec<Seen>,
    pub incomplete: bool,
}

impl Trace {
    pub fn push(&mut self, next: Seen) {
        if let Seen::Data { payload: run, fin, .. } = &next
            && let Some(Seen::Data { payload, fin: ended @ false, .. }) = self.seen.last_mut()
        {
            payload.extend(run);
            *ended = *fin;
        } else {
            self.seen.push(next);
        }
    }
}

/// Decodes the stream with [`FrameDecoder::decode`]. Keeps the bytes that the decoder leaves, as
/// the docs require.
fn by_slice<'a>(role: Role, limits: Rules, chunks: impl IntoIterator<Item = &'a [u8]>) -> Trace {
    let mut decoder = FrameDecoder::new(role, limits.options());
    let mut trace = Trace::default();
    let mut kept = Vec::new();
    for chunk in chunks {
        kept.extend_from_slice(chunk);
        let mut input = &mut kept[..];
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(event)) => {
                    if let FrameEvent::Data(Run { payload, fin, .. }) = &event {
                        assert!(*fin || !payload.is_empty(), "an empty run must end a message");
                    }
                    trace.push(Seen::of(event));
                }
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(decoder.decode(&mut input), Err(error), "repeats its error");
                    assert_eq!(decoder.decode(&mut &mut [][..]), Err(error), "also without input");
                    trace.push(Seen::Failed(error));
                    return trace;
                }
            }
        }
        assert!(input.len() < FrameDecoder::MIN_BUFFER, "the decoder left {} bytes", input.len());
        kept = input.to_vec();
    }
    trace.incomplete = decoder.in_message() || !kept.is_empty();
    trace
}

/// Decodes the stream with [`FrameDecoder::decode_buffer`].
#[cfg(feature = "alloc")]
fn by_bytes_mut<'a>(
    role: Role,
    limits: Rules,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> Trace {
    let mut decoder = FrameDecoder::new(role, limits.options());
    let mut trace = by_buffer(chunks, |buffer| Ok(decoder.decode_buffer(buffer)?.map(Seen::of)));
    trace.incomplete |= decoder.in_message();
    trace
}

/// Decodes the stream with [`MessageDecoder::decode`].
#[cfg(feature = "alloc")]
fn by_messages<'a>(role: Role, limits: Rules, chunks: impl IntoIterator<Item = &'a [u8]>) -> Trace {
    by_message_decoder(MessageDecoder::new(role, limits.options()), chunks)
}

/// Decodes the stream with this message decoder.
#[cfg(feature = "alloc")]
fn by_message_decoder<'a>(
    mut decoder: MessageDecoder,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> Trace {
    let seen = |message| match message {
        Message::Text(text) => {
            assert!(std::str::from_utf8(text.as_bytes()).is_ok());
            Seen::text(&text)
        }
        Message::Binary(payload) => Seen::binary(&payload),
        Message::Ping(payload) => Seen::Ping(payload.into()),
        Message::Pong(payload) => Seen::Pong(payload.into()),
        Message::Close(close) => Seen::of(FrameEvent::<&[u8], _>::Close(close)),
        Message::Skipped(error) => Seen::Skipped(error),
    };
    let mut trace = by_buffer(chunks, |buffer| Ok(decoder.decode(buffer)?.map(seen)));
    trace.incomplete |= decoder.in_message();
    trace
}

/// Returns the trace of a decoder that inflates messages with these parameters.
#[cfg(feature = "deflate")]
pub fn inflated(role: Role, limits: Rules, params: DeflateParams, chunks: &[&[u8]]) -> Trace {
    let decoder =
        MessageDecoder::new(role, limits.options()).deflate(&Deflate::new(), Some(params));
    by_message_decoder(decoder, chunks.iter().copied())
}

/// Returns the trace that such a decoder must show if references reach no farther than `window`.
#[cfg(feature = "deflate")]
pub fn inflated_reference(
    role: Role,
    limits: Rules,
    params: DeflateParams,
    window: usize,
    stream: &[u8],
) -> Trace {
    let takeover = match role {
        Role::Server => !params.client_no_context_takeover,
        Role::Client => !params.server_no_context_takeover,
    };
    let inflation = reference::Inflation { takeover, window };
    messages(&reference::trace_with(role, limits, Some(inflation), stream))
}

/// Decodes the chunks with `decode`. The trace is incomplete if bytes are left in the buffer.
#[cfg(feature = "alloc")]
fn by_buffer<'a>(
    chunks: impl IntoIterator<Item = &'a [u8]>,
    mut decode: impl FnMut(&mut BytesMut) -> Result<Option<Seen>, ProtocolError>,
) -> Trace {
    let mut trace = Trace::default();
    let mut buffer = BytesMut::new();
    for chunk in chunks {
        buffer.extend_from_slice(chunk);
        loop {
            match decode(&mut buffer) {
                Ok(Some(seen)) => trace.push(seen),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(decode(&mut buffer), Err(error), "the decoder repeats its error");
                    trace.push(Seen::Failed(error));
                    return trace;
                }
            }
        }
    }
    trace.incomplete = !buffer.is_empty();
    trace
}

/// Converts a trace to that of a message decoder: whole messages at their ends, and nothing of
/// unfinished or skipped ones.
#[cfg(feature = "alloc")]
fn messages(trace: &Trace) -> Trace {
    let mut whole = Trace { seen: Vec::new(), incomplete: trace.incomplete };
    let mut gathered = Vec::new();
    for seen in &trace.seen {
        match seen {
            Seen::Data { kind, payload, fin } => {
                gathered.extend(payload);
                if *fin {
                    let payload = std::mem::take(&mut gathered);
                    whole.seen.push(Seen::Data { kind: *kind, payload, fin: true });
                }
            }
            Seen::Skipped(_) => {
                gathered.clear();
                whole.seen.push(seen.clone());
            }
            other => whole.seen.push(other.clone()),
        }
    }
    whole
}

/// Checks that a connection shows what its decoder shows, and replies to everything that needs a
/// reply.
#[cfg(feature = "alloc")]
fn by_connection(limits: Rules, stream: &[u8], expected: &Trace) {
    let mut connection = Connection::frame_server(limits.options());
    let mut trace = Trace::default();
    let mut buffer = BytesMut::from(stream);
    let mut replies = Vec::new();
    loop {
        let result = connection.receive_buffer(&mut buffer);
        connection.reply_to(&mut replies).expect("a server can always answer");
        match result {
            Ok(Some(event)) => trace.push(Seen::of(event)),
            Ok(None) => break,
            Err(error) => {
                trace.push(Seen::Failed(error));
                break;
            }
        }
    }
    assert_eq!(trace.seen, expected.seen);
    let mut owed = Vec::new();
    for seen in &expected.seen {
        match seen {
            Seen::Data { .. } | Seen::Pong(_) | Seen::Skipped(_) => {}
            Seen::Ping(payload) => {
                owed.extend([0x8A, u8::try_from(payload.len()).unwrap()]);
                owed.extend(payload);
            }
            Seen::Close(None) => owed.extend([0x88, 0]),
            Seen::Close(Some(close)) => {
                owed.extend([0x88, u8::try_from(2 + close.reason.len()).unwrap()]);
                owed.extend(close.code.get().to_be_bytes());
                owed.extend(close.reason.as_bytes());
            }
            Seen::Failed(error) => {
                owed.extend([0x88, 2]);
                owed.extend(error.close_code().get().to_be_bytes());
            }
        }
    }
    assert_eq!(replies, owed);
}

/// Returns the trace of a stream cut into these chunks. Checks that every form of decoder agrees.
pub fn trace(role: Role, limits: Rules, chunks: &[&[u8]]) -> Trace {
    let trace = by_slice(role, limits, chunks.iter().copied());
    #[cfg(feature = "alloc")]
    {
        let chunks = || chunks.iter().copied();
        assert_eq!(by_bytes_mut(role, limits, chunks()), trace, "BytesMut");
        assert_eq!(by_messages(role, limits, chunks()), messages(&trace), "messages");
    }
    trace
}

/// Returns the trace of a stream. Checks that it is the same for the whole stream, byte by byte and
/// at every two-way split, in every form of decoder, and that it equals the reference's. Bytes
/// after an error or a close frame change nothing.
pub fn every_split(role: Role, limits: Rules, stream: &[u8]) -> Trace {
    let expected = reference::trace(role, limits, stream);
    let check = |chunks: &[&[u8]]| {
        let shown: Vec<_> = chunks.iter().map(|chunk| chunk.escape_ascii().to_string()).collect();
        assert_eq!(trace(role, limits, chunks), expected, "{role:?}, {shown:?}, {limits:?}");
    };
    check(&[stream]);
    check(&stream.chunks(1).collect::<Vec<_>>());
    for at in 0..=stream.len() {
        let (front, rest) = stream.split_at(at);
        check(&[front, b"", rest]);
    }
    if matches!(expected.seen.last(), Some(Seen::Failed(_) | Seen::Close(_))) {
        for trailing in [&b"\x81"[..], b"\x00\x00\x00\x00", b"\xFF\xFF", &[0x89; 20]] {
            check(&[stream, trailing]);
            check(&[&[stream, trailing].concat()]);
        }
    }
    #[cfg(feature = "alloc")]
    if role == Role::Server {
        by_connection(limits, stream, &expected);
    }
    expected
}

/// Returns bytes in which no run of 4 equals the next.
pub fn pattern(len: usize) -> Vec<u8> {
    (0..=250).cycle().take(len).collect()
}

/// Builds the stream that `role` receives.
#[derive(Clone, Debug)]
pub struct Stream {
    pub role: Role,
    pub bytes: Vec<u8>,
    /// Offset of the byte of interest.
    pub mark: usize,
}

impl Stream {
    const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

    pub fn new(role: Role) -> Self {
        Self { role, bytes: Vec::new(), mark: 0 }
    }

    /// Appends a frame, with the shortest encoding of its length.
    pub fn frame(&mut self, b0: u8, payload: &[u8]) -> &mut Self {
        let len = payload.len();
        match len {
            0..=125 => self.header(b0, u8::try_from(len).unwrap()),
            126..=0xFFFF => self.header(b0, 126).raw(&u16::try_from(len).unwrap().to_be_bytes()),
            _ => self.header(b0, 127).raw(&(len as u64).to_be_bytes()),
        };
        self.key().payload(payload)
    }

    /// Appends the first two bytes of a frame. The mask bit is the one that `role` expects.
    pub fn header(&mut self, b0: u8, len: u8) -> &mut Self {
        let mask = if self.role == Role::Server { 0x80 } else { 0 };
        self.raw(&[b0, mask | len])
    }

    pub fn key(&mut self) -> &mut Self {
        if self.role == Role::Server { self.raw(&Self::KEY) } else { self }
    }

    /// Appends payload, masked from the start of the key.
    pub fn payload(&mut self, payload: &[u8]) -> &mut Self {
        let mut payload = payload.to_vec();
        if self.role == Role::Server {
            MaskKey(Self::KEY).apply(&mut payload);
        }
        self.raw(&payload)
    }

    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend(bytes);
        self
    }

    /// Marks the byte that comes after `ahead` more.
    pub fn mark_ahead(&mut self, ahead: usize) -> &mut Self {
        self.mark = self.bytes.len() + ahead;
        self
    }

    /// Marks the byte that is `back` bytes before the end so far: 1 is the last byte.
    pub fn mark_back(&mut self, back: usize) -> &mut Self {
        self.mark = self.bytes.len() - back;
        self
    }
}
