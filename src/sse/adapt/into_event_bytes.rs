//! [`IntoEventBytes`], the items of a stream of events to send.

use crate::sse::encode::EventBuilder;
use bytes::Bytes;
use core::convert::Infallible;

/// An item of a stream of events to send, for
/// [`KeepAliveStream`](crate::sse::adapt::KeepAliveStream) and
/// [`EventBody`](crate::sse::EventBody). The trait is sealed.
///
/// | item | error |
/// |---|---|
/// | [`EventBuilder`] | none |
/// | [`Bytes`] of whole blocks, such as [`EventBuilder::to_bytes`] returns | none |
/// | `Result<T, E>` with a `T` of the above | `E` |
///
/// A text is not such an item, because it could be data or a whole block.
/// `EventBuilder::new().data(text)` makes an event of it.
///
/// ```
/// use eventwire::sse::EventBuilder;
/// use eventwire::sse::adapt::IntoEventBytes;
///
/// let event = EventBuilder::new().data("a");
/// let read: Result<_, std::io::Error> = Ok(event.clone());
/// assert_eq!(read.into_event_bytes()?, event.to_bytes());
/// # Ok::<(), std::io::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event to send",
    label = "this stream does not yield events to send",
    note = "it must yield `EventBuilder`, `Bytes` of encoded events, or a `Result` of one of these",
    note = "`EventBuilder::new().data(text)` makes an event of a text"
)]
pub trait IntoEventBytes: sealed::Sealed {
    /// The reason that there is no event: [`Infallible`], or the error of a `Result`.
    type Error;

    /// Returns the encoded blocks.
    ///
    /// # Errors
    /// The error of a `Result`.
    fn into_event_bytes(self) -> Result<Bytes, Self::Error>;
}

mod sealed {
    pub trait Sealed {}
}

/// Whole blocks that were encoded before. They are neither copied nor checked: anything else
/// changes the events that clients see.
impl IntoEventBytes for Bytes {
    type Error = Infallible;

    fn into_event_bytes(self) -> Result<Bytes, Infallible> {
        Ok(self)
    }
}

impl sealed::Sealed for Bytes {}

impl IntoEventBytes for EventBuilder<'_> {
    type Error = Infallible;

    fn into_event_bytes(self) -> Result<Bytes, Infallible> {
        Ok(self.to_bytes())
    }
}

impl sealed::Sealed for EventBuilder<'_> {}

impl<T: IntoEventBytes<Error = Infallible>, E> IntoEventBytes for Result<T, E> {
    type Error = E;

    fn into_event_bytes(self) -> Result<Bytes, E> {
        let Ok(bytes) = self?.into_event_bytes();
        Ok(bytes)
    }
}

impl<T: sealed::Sealed, E> sealed::Sealed for Result<T, E> {}
