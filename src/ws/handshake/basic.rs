//! User and password in the `Basic` scheme of HTTP ([RFC 7617]).
//!
//! [RFC 7617]: https://www.rfc-editor.org/rfc/rfc7617#section-2

use super::key::encode;
use crate::Credentials;
use core::fmt::{self, Write};

/// Returns the value of `Authorization` for a user and password, piece by piece.
pub(super) fn basic(credentials: Credentials<'_>) -> impl Iterator<Item = Piece> + use<'_> {
    let mut bytes = credentials.bytes().fuse();
    let pieces = core::iter::from_fn(move || {
        let three = [bytes.next(), bytes.next(), bytes.next()];
        let len = three.iter().flatten().count();
        let three = three.map(Option::unwrap_or_default);
        (len > 0).then(|| Piece::Base64(encode(&three[..len])))
    });
    core::iter::once(Piece::Scheme).chain(pieces)
}

/// A piece of the value.
pub(super) enum Piece {
    Scheme,
    Base64([u8; 4]),
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Scheme => b"Basic ",
            Self::Base64(text) => text,
        }
    }
}

/// Writes the value of `Authorization`.
impl fmt::Display for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        basic(*self).try_for_each(|piece| {
            piece.as_ref().iter().try_for_each(|&byte| f.write_char(byte.into()))
        })
    }
}
