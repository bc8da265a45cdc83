//! The incremental line parser, [`Lexer`]: turns chunks of any size into tokens, without a buffer.
//!
//! The parser acts on each byte once. All that it remembers between chunks is its [`State`]: how
//! many bytes of a byte order mark or of a field name have matched so far. If the next byte does
//! not match, those bytes are replayed from the constant that they equal ([`State::NoWord`]),
//! because the chunk that they came in is gone.
//!
//! If you change the grammar here, change [`engine`](super::engine) and [`field`](super::field)
//! too: they parse the same lines over a buffer, and the tests hold both against the same
//! references.

use super::BOM;
use super::field::FieldName;
use memchr::memchr2;

/// A piece of an event stream.
///
/// The bytes borrow the chunk that they arrived in, with one exception: the first bytes of an
/// unknown line that starts like a field name may borrow a constant with the same content.
///
/// A line is a [`Field`](Self::Field), a [`Comment`](Self::Comment) or an
/// [`Unknown`](Self::Unknown) token, followed by any number of [`Value`](Self::Value)s and an
/// [`EndOfLine`](Self::EndOfLine). The values of a line, joined, are the same however the stream is
/// cut into chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// The start of a line that sets this field.
    Field(FieldName),
    /// The start of a comment line.
    Comment,
    /// The start of a line that is neither a field nor a comment. Its name is not in the standard,
    /// and readers ignore the line. Its values are the whole line, including name and colon. Some
    /// servers report an error by such a line, for example `{"error": ...}` in the middle of a
    /// stream.
    Unknown,
    /// Some bytes of the line's value, never empty. A run ends where its chunk ends, even inside a
    /// character. The one space after the colon of a field or comment is not part of the value.
    Value(&'a [u8]),
    /// The end of the line.
    EndOfLine,
    /// The blank line that ends a block and dispatches its event.
    Blank,
}

/// Splits an event stream into [`Token`]s, however it is cut into chunks, without buffering any of
/// it ([WHATWG HTML, 9.2.5]). The whole state takes 4 bytes.
///
/// The lexer knows lines and names, not their meaning: `id` values with a NUL and malformed `retry`
/// values are shown as they are. For whole events use [`Decoder`](crate::sse::Decoder).
///
/// [WHATWG HTML, 9.2.5]:
/// https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
///
/// ```
/// use eventwire::sse::decode::{FieldName, Lexer, Token};
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
    LineStart,
    /// After this many bytes of a word.
    Word(Word, u8),
    /// After this many bytes of a word that did not continue. Those bytes are still owed as a
    /// value.
    NoWord(Word, u8),
    AfterColon,
    Value,
}

/// A constant that a line may begin with.
#[derive(Clone, Copy, Debug)]
enum Word {
    /// The byte order mark, at the start of the stream.
    Bom,
    Name(FieldName),
}

impl Word {
    const fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::Bom => BOM,
            Self::Name(name) => name.as_str().as_bytes(),
        }
    }
}

impl Lexer {
    /// Creates a lexer at the start of a stream.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: State::Word(Word::Bom, 0), skip_lf: false }
    }

    /// Takes the next token off the front of `input`. Returns `None` once `input` is empty.
    pub fn next_token<'a>(&mut self, input: &mut &'a [u8]) -> Option<Token<'a>> {
        while let Some((&byte, rest)) = input.split_first() {
            if core::mem::take(&mut self.skip_lf) && byte == b'\n' {
                *input = rest;
                continue;
            }
            let at_end = matches!(byte, b'\n' | b'\r');
            match self.state {
                State::LineStart if at_end => {
                    self.end_line(input);
                    return Some(Token::Blank);
                }
                State::LineStart if byte == b':' => {
                    *input = rest;
                    self.state = State::AfterColon;
                    return Some(Token::Comment);
                }
                State::LineStart => {
                    let Some(name) = FieldName::from_first_byte(byte) else {
                        self.state = State::Value;
                        return Some(Token::Unknown);
                    };
                    self.state = State::Word(Word::Name(name), 0);
                }
                State::Word(word, seen) => match (word, word.as_bytes().get(usize::from(seen))) {
                    (_, Some(&expected)) if byte == expected => {
                        *input = rest;
                        self.state = State::Word(word, seen + 1);
                    }
                    (Word::Bom, None) => self.state = State::LineStart,
                    (Word::Bom, Some(_)) if seen == 0 => self.state = State::LineStart,
                    (Word::Name(name), None) if byte == b':' => {
                        *input = rest;
                        self.state = State::AfterColon;
                        return Some(Token::Field(name));
                    }
                    (Word::Name(name), None) if at_end => {
                        self.state = State::Value;
                        return Some(Token::Field(name));
                    }
                    // A byte order mark that is cut short also starts an unknown name.
                    _ => {
                        self.state = State::NoWord(word, seen);
                        return Some(Token::Unknown);
                    }
                },
                State::NoWord(word, seen) => {
                    self.state = State::Value;
                    return Some(Token::Value(&word.as_bytes()[..usize::from(seen)]));
                }
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
            }
        }
        None
    }

    /// Takes the line end at the front of `input`. After a CR, an LF may still follow that belongs
    /// to it.
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
