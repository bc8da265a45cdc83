//! A stream made of the pieces that matter to a parser, and the way in which it is cut.

use arbitrary::Arbitrary;

#[derive(Arbitrary, Debug)]
pub struct Stream {
    pieces: Vec<Piece>,
    /// The lengths of the chunks, used in turn.
    pub cuts: Vec<u8>,
}

#[derive(Arbitrary, Debug)]
enum Piece {
    Data,
    Event,
    Id,
    Retry,
    Colon,
    Space,
    Lf,
    Cr,
    CrLf,
    Blank,
    ByteOrderMark,
    Nul,
    Digits(u64),
    Text(String),
    Raw(Vec<u8>),
}

impl Stream {
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Data => bytes.extend(b"data"),
                Piece::Event => bytes.extend(b"event"),
                Piece::Id => bytes.extend(b"id"),
                Piece::Retry => bytes.extend(b"retry"),
                Piece::Colon => bytes.push(b':'),
                Piece::Space => bytes.push(b' '),
                Piece::Lf => bytes.push(b'\n'),
                Piece::Cr => bytes.push(b'\r'),
                Piece::CrLf => bytes.extend(b"\r\n"),
                Piece::Blank => bytes.extend(b"\n\n"),
                Piece::ByteOrderMark => bytes.extend("\u{FEFF}".bytes()),
                Piece::Nul => bytes.push(0),
                Piece::Digits(number) => bytes.extend(number.to_string().bytes()),
                Piece::Text(text) => bytes.extend(text.bytes()),
                Piece::Raw(raw) => bytes.extend(raw),
            }
        }
        bytes
    }
}
