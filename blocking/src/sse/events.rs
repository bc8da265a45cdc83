//! [`Events`], the events of one body.

use bytes::Bytes;
use eventwire::Utf8Bytes;
#[cfg(feature = "ureq")]
use eventwire::sse::adapt::NotAnEventStream;
use eventwire::sse::client::LastEvents;
use eventwire::sse::{EventStream, OwnedDecoder, OwnedEvent, ReadError};
use futures_core::{FusedStream, Stream};
use std::fmt;
use std::io::{self, ErrorKind, Read};
use std::iter::FusedIterator;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// How much is read at once.
const CHUNK: usize = 16 << 10;

/// Returns the events of a body, such as the reader of an HTTP client's response.
///
/// Check the response first: the page of an error is an empty stream of events. For a response of
/// ureq, [`Events::from_response`] does that.
///
/// ```
/// use eventwire_blocking::sse;
///
/// let body = "data: {}\n\ndata: [DONE]\n\n".as_bytes(); // or a file, a pipe, a socket
/// for event in sse::events(body).until("[DONE]") {
///     assert_eq!(event?.data, "{}");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn events<R: Read>(reader: R) -> Events<R> {
    Events { stream: EventStream::new(Chunks { reader, buffer: Box::default() }) }
}

/// The events of one body: an [`Iterator`].
///
/// It is over at the end of the body, after an error, and after the [last
/// event](Self::last_event). It does not reconnect, but [`connect`](super::connect) does.
///
/// `next` waits as long as the reader waits. Set a timeout where you open the connection, such as
/// ureq's `timeout_per_read`.
///
/// Memory: 16 KiB, and an unfinished event up to the limit of the decoder.
///
/// # Errors
/// [`ReadError::Transport`] contains the error of the reader, and [`ReadError::Decode`] the limit
/// that the stream passed. [`ReadError::Ended`] means that the body ended before the [last
/// event](Self::last_event). Events before the error were returned.
#[must_use = "iterators do nothing unless used"]
pub struct Events<R> {
    stream: EventStream<Chunks<R>>,
}

/// The chunks of a reader. They are never pending, because the reader waits.
struct Chunks<R> {
    reader: R,
    buffer: Box<[u8]>,
}

// The reader is never pinned.
impl<R> Unpin for Chunks<R> {}

impl<R: Read> Stream for Chunks<R> {
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { reader, buffer } = self.get_mut();
        if buffer.is_empty() {
            *buffer = vec![0; CHUNK].into();
        }
        let read = loop {
            match reader.read(buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        Poll::Ready(match read {
            Ok(0) => None,
            Ok(len) => Some(Ok(Bytes::copy_from_slice(&buffer[..len.min(CHUNK)]))),
            Err(error) => Some(Err(error)),
        })
    }
}

#[cfg(feature = "ureq")]
impl Events<ureq::BodyReader<'static>> {
    /// Returns the events of a response, if it is an event stream: if its status is 200 and its
    /// content type is `text/event-stream`.
    ///
    /// By default, ureq returns an error for a status of 400 or above, without the body. To read
    /// the body, which often says why, switch that off:
    ///
    /// ```no_run
    /// use eventwire_blocking::sse::Events;
    ///
    /// fn ask(question: &str) -> Result<(), Box<dyn std::error::Error>> {
    ///     let request = ureq::post("https://example.com/v1/chat");
    ///     let request = request.config().http_status_as_error(false).build();
    ///     match Events::from_response(request.send(question)?) {
    ///         Ok(events) => {
    ///             for event in events.until("[DONE]") {
    ///                 print!("{}", event?.data);
    ///             }
    ///         }
    ///         Err(refused) => {
    ///             let body = refused.into_response().into_body().read_to_string()?;
    ///             eprintln!("refused: {body}");
    ///         }
    ///     }
    ///     Ok(())
    /// }
    /// # use eventwire_blocking::ureq;
    /// ```
    ///
    /// # Errors
    /// If the response is not an event stream. The error contains the response.
    pub fn from_response(
        response: ureq::http::Response<ureq::Body>,
    ) -> Result<Self, NotAnEventStream<ureq::Body>> {
        let response = NotAnEventStream::check(response)?;
        Ok(events(response.into_body().into_reader()))
    }
}

impl<R> Events<R> {
    /// Sets the decoder, which may have options or the last event ID of an earlier body. Call this
    /// before you read the first event.
    pub fn decoder(self, decoder: OwnedDecoder) -> Self {
        Self { stream: self.stream.decoder(decoder) }
    }

    /// Sets the event after which the stream is over, or [several](LastEvents), any one of which
    /// ends it. The last event is returned like any other. A body that ends without it was cut off,
    /// and the last item is then [`ReadError::Ended`].
    pub fn last_event(self, events: impl Into<LastEvents>) -> Self {
        Self { stream: self.stream.last_event(events) }
    }

    /// Sets the event after which the stream is over, like [`last_event`](Self::last_event), but
    /// does not return it. Use this for an event that carries nothing else, such as `[DONE]`.
    pub fn until(self, events: impl Into<LastEvents>) -> Self {
        Self { stream: self.stream.until(events) }
    }

    /// Returns the last event ID, which is empty if there is none.
    #[must_use]
    pub const fn last_event_id(&self) -> &Utf8Bytes {
        self.stream.last_event_id()
    }

    /// Returns the last valid `retry`: how long the server asks a client to wait before it connects
    /// again.
    #[must_use]
    pub const fn reconnection_time(&self) -> Option<Duration> {
        self.stream.reconnection_time()
    }

    /// Returns the reader. Bytes that were read but not decoded yet are lost.
    #[must_use]
    pub fn into_inner(self) -> R {
        self.stream.into_parts().0.reader
    }
}

impl<R: Read> Iterator for Events<R> {
    type Item = Result<OwnedEvent, ReadError<io::Error>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.stream.is_terminated() {
            return None;
        }
        match Pin::new(&mut self.stream).poll_next(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(event) => event,
            Poll::Pending => None, // the chunks never are
        }
    }
}

impl<R: Read> FusedIterator for Events<R> {}

impl<R> fmt::Debug for Events<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("last_event_id", self.last_event_id())
            .finish_non_exhaustive()
    }
}
