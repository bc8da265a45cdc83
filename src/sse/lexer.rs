//! The incremental line parser: chunks of any size to tokens, without a buffer.

use super::{BOM, FieldName};
use memchr::memchr2;

/// A piece of an event stream. Bytes borrow the chunk that they arrived in.
///
/// A line is a [`Field`](Self::Field) or a [`Comment`](Self::Comment), any number of
/// [`Value`](Self::Value)s, and an [`EndOfLine`](Self::EndOfLine). Lines with a name that the
/// standard does not know yield nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// A line begins that sets this field.
    Field(FieldName),
    /// A line begins that is a comment.
    Comment,
    /// Some bytes of the line's value, never empty: a run ends where a chunk does, even inside a
    /// character. The one space after the colon is no part of it.
    Value(&'a [u8]),
    /// The field or comment is complete.
    EndOfLine,
    /// The blank line that ends a block, and dispatches its event.
    Blank,
}

/// Splits an event stream into [`Token`]s whatever its chunking (WHATWG HTML, 9.2.5), buffering
/// not a byte of it. Its state takes 24 bytes on 64-bit machines.
///
/// It knows lines and names, not their meaning: `id` values with a NUL and malformed `retry`
/// values are shown as they are. [`Decoder`](super::Decoder) gives whole events.
///
/// ```
/// use eventwire::sse::{FieldName, Lexer, Token};
///
/// let mut lexer = Lexer::new();
/// let mut data = Vec::new(); // stands for a UART, a hasher, a fixed array
/// for mut chunk in [&b"da"[..], b"ta: on", b"e\r", b"\n\r\n"] {
///     while let Some(token) = lexer.next_token(&mut chunk) {
///         if let Token::Value(run) = token {
///             data.extend_from_slice(run);
///         }
///     }
/// }
/// assert_eq!(data, b"one");
/// ```
#[derive(Clone, Debug)]
pub struct Lexer {
    state: State,
    skip_lf: bool,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// At the stream's start, behind this many bytes of a byte order mark.
    Bom(usize),
    LineStart,
    /// Behind the first bytes of what may become this name.
    Name(FieldName, usize),
    AfterColon,
    Value,
    /// In a line that means nothing.
    Ignored,
}

impl Lexer {
    /// A lexer at the start of a stream.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: State::Bom(0), skip_lf: false }
    }

    /// Takes the next token off the front of `input`; `None` once `input` is empty.
    pub fn next_token<'a>(&mut self, input: &mut &'a [u8]) -> Option<Token<'a>> {
        while let Some((&byte, rest)) = input.split_first() {
            if core::mem::take(&mut self.skip_lf) && byte == b'\n' {
                *input = rest;
                continue;
            }
            let at_end = matches!(byte, b'\n' | b'\r');
            match self.state {
                State::Bom(seen) if byte == BOM[seen] => {
                    *input = rest;
                    let whole = seen + 1 == BOM.len();
                    self.state = if whole { State::LineStart } else { State::Bom(seen + 1) };
                }
                State::Bom(0) => self.state = State::LineStart,
                // A torn mark is the start of a name that nobody knows.
                State::Bom(_) => self.state = State::Ignored,
                State::LineStart if at_end => {
                    self.end_line(input);
                    return Some(Token::Blank);
                }
                State::LineStart => {
                    *input = rest;
                    if byte == b':' {
                        self.state = State::AfterColon;
                        return Some(Token::Comment);
                    }
                    self.state = match FieldName::from_first_byte(byte) {
                        Some(name) => State::Name(name, 1),
                        None => State::Ignored,
                    };
                }
                State::Name(name, seen) => match name.as_str().as_bytes().get(seen) {
                    Some(&expected) if byte == expected => {
                        *input = rest;
                        self.state = State::Name(name, seen + 1);
                    }
                    None if byte == b':' => {
                        *input = rest;
                        self.state = State::AfterColon;
                        return Some(Token::Field(name));
                    }
                    None if at_end => {
                        self.state = State::Value;
                        return Some(Token::Field(name));
                    }
                    _ => self.state = State::Ignored,
                },
                State::AfterColon => {
                    if byte == b' ' {
                        *input = rest;
                    }
                    self.state = State::Value;
                }
                State::Value if at_end => {
                    self.end_line(input);
                    return Some(Token::EndOfLine);
                }
                State::Value => {
                    let len = memchr2(b'\n', b'\r', input).unwrap_or(input.len());
                    let (run, rest) = input.split_at(len);
                    *input = rest;
                    return Some(Token::Value(run));
                }
                State::Ignored if at_end => self.end_line(input),
                State::Ignored => {
                    let len = memchr2(b'\n', b'\r', input).unwrap_or(input.len());
                    *input = &input[len..];
                }
            }
        }
        None
    }

    /// Takes the line's end, of which a following LF may still come.
    fn end_line(&mut self, input: &mut &[u8]) {
        self.skip_lf = input[0] == b'\r';
        *input = &input[1..];
        self.state = State::LineStart;
    }
}

impl Default for Lexer {
    fn default() -> Self {
        Self::new()
    }
}
