//! [`EventType`] and [`EventId`], values that cannot break the line that they are written to.

use core::fmt;

/// A value for the `event` field: any text without CR and LF.
///
/// The empty type is equivalent to no type at all, which means `message`.
///
/// ```
/// use eventwire::sse::{EventType, InvalidValue};
///
/// const TICK: EventType<'_> = EventType::from_static("tick");
/// assert_eq!(TICK.as_str(), "tick");
/// assert_eq!(EventType::new("a\ndata: b"), Err(InvalidValue::LineEnd { offset: 1 }));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct EventType<'a>(&'a str);

/// A value for the `id` field: any text without CR, LF and NUL. (Readers ignore an ID with a NUL.)
///
/// The empty ID resets a reader's last event ID.
///
/// ```
/// use eventwire::sse::{EventId, InvalidValue};
///
/// assert_eq!(EventId::new("17")?.as_str(), "17");
/// assert_eq!(EventId::new("1\07"), Err(InvalidValue::Nul { offset: 1 }));
/// # Ok::<(), InvalidValue>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct EventId<'a>(&'a str);

/// Why a text is not valid as an [`EventType`] or [`EventId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidValue {
    /// The text contains a CR or LF, which would end the field's line.
    #[error("event type or id contains a line end, at byte {offset}")]
    LineEnd {
        /// The offset of the CR or LF, in bytes.
        offset: usize,
    },
    /// The ID contains a NUL, so readers would ignore it.
    #[error("event id contains a NUL, at byte {offset}")]
    Nul {
        /// The offset of the NUL, in bytes.
        offset: usize,
    },
}

const fn check(text: &str, nul: bool) -> Result<(), InvalidValue> {
    let bytes = text.as_bytes();
    let mut offset = 0;
    while offset < bytes.len() {
        match bytes[offset] {
            b'\n' | b'\r' => return Err(InvalidValue::LineEnd { offset }),
            0 if !nul => return Err(InvalidValue::Nul { offset }),
            _ => offset += 1,
        }
    }
    Ok(())
}

impl<'a> EventType<'a> {
    /// Checks a type.
    ///
    /// # Errors
    /// If it contains a CR or LF.
    pub const fn new(text: &'a str) -> Result<Self, InvalidValue> {
        match check(text, true) {
            Ok(()) => Ok(Self(text)),
            Err(error) => Err(error),
        }
    }

    /// Returns the text.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.0
    }
}

impl EventType<'static> {
    /// Wraps a literal. In a `const` it is checked at compile time.
    ///
    /// # Panics
    /// If it contains a CR or LF.
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        assert!(check(text, true).is_ok(), "an event type must not contain CR or LF");
        Self(text)
    }
}

impl<'a> EventId<'a> {
    /// Checks an ID.
    ///
    /// # Errors
    /// If it contains a CR, LF or NUL.
    pub const fn new(text: &'a str) -> Result<Self, InvalidValue> {
        match check(text, false) {
            Ok(()) => Ok(Self(text)),
            Err(error) => Err(error),
        }
    }

    /// Wraps an ID that was checked before, or that is a number.
    #[cfg(feature = "alloc")]
    pub(super) const fn known(text: &'a str) -> Self {
        Self(text)
    }

    /// Returns the text.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.0
    }
}

impl EventId<'static> {
    /// Wraps a literal. In a `const` it is checked at compile time.
    ///
    /// # Panics
    /// If it contains a CR, LF or NUL.
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        assert!(check(text, false).is_ok(), "an event id must not contain CR, LF or NUL");
        Self(text)
    }
}

impl fmt::Display for EventType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

impl fmt::Display for EventId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

impl<'a> TryFrom<&'a str> for EventType<'a> {
    type Error = InvalidValue;

    fn try_from(text: &'a str) -> Result<Self, InvalidValue> {
        Self::new(text)
    }
}

impl<'a> TryFrom<&'a str> for EventId<'a> {
    type Error = InvalidValue;

    fn try_from(text: &'a str) -> Result<Self, InvalidValue> {
        Self::new(text)
    }
}
