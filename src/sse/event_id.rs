//! Values that cannot break the line they are written to.

use core::fmt;

/// A value for the `event` field: any text without CR and LF.
///
/// The empty type is the same as none: `message`.
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

/// A value for the `id` field: any text without CR, LF and NUL (a reader would ignore that one).
///
/// The empty id resets a reader's last event ID.
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

/// Why a text cannot be an [`EventType`] or [`EventId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidValue {
    /// A CR or LF would end the field's line.
    #[error("event type or id has a line end, at byte {offset}")]
    LineEnd {
        /// Where, in bytes.
        offset: usize,
    },
    /// An id with a NUL would be ignored.
    #[error("event id has a NUL, at byte {offset}")]
    Nul {
        /// Where, in bytes.
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
    /// If it has a CR or LF.
    pub const fn new(text: &'a str) -> Result<Self, InvalidValue> {
        match check(text, true) {
            Ok(()) => Ok(Self(text)),
            Err(error) => Err(error),
        }
    }

    /// The text.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.0
    }
}

impl EventType<'static> {
    /// A literal, checked while compiling if it stands in a `const`.
    ///
    /// # Panics
    /// If it has a CR or LF.
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        assert!(check(text, true).is_ok(), "an event type has no CR or LF");
        Self(text)
    }
}

impl<'a> EventId<'a> {
    /// Checks an id.
    ///
    /// # Errors
    /// If it has a CR, LF or NUL.
    pub const fn new(text: &'a str) -> Result<Self, InvalidValue> {
        match check(text, false) {
            Ok(()) => Ok(Self(text)),
            Err(error) => Err(error),
        }
    }

    /// An id that was checked before, or is a number.
    #[cfg(feature = "alloc")]
    pub(super) const fn known(text: &'a str) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.0
    }
}

impl EventId<'static> {
    /// A literal, checked while compiling if it stands in a `const`.
    ///
    /// # Panics
    /// If it has a CR, LF or NUL.
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        assert!(check(text, false).is_ok(), "an event id has no CR, LF or NUL");
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
