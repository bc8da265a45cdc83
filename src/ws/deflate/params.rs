//! [`DeflateParams`] and [`WindowBits`], the parameters that two endpoints negotiate.

use core::fmt;

/// The parameters of permessage-deflate that two endpoints agreed on, or that one of them wants
/// ([RFC 7692, section 7.1]).
///
/// Formatted as text, they are the server's answer.
///
/// [RFC 7692, section 7.1]: https://www.rfc-editor.org/rfc/rfc7692#section-7.1
///
/// ```
/// use eventwire::ws::deflate::{DeflateParams, WindowBits};
///
/// let params = DeflateParams {
///     server_no_context_takeover: true,
///     client_max_window_bits: WindowBits::new(10),
///     ..DeflateParams::default()
/// };
/// let text = "permessage-deflate; server_no_context_takeover; client_max_window_bits=10";
/// assert_eq!(params.to_string(), text);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DeflateParams {
    /// Whether the server compresses each message without reference to earlier ones. That takes
    /// more bytes on the wire, and less memory on both sides ([RFC 7692, section 7.1.1.1]).
    ///
    /// [RFC 7692, section 7.1.1.1]: https://www.rfc-editor.org/rfc/rfc7692#section-7.1.1.1
    pub server_no_context_takeover: bool,
    /// Whether the client compresses each message without reference to earlier ones ([RFC 7692,
    /// section 7.1.1.2]).
    ///
    /// [RFC 7692, section 7.1.1.2]: https://www.rfc-editor.org/rfc/rfc7692#section-7.1.1.2
    pub client_no_context_takeover: bool,
    /// The window of the server's compressor; 15 bits if not set ([RFC 7692, section 7.1.2.1]).
    ///
    /// [RFC 7692, section 7.1.2.1]: https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2.1
    pub server_max_window_bits: Option<WindowBits>,
    /// The window of the client's compressor; 15 bits if not set ([RFC 7692, section 7.1.2.2]).
    ///
    /// [RFC 7692, section 7.1.2.2]: https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2.2
    pub client_max_window_bits: Option<WindowBits>,
}

/// The window of a compressor: how many of the last bytes it may refer to, as a power of two. There
/// are 8 to 15 bits, for 256 bytes to 32 KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WindowBits(u8);

impl WindowBits {
    /// The smallest window: 8 bits. zlib can receive it, but not write it.
    pub const MIN: Self = Self(8);
    /// The largest window: 15 bits.
    pub const MAX: Self = Self(15);
    /// The smallest window that zlib writes.
    pub(crate) const MIN_WRITTEN: Self = Self(9);

    /// Creates a window of this many bits. Returns `None` unless `bits` is from 8 to 15.
    #[must_use]
    pub const fn new(bits: u8) -> Option<Self> {
        if matches!(bits, 8..=15) { Some(Self(bits)) } else { None }
    }

    /// Returns the number of bits.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Returns the number of bits in decimal.
    pub(crate) const fn text(self) -> &'static str {
        match self.0 {
            8 => "8",
            9 => "9",
            10 => "10",
            11 => "11",
            12 => "12",
            13 => "13",
            14 => "14",
            _ => "15",
        }
    }
}

/// The names, as they are written in headers.
pub(crate) mod names {
    pub(crate) const EXTENSION: &str = "permessage-deflate";
    pub(crate) const SERVER_NO_CONTEXT_TAKEOVER: &str = "server_no_context_takeover";
    pub(crate) const CLIENT_NO_CONTEXT_TAKEOVER: &str = "client_no_context_takeover";
    pub(crate) const SERVER_MAX_WINDOW_BITS: &str = "server_max_window_bits";
    pub(crate) const CLIENT_MAX_WINDOW_BITS: &str = "client_max_window_bits";
}

impl DeflateParams {
    /// Returns the text, piece by piece. In an offer, `client_max_window_bits` of 15 has no value:
    /// it only says that the parameter is known.
    pub(crate) fn pieces(self, offer: bool) -> impl Iterator<Item = &'static str> {
        let flag = |name, is_set: bool| is_set.then_some(["; ", name, "", ""]);
        let bits = |name, bits: Option<WindowBits>| {
            let value = bits.map(|bits| match bits {
                WindowBits::MAX if offer && name == names::CLIENT_MAX_WINDOW_BITS => ["", ""],
                bits => ["=", bits.text()],
            });
            value.map(|[equals, value]| ["; ", name, equals, value])
        };
        let params = [
            Some([names::EXTENSION, "", "", ""]),
            flag(names::SERVER_NO_CONTEXT_TAKEOVER, self.server_no_context_takeover),
            flag(names::CLIENT_NO_CONTEXT_TAKEOVER, self.client_no_context_takeover),
            bits(names::SERVER_MAX_WINDOW_BITS, self.server_max_window_bits),
            bits(names::CLIENT_MAX_WINDOW_BITS, self.client_max_window_bits),
        ];
        params.into_iter().flatten().flatten()
    }
}

impl fmt::Display for DeflateParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces(false).try_for_each(|piece| f.write_str(piece))
    }
}
