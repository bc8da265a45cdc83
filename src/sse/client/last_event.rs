//! [`LastEvent`] and [`LastEvents`], the events that end a stream and close its source.

use crate::sse::decode::Event;
#[cfg(feature = "alloc")]
use alloc::boxed::Box;
#[cfg(feature = "alloc")]
use alloc::string::String;
#[cfg(feature = "alloc")]
use alloc::vec::Vec;

/// An event that ends a stream and closes its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LastEvent<S = &'static str> {
    /// An event with this data, such as `[DONE]`, ignoring ASCII whitespace around it.
    Data(S),
    /// An event of exactly this type, such as `message_stop`. `message` also matches events without
    /// a type.
    EventType(S),
}

#[cfg(feature = "alloc")]
impl<S> LastEvent<S> {
    fn map<T>(self, f: impl FnOnce(S) -> T) -> LastEvent<T> {
        match self {
            Self::Data(data) => LastEvent::Data(f(data)),
            Self::EventType(event_type) => LastEvent::EventType(f(event_type)),
        }
    }
}

impl<S: AsRef<str>> LastEvent<S> {
    fn is(&self, event_type: &[u8], data: &[u8]) -> bool {
        match self {
            Self::Data(last) => data.trim_ascii() == last.as_ref().as_bytes().trim_ascii(),
            Self::EventType(last) => event_type == last.as_ref().as_bytes(),
        }
    }
}

/// The events that each end a stream, for
/// [`EventSourceOptions::last_event`](crate::sse::EventSourceOptions::last_event) and
/// `EventStream::last_event`: none, the data of one, one [`LastEvent`], or a `'static` slice of
/// them.
///
/// With feature `alloc` the texts may be made at run time: a `String`, a `Box<str>` or a `&String`,
/// which is copied. Several of them are in a `Vec`.
///
/// ```
/// use eventwire::sse::{EventSourceOptions, LastEvent};
/// use eventwire::sse::client::LastEvents;
///
/// EventSourceOptions::new().last_event("[DONE]"); // LastEvent::Data("[DONE]")
/// EventSourceOptions::new().last_event(LastEvent::EventType("message_stop"));
/// EventSourceOptions::new().last_event(&[
///     LastEvent::EventType("response.completed"),
///     LastEvent::EventType("response.failed"),
/// ]);
/// # #[cfg(feature = "alloc")] {
/// let stop = std::env::args().nth(1).unwrap_or_else(|| "stop".to_owned());
/// EventSourceOptions::new().last_event(LastEvent::Data(&stop));
/// EventSourceOptions::new().last_event(vec![LastEvent::Data(stop)]);
/// # }
/// let none = EventSourceOptions::new().last_event(LastEvents::default());
/// assert_eq!(none, EventSourceOptions::new());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastEvents(Kept);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kept {
    One(LastEvent),
    Static(&'static [LastEvent]),
    #[cfg(feature = "alloc")]
    Owned(Box<[LastEvent<Box<str>>]>),
}

impl LastEvents {
    pub(in crate::sse) const NONE: Self = Self(Kept::Static(&[]));

    #[inline]
    pub(in crate::sse) const fn are_none(&self) -> bool {
        match &self.0 {
            Kept::One(_) => false,
            Kept::Static(all) => all.is_empty(),
            #[cfg(feature = "alloc")]
            Kept::Owned(all) => all.is_empty(),
        }
    }

    /// Returns whether the event is one of them. This is inlined down to the event's text, because
    /// passing the whole event on would move it.
    #[inline(always)]
    pub(in crate::sse) fn contain<T: AsRef<[u8]>, L>(&self, event: &Event<T, L>) -> bool {
        if self.are_none() {
            return false;
        }
        let event_type = event.event_type.as_ref().map(AsRef::as_ref);
        let event_type = event_type.unwrap_or(Event::DEFAULT_TYPE.as_bytes());
        self.contain_text(event_type, event.data.as_ref())
    }

    #[inline(never)]
    fn contain_text(&self, event_type: &[u8], data: &[u8]) -> bool {
        match &self.0 {
            Kept::One(last) => last.is(event_type, data),
            Kept::Static(all) => all.iter().any(|last| last.is(event_type, data)),
            #[cfg(feature = "alloc")]
            Kept::Owned(all) => all.iter().any(|last| last.is(event_type, data)),
        }
    }
}

impl Default for LastEvents {
    fn default() -> Self {
        Self::NONE
    }
}

impl From<LastEvent> for LastEvents {
    fn from(last: LastEvent) -> Self {
        Self(Kept::One(last))
    }
}

/// An event with this data.
impl From<&'static str> for LastEvents {
    fn from(data: &'static str) -> Self {
        LastEvent::Data(data).into()
    }
}

impl From<&'static [LastEvent]> for LastEvents {
    fn from(all: &'static [LastEvent]) -> Self {
        Self(Kept::Static(all))
    }
}

impl<const N: usize> From<&'static [LastEvent; N]> for LastEvents {
    fn from(all: &'static [LastEvent; N]) -> Self {
        Self(Kept::Static(all))
    }
}

#[cfg(feature = "alloc")]
impl From<LastEvent<String>> for LastEvents {
    fn from(last: LastEvent<String>) -> Self {
        Vec::from([last]).into()
    }
}

#[cfg(feature = "alloc")]
impl From<LastEvent<Box<str>>> for LastEvents {
    fn from(last: LastEvent<Box<str>>) -> Self {
        Vec::from([last]).into()
    }
}

/// The text is copied.
#[cfg(feature = "alloc")]
impl From<LastEvent<&String>> for LastEvents {
    fn from(last: LastEvent<&String>) -> Self {
        Vec::from([last.map(String::as_str)]).into()
    }
}

#[cfg(feature = "alloc")]
impl<S: Into<Box<str>>> From<Vec<LastEvent<S>>> for LastEvents {
    fn from(all: Vec<LastEvent<S>>) -> Self {
        Self(Kept::Owned(all.into_iter().map(|last| last.map(S::into)).collect()))
    }
}
