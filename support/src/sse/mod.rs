//! Drives the SSE decoders under any chunking and records what they show.

#[cfg(feature = "alloc")]
mod owned;
pub mod reference;

#[cfg(feature = "alloc")]
pub use owned::{by_bytes_mut, by_chunks};

use eventwire::sse::decode::{Block, FieldName, IdStorage, InlineId, Lexer, OnLimit, Token};
use eventwire::sse::{DecodeError, Decoder, DecoderOptions, Event, Item};
use reference::MessageEvent;
use std::time::Duration;

/// Streams that a client reads one after the other. Each comes with the client's last event ID
/// after it, if the client began with `seed`.
pub const RECONNECTS: [(&str, &str); 4] = [
    ("data: a\n\ndata: cut off", "seed"),
    ("id: 1\ndata: b\n\nid: 2\ndata: cut off", "1"),
    ("retry: 10\ndata: c\n\nda", "1"),
    ("data: d\n\n", "1"),
];

/// The settings that [`DecoderOptions`] are made from.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "mirrors the options")]
pub struct Rules {
    pub max_line: usize,
    pub max_event: usize,
    pub skip: bool,
    pub comments: bool,
    pub blocks: bool,
    pub unknown_lines: bool,
    pub unfinished: bool,
}

impl Rules {
    pub const UNLIMITED: Self = Self {
        max_line: usize::MAX,
        max_event: usize::MAX,
        skip: false,
        comments: false,
        blocks: false,
        unknown_lines: false,
        unfinished: false,
    };

    /// Shows everything that can be shown.
    pub const VERBOSE: Self =
        Self { comments: true, blocks: true, unknown_lines: true, ..Self::UNLIMITED };

    pub fn options(self) -> DecoderOptions {
        DecoderOptions::new()
            .max_line(self.max_line)
            .max_event(self.max_event)
            .on_limit(if self.skip { OnLimit::Skip } else { OnLimit::Error })
            .comments(self.comments)
            .blocks(self.blocks)
            .unknown_lines(self.unknown_lines)
            .unfinished(self.unfinished)
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::UNLIMITED
    }
}

/// One item that a decoder yields, in a form that owns its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    Event {
        event_type: Option<Vec<u8>>,
        data: Vec<u8>,
        id: Option<Vec<u8>>,
        retry: Option<Duration>,
        last_event_id: String,
    },
    Block {
        event_type: Option<Vec<u8>>,
        id: Option<Vec<u8>>,
        retry: Option<Duration>,
    },
    Comment(Vec<u8>),
    Unknown(Vec<u8>),
    Skipped(DecodeError),
    Failed(DecodeError),
}

impl Seen {
    pub fn new<T: AsRef<[u8]>, L>(item: Item<T, L>, last_event_id: &str) -> Self {
        let own = |value: T| value.as_ref().to_vec();
        match item {
            Item::Event(Event { event_type, data, id, retry, .. }) => Self::Event {
                event_type: event_type.map(own),
                data: own(data),
                id: id.map(own),
                retry,
                last_event_id: last_event_id.to_owned(),
            },
            Item::Block(Block { event_type, id, retry, .. }) => {
                Self::Block { event_type: event_type.map(own), id: id.map(own), retry }
            }
            Item::Comment(text) => Self::Comment(own(text)),
            Item::Unknown(line) => Self::Unknown(own(line)),
            Item::Skipped(error) => Self::Skipped(error),
            _ => unreachable!("unknown kind of item"),
        }
    }
}

impl Seen {
    /// Replaces invalid UTF-8, as owned items do.
    #[cfg(feature = "alloc")]
    fn replaced(&self) -> Self {
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned().into_bytes();
        let mut seen = self.clone();
        match &mut seen {
            Self::Event { event_type, data, id, .. } => {
                *data = text(data);
                *event_type = event_type.as_ref().map(text);
                *id = id.as_ref().map(text);
            }
            Self::Block { event_type, id, .. } => {
                *event_type = event_type.as_ref().map(text);
                *id = id.as_ref().map(text);
            }
            Self::Comment(line) | Self::Unknown(line) => *line = text(line),
            Self::Skipped(_) | Self::Failed(_) => {}
        }
        seen
    }

    /// Converts an event to the form that a page sees, with invalid UTF-8 replaced.
    pub fn message_event(&self) -> MessageEvent {
        let Self::Event { event_type, data, last_event_id, .. } = self else {
            panic!("not an event: {self:?}");
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        MessageEvent {
            event_type: event_type.as_deref().map_or("message".into(), text),
            data: text(data),
            last_event_id: last_event_id.clone(),
        }
    }
}

/// Everything that a decoder showed of a stream, and the state it ended in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    pub seen: Vec<Seen>,
    pub last_event_id: String,
    pub reconnection_time: Option<Duration>,
}

/// Decodes the stream with [`Decoder::decode`] and [`Decoder::decode_eof`]. Keeps the bytes that
/// the decoder leaves, as the docs require.
pub fn by_slice<'a, S: IdStorage>(
    mut decoder: Decoder<S>,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> Trace {
    let mut seen = Vec::new();
    let mut kept = Vec::new();
    let chunks = chunks.into_iter().map(Some).chain([None]);
    'chunks: for chunk in chunks {
        kept.extend_from_slice(chunk.unwrap_or_default());
        let mut input = &mut kept[..];
        loop {
            let item = match chunk {
                Some(_) => decoder.decode(&mut input),
                None => decoder.decode_eof(&mut input),
            };
            match item {
                Ok(Some(item)) => {
                    if let Item::Event(event) = &item {
                        for text in [Some(event.data), event.event_type, event.id].iter().flatten()
                        {
                            let plain = str::from_utf8(text.as_bytes());
                            assert_eq!(text.to_str(), plain, "`to_str` agrees");
                        }
                    }
                    seen.push(Seen::new(item, decoder.last_event_id()));
                }
                Ok(None) => break,
                Err(error) => {
                    let again = decoder.decode(&mut input);
                    assert_eq!(again, Err(error), "the decoder repeats its error");
                    seen.push(Seen::Failed(error));
                    break 'chunks;
                }
            }
        }
        kept = input.to_vec();
        assert!(chunk.is_some() || kept.is_empty(), "the end of the stream uses up all input");
    }
    Trace {
        seen,
        last_event_id: decoder.last_event_id().to_owned(),
        reconnection_time: decoder.reconnection_time(),
    }
}

/// Returns the trace of a stream cut into these chunks. Checks that every form of decoder agrees.
pub fn trace(rules: Rules, chunks: &[&[u8]]) -> Trace {
    let options = rules.options();
    let decoder = Decoder::with_storage(options, InlineId::<8192>::new());
    let trace = by_slice(decoder, chunks.iter().copied());
    #[cfg(feature = "alloc")]
    {
        let seen = trace.seen.iter().map(Seen::replaced).collect();
        let owned = Trace { seen, ..trace.clone() };
        assert_eq!(by_bytes_mut(options, chunks.iter().copied()), owned, "BytesMut: {chunks:?}");
        assert_eq!(by_chunks(options, chunks.iter().copied()), owned, "Bytes: {chunks:?}");
    }
    trace
}

/// Returns the trace of a stream. Checks that it is the same for the whole stream, byte by byte and
/// at every two-way split, in every form of decoder, and that it equals the reference's.
pub fn every_split(rules: Rules, stream: &[u8]) -> Trace {
    let expected = reference::trace(rules, stream);
    let check = |chunks: &[&[u8]]| {
        let shown: Vec<_> = chunks.iter().map(|chunk| chunk.escape_ascii().to_string()).collect();
        assert_eq!(trace(rules, chunks), expected, "{shown:?}, {rules:?}");
    };
    check(&[stream]);
    check(&stream.chunks(1).collect::<Vec<_>>());
    for at in 0..=stream.len() {
        let (front, rest) = stream.split_at(at);
        check(&[front, b"", rest]);
    }
    expected
}

/// A decoder in a dozen lines, built on the lexer's tokens.
pub fn events_from_tokens<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<MessageEvent> {
    let mut events = Vec::new();
    let mut last_event_id = Vec::new();
    let (mut name, mut line) = (None, Vec::new());
    let (mut event_type, mut data) = (Vec::new(), Vec::new());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut lexer = Lexer::new();
    for mut chunk in chunks {
        while let Some(token) = lexer.next_token(&mut chunk) {
            match token {
                Token::Field(field) => name = Some(field),
                Token::Comment | Token::Unknown => name = None,
                Token::Value(run) => line.extend(run),
                Token::EndOfLine => {
                    let line = std::mem::take(&mut line);
                    match name {
                        Some(FieldName::Data) => data.extend([line, b"\n".into()].concat()),
                        Some(FieldName::Event) => event_type = line,
                        Some(FieldName::Id) if !line.contains(&0) => last_event_id = line,
                        _ => {}
                    }
                }
                Token::Blank => {
                    let event_type = std::mem::take(&mut event_type);
                    let data = std::mem::take(&mut data);
                    if let Some((_, data)) = data.split_last() {
                        let event_type =
                            if event_type.is_empty() { b"message" } else { &event_type[..] };
                        events.push(MessageEvent {
                            event_type: text(event_type),
                            data: text(data),
                            last_event_id: text(&last_event_id),
                        });
                    }
                }
            }
        }
    }
    events
}
