//! [`LastEventId`], the place from which a client resumes.

use eventwire::sse::header::LAST_EVENT_ID;
use http::HeaderMap;

/// The ID of the last event that a client has, if it has any. [`Hub::events`](crate::Hub::events)
/// and [`Hub::resume`](crate::Hub::resume) continue after that event.
///
/// An `EventSource` that reconnects sends it in the header `Last-Event-ID` ([WHATWG HTML,
/// 9.2.4](https://html.spec.whatwg.org/multipage/server-sent-events.html#the-last-event-id-header)).
/// With feature `axum` this is an extractor, which also reads the query `?last_event_id=`.
///
/// ```
/// use eventwire_tokio::{Hub, LastEventId};
/// use http::{Request, Response};
/// use http_body::Body;
///
/// /// Serves an event stream with hyper.
/// fn feed<B>(hub: &Hub, request: &Request<B>) -> Response<impl Body + use<B>> {
///     hub.events(&LastEventId::from(request.headers())).into_http()
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastEventId(Option<Box<[u8]>>);

impl LastEventId {
    /// That of a client that has no event yet. It begins with the next one.
    pub const NONE: Self = Self(None);

    /// Creates one. An empty ID is never that of an event, so
    /// [`resume`](crate::Hub::resume) then begins with the oldest event that is held.
    #[must_use]
    pub fn new(id: impl Into<Vec<u8>>) -> Self {
        Self(Some(id.into().into()))
    }

    /// Lets a client that has no event yet begin with the oldest event that is held, and not with
    /// the next one.
    ///
    /// ```
    /// use eventwire_tokio::eventwire::sse::EventBuilder;
    /// use eventwire_tokio::{Hub, LastEventId};
    ///
    /// let hub = Hub::default();
    /// hub.publish(EventBuilder::new().data("a"));
    /// let mut all = hub.resume(&LastEventId::NONE.or_oldest());
    /// assert!(all.try_next()?.is_some());
    /// # Ok::<(), eventwire_tokio::eventwire::Lagged>(())
    /// ```
    #[must_use]
    pub fn or_oldest(self) -> Self {
        Self(self.0.or_else(|| Some(Box::default())))
    }

    /// Returns the ID. A client may send any bytes.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        self.0.as_deref()
    }
}

/// Reads the header `Last-Event-ID`.
impl From<&HeaderMap> for LastEventId {
    fn from(headers: &HeaderMap) -> Self {
        headers.get(LAST_EVENT_ID).map_or(Self::NONE, |id| Self::new(id.as_bytes()))
    }
}
