//! Rewrites the events of one type, and passes on everything else byte for byte.

use bytes::{Bytes, BytesMut};
use eventwire::sse::decode::{FieldName, Lexer, Token};
use eventwire::sse::{DecoderOptions, EventBuilder, Item, OwnedDecoder};

/// Takes a stream in chunks of any size, and returns the bytes to send on.
///
/// Bytes between blocks (comments, unknown fields, the byte order mark) are sent on at once. A
/// block waits from its first field to its blank line, because its last field may still change its
/// type. A rewritten event keeps its type, id and reconnection time, and loses its comments.
pub(crate) struct Rewriter {
    event_type: String,
    rewrite: fn(&str) -> String,
    max_block: usize,
    lexer: Lexer,
    /// Decodes each block that has waited.
    decoder: OwnedDecoder,
    place: Place,
    /// The bytes to send on, followed by the bytes that wait.
    buffer: BytesMut,
    /// The position in the buffer of the first byte that waits.
    waiting: usize,
    /// Set after a rewritten event that ended with CR. An LF that follows belongs to that line end.
    drop_lf: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Between,
    Block,
    /// In a block that is too long to wait.
    LongBlock,
}

impl Rewriter {
    /// Creates a rewriter that replaces the data of these events by the result of `rewrite`. A
    /// block of more than `max_block` bytes is passed on unchanged.
    pub(crate) fn new(event_type: &str, rewrite: fn(&str) -> String, max_block: usize) -> Self {
        // `max_block` bounds the blocks already.
        let options = DecoderOptions::new().max_line(usize::MAX).max_event(usize::MAX);
        Self {
            event_type: event_type.to_owned(),
            rewrite,
            max_block,
            lexer: Lexer::new(),
            decoder: OwnedDecoder::with_options(options),
            place: Place::Between,
            buffer: BytesMut::new(),
            waiting: 0,
            drop_lf: false,
        }
    }

    /// Takes a chunk, and returns the bytes to send on after it.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> Bytes {
        let mut rest = chunk;
        loop {
            let before = rest;
            let token = self.lexer.next_token(&mut rest);
            self.append(&before[..before.len() - rest.len()]);
            match (token, self.place) {
                (Some(Token::Field(name)), Place::Between) => self.begin_block(name),
                (Some(Token::Blank), _) => self.end_block(),
                (Some(_), Place::Block) => {}
                (Some(_), _) => self.waiting = self.buffer.len(),
                (None, _) => break,
            }
        }
        self.waiting = match self.place {
            Place::Between => self.buffer.len() - begun_name(&self.buffer[self.waiting..]),
            Place::Block => self.waiting,
            Place::LongBlock => self.buffer.len(),
        };
        self.buffer.split_to(std::mem::take(&mut self.waiting)).freeze()
    }

    /// Returns the bytes to send on at the end of the stream: the block that the end cut off.
    pub(crate) fn finish(self) -> Bytes {
        self.buffer.freeze()
    }

    /// Appends the bytes of a token, or of a part of one.
    fn append(&mut self, mut raw: &[u8]) {
        if !raw.is_empty() && std::mem::take(&mut self.drop_lf) {
            raw = raw.strip_prefix(b"\n").unwrap_or(raw);
        }
        self.buffer.extend_from_slice(raw);
        if self.place == Place::Block && self.buffer.len() - self.waiting > self.max_block {
            self.place = Place::LongBlock;
        }
    }

    /// The buffer ends with the name of the block's first field, and a colon if it has one.
    fn begin_block(&mut self, name: FieldName) {
        let colon = usize::from(self.buffer.ends_with(b":"));
        self.waiting = self.buffer.len() - colon - name.as_str().len();
        self.place = Place::Block;
    }

    fn end_block(&mut self) {
        if self.place == Place::Block
            && let Some(event) = self.rewritten()
        {
            self.drop_lf = self.buffer.ends_with(b"\r");
            self.buffer.truncate(self.waiting);
            self.buffer.extend_from_slice(&event);
        }
        self.waiting = self.buffer.len();
        self.place = Place::Between;
    }

    /// Returns the rewritten block, if it is an event of the type.
    fn rewritten(&mut self) -> Option<Bytes> {
        let mut block = Bytes::copy_from_slice(&self.buffer[self.waiting..]);
        let Item::Event(event) = self.decoder.decode(&mut block).ok()?? else { return None };
        if event.event_type_or_default() != self.event_type {
            return None;
        }
        let data = (self.rewrite)(&event.data);
        Some(EventBuilder::try_from(&event).ok()?.data(data).to_bytes())
    }
}

/// Returns the number of bytes at the end that may be the start of a field name.
fn begun_name(bytes: &[u8]) -> usize {
    let names = [FieldName::Data, FieldName::Event, FieldName::Id, FieldName::Retry];
    let begun = |end: &[u8]| names.iter().any(|name| name.as_str().as_bytes().starts_with(end));
    let longest = bytes.len().min("event".len());
    (1..=longest).rev().find(|&len| begun(&bytes[bytes.len() - len..])).unwrap_or(0)
}
