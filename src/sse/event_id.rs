//! [`EventType`] and [`EventId`], values that cannot break the line that they are written to.

use crate::sink::decimal;
use core::fmt;
use core::hash::{Hash, Hasher};

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
/// The empty ID resets a reader's last event ID. A number becomes an ID without a check and without
/// an allocation, because the value holds the digits.
///
/// ```
/// use eventwire::sse::{EventId, InvalidValue};
///
/// const START: EventId<'_> = EventId::from_static("start");
/// assert_eq!(START.as_str(), "start");
/// assert_eq!(EventId::from(17), EventId::new("17")?);
/// assert_eq!(EventId::new("1\07"), Err(InvalidValue::Nul { offset: 1 }));
/// # Ok::<(), InvalidValue>(())
/// ```
#[derive(Clone, Copy)]
pub struct EventId<'a>(IdText<'a>);

#[derive(Clone, Copy)]
enum IdText<'a> {
    Text(&'a str),
    /// The digits of a number, and its sign, at the end of the array.
    Number {
        start: u8,
        digits: [u8; 20],
    },
}

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

pub(in crate::sse) const fn check(text: &str, nul: bool) -> Result<(), InvalidValue> {
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
            Ok(()) => Ok(Self(IdText::Text(text))),
            Err(error) => Err(error),
        }
    }

    /// Wraps an ID that was checked before, or that is a number.
    pub(super) const fn known(text: &'a str) -> Self {
        Self(IdText::Text(text))
    }

    /// Returns the text.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        match &self.0 {
            IdText::Text(text) => text,
            IdText::Number { start, digits } => {
                let (_, digits) = digits.as_slice().split_at(*start as usize);
                match core::str::from_utf8(digits) {
                    Ok(text) => text,
                    // Never: there are digits and a sign only.
                    Err(_) => "",
                }
            }
        }
    }

    fn number(is_negative: bool, magnitude: u64) -> Self {
        let mut digits = [0; 20];
        let mut start = digits.len() - decimal(magnitude, &mut digits).len();
        // A number with a sign has 19 digits at most.
        if is_negative && start > 0 {
            start -= 1;
            digits[start] = b'-';
        }
        Self(IdText::Number { start: u8::try_from(start).unwrap_or_default(), digits })
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
        Self(IdText::Text(text))
    }
}

impl Default for EventId<'_> {
    /// Returns the empty id.
    fn default() -> Self {
        Self(IdText::Text(""))
    }
}

/// Two ids are equal if their texts are.
impl PartialEq for EventId<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for EventId<'_> {}

impl Hash for EventId<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for EventId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EventId").field(&self.as_str()).finish()
    }
}

macro_rules! from_numbers {
    ($($number:ty, $is_negative:expr, $magnitude:expr;)*) => {$(
        /// Returns the number in decimal.
        #[allow(clippy::cast_lossless, reason = "`usize` has no lossless conversion")]
        impl From<$number> for EventId<'_> {
            fn from(number: $number) -> Self {
                Self::number($is_negative(number), $magnitude(number) as u64)
            }
        }
    )*};
}

// All integers of up to 64 bits, signed ones too: a literal without a suffix is an `i32` where
// several types are possible.
from_numbers! {
    u8, |_| false, |it| it;
    u16, |_| false, |it| it;
    u32, |_| false, |it| it;
    u64, |_| false, |it| it;
    usize, |_| false, |it| it;
    i8, i8::is_negative, i8::unsigned_abs;
    i16, i16::is_negative, i16::unsigned_abs;
    i32, i32::is_negative, i32::unsigned_abs;
    i64, i64::is_negative, i64::unsigned_abs;
    isize, isize::is_negative, isize::unsigned_abs;
}

impl fmt::Display for EventType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

impl fmt::Display for EventId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
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
