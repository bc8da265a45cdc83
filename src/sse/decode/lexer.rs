//! The incremental line parser: chunks of any size to tokens, without a buffer.

use super::BOM;
use super::field::FieldName;
use memchr::memchr2;

/// A piece of an event stream. Bytes borrow the chunk that they arrived in, but for the first of an
/// unknown line that begins like a name: they may be a constant that equals them.
///
/// A line is a [`Field`](Self::Field), a [`Comment`](Self::Comment) or an [`Unknown`](Self::Unknown)
/// one, any number of [`Value`](Self::Value)s, and an [`EndOfLine`](Self::EndOfLine). Joined over a
/// line, its values are the same however the stream is cut into chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// A line begins that sets this field.
    Field(FieldName),
    /// A line begins that is a comment.
    Comment,
    /// A line begins that is neither: it has a name that the standard does not know, and readers
    /// ignore it. Its values are the whole line, name and colon too. Some servers tell of an error
    /// by such lines, as `{"error": ...}` in the middle of a stream.
    Unknown,
    /// Some bytes of the line's value, never empty: a run ends where a chunk does, even inside a
    /// character. The one space after the colon of a field or comment is no part of it.
    Value(&'a [u8]),
    /// The line is complete.
    EndOfLine,
    /// The blank line that ends a block, and dispatches its event.
    Blank,
}

/// Splits an event stream into [`Token`]s whatever its chunking (WHATWG HTML, 9.2.5), buffering
/// not a byte of it. Its state takes 4 bytes.
///
/// It knows lines and names, not their meaning: `id` values with a NUL and malformed `retry`
/// values are shown as they are. [`Decoder`](crate::sse::Decoder) gives whole events.
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
    LineStart,
    /// Behind so many bytes of a word.
    Word(Word, u8),
    /// Behind so many bytes of a word that did not go on, which are still to be given.
    NoWord(Word, u8),
    AfterColon,
    Value,
}

/// What a line may begin with.
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
    /// A lexer at the start of a stream.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: State::Word(Word::Bom, 0), skip_lf: false }
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
                    // A torn mark too begins a name that nobody knows.
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
