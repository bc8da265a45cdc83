//! [`Headers`], the headers of a head in order, and [`Fields`], which looks headers up by name.

use super::header_list;
use crate::token::token;
use memchr::{memchr, memmem};

/// The headers of a head, as pairs of name and value, in the order in which they were sent.
/// Whitespace around a value is removed. Names are as the peer wrote them, unless they come from a
/// map of the `http` crate, so compare names without regard to case.
///
/// A handshake machine returns them for a head that it accepted. For any other head, such as a
/// redirect, create them from the head's bytes.
///
/// ```
/// use eventwire::ws::handshake::{ClientRequest, Headers, ResponseError};
///
/// let input = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /there\r\n\r\n";
/// let request = ClientRequest::new("example.com", "/", rand::random())?;
/// let Err(ResponseError::Status { status: 307, head_len }) = request.handshake().decode(input)
/// else {
///     unreachable!()
/// };
/// let mut headers = Headers::new(&input[..head_len]);
/// assert_eq!(headers.next(), Some(("Location", &b"/there"[..])));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Headers<'a>(Source<'a>);

#[derive(Debug)]
enum Source<'a> {
    /// The remaining lines.
    Lines(&'a [u8]),
    #[cfg(feature = "http")]
    Map(::http::header::Iter<'a, ::http::HeaderValue>),
}

impl<'a> Headers<'a> {
    /// Creates the headers of a head that starts with its first line. Empty lines and interim
    /// responses before it are skipped, and so are lines that are no headers.
    #[must_use]
    pub fn new(input: &'a [u8]) -> Self {
        let mut head = input;
        while let Some(rest) = head.strip_prefix(b"\r\n") {
            head = rest;
        }
        while is_interim(head)
            && let Some(end) = memmem::find(head, b"\r\n\r\n")
        {
            head = &head[end + 4..];
        }
        Self::of_head(head)
    }

    /// Creates the headers of these lines.
    #[cfg(feature = "alloc")]
    pub(super) const fn of_lines(lines: &'a [u8]) -> Self {
        Self(Source::Lines(lines))
    }

    fn of_head(head: &'a [u8]) -> Self {
        let start = memchr(b'\n', head).map_or(head.len(), |end| end + 1);
        Self(Source::Lines(&head[start..]))
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = (&'a str, &'a [u8]);

    fn next(&mut self) -> Option<(&'a str, &'a [u8])> {
        match &mut self.0 {
            Source::Lines(lines) => next_header(lines),
            #[cfg(feature = "http")]
            Source::Map(entries) => entries
                .next()
                .map(|(name, value)| (name.as_str(), header_list::trim(value.as_bytes()))),
        }
    }
}

/// Returns whether the head is an interim response: 1xx other than 101.
fn is_interim(head: &[u8]) -> bool {
    let status = head.strip_prefix(b"HTTP/1.").and_then(|rest| rest.first_chunk());
    matches!(
        status,
        Some([_, b' ', b'1', b'0', b'0' | b'2'..=b'9'] | [_, b' ', b'1', b'1'..=b'9', _])
    )
}

fn next_header<'a>(lines: &mut &'a [u8]) -> Option<(&'a str, &'a [u8])> {
    while let Some(end) = memchr(b'\n', lines) {
        let line = &lines[..end];
        *lines = &lines[end + 1..];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            *lines = &[];
        } else if let Some(colon) = memchr(b':', line)
            && let Some(name) = token(&line[..colon])
        {
            return Some((name, header_list::trim(&line[colon + 1..])));
        }
    }
    None
}

/// The headers that validation looks up: a head that was parsed, or the map of the `http` crate. No
/// code beyond this type knows the difference.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fields<'a> {
    Head(&'a [u8]),
    #[cfg(feature = "http")]
    Map(&'a ::http::HeaderMap),
}

/// A header that may occur only once was repeated.
pub(super) struct Repeated;

impl<'a> Fields<'a> {
    pub(super) fn headers(self) -> Headers<'a> {
        match self {
            Self::Head(head) => Headers::of_head(head),
            #[cfg(feature = "http")]
            Self::Map(map) => Headers(Source::Map(map.iter())),
        }
    }

    /// Returns the values of all headers of this name.
    pub(super) fn all<'n>(self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        let of_name = move |(found, _): &(&str, _)| found.eq_ignore_ascii_case(name);
        self.headers().filter(of_name).map(|(_, value)| value)
    }

    pub(super) fn first(self, name: &str) -> Option<&'a [u8]> {
        self.all(name).next()
    }

    /// Returns the value of a header that may occur only once.
    pub(super) fn single(self, name: &str) -> Result<Option<&'a [u8]>, Repeated> {
        let mut values = self.all(name);
        let first = values.next();
        if values.next().is_some() { Err(Repeated) } else { Ok(first) }
    }

    /// Returns the elements of a list, which may be spread over several headers. Empty elements do
    /// not count ([RFC 9110, 5.6.1.2](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.1.2)).
    pub(super) fn list<'n>(self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        self.all(name).flat_map(header_list::elements).filter(|element| !element.is_empty())
    }

    /// Returns whether the list is present but has no element, although one is required.
    pub(super) fn is_empty_list(self, name: &str) -> bool {
        self.first(name).is_some() && self.list(name).next().is_none()
    }

    /// Returns whether the list has this element, compared without regard to case.
    pub(super) fn list_has(self, name: &str, element: &str) -> bool {
        self.list(name).any(|it| it.eq_ignore_ascii_case(element.as_bytes()))
    }
}
