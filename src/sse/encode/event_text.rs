//! [`EventText`], the text of an event to write.

#[cfg(feature = "alloc")]
use alloc::{borrow::Cow, boxed::Box, string::String};
use core::fmt;
use core::hash::{Hash, Hasher};

/// A text for an [`EventBuilder`](crate::sse::EventBuilder): borrowed or, with feature `alloc`,
/// owned.
///
/// A borrowed text is a `&str`, or a reference to anything that is [`AsRef<str>`], such as a
/// `String` or a [`Utf8Bytes`](crate::Utf8Bytes). An owned text is a `String`, a `Box<str>`, a
/// `Cow<str>` or a `Utf8Bytes`. A `Utf8Bytes` is copied.
///
/// ```
/// use eventwire::sse::encode::EventText;
///
/// assert_eq!(EventText::from("a").as_str(), "a");
/// # #[cfg(feature = "alloc")] {
/// let name = String::from("b");
/// assert_eq!(EventText::from(&name), EventText::from("b")); // borrowed
/// assert_eq!(EventText::from(name), EventText::from("b")); // owned
/// # }
/// ```
#[derive(Clone)]
pub struct EventText<'a>(Held<'a>);

#[derive(Clone)]
enum Held<'a> {
    Borrowed(&'a str),
    #[cfg(feature = "alloc")]
    Owned(String),
}

impl EventText<'_> {
    /// Returns the text.
    #[inline]
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Held::Borrowed(text) => text,
            #[cfg(feature = "alloc")]
            Held::Owned(text) => text,
        }
    }

    /// Returns the same text, borrowed.
    #[cfg(feature = "alloc")]
    pub(in crate::sse) fn by_ref(&self) -> EventText<'_> {
        EventText(Held::Borrowed(self.as_str()))
    }
}

impl<'a, T: AsRef<str> + ?Sized> From<&'a T> for EventText<'a> {
    fn from(text: &'a T) -> Self {
        Self(Held::Borrowed(text.as_ref()))
    }
}

#[cfg(feature = "alloc")]
impl From<String> for EventText<'_> {
    fn from(text: String) -> Self {
        Self(Held::Owned(text))
    }
}

#[cfg(feature = "alloc")]
impl From<Box<str>> for EventText<'_> {
    fn from(text: Box<str>) -> Self {
        Self(Held::Owned(text.into()))
    }
}

#[cfg(feature = "alloc")]
impl<'a> From<Cow<'a, str>> for EventText<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        match text {
            Cow::Borrowed(text) => Self(Held::Borrowed(text)),
            Cow::Owned(text) => Self(Held::Owned(text)),
        }
    }
}

#[cfg(feature = "alloc")]
impl From<crate::Utf8Bytes> for EventText<'_> {
    fn from(text: crate::Utf8Bytes) -> Self {
        Self(Held::Owned(text.into()))
    }
}

/// Compares only the texts, whether they are borrowed or owned.
impl PartialEq for EventText<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for EventText<'_> {}

impl Hash for EventText<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for EventText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
