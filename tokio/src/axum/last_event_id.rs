//! [`LastEventId`] as an extractor.

use crate::LastEventId;
use axum_core::extract::FromRequestParts;
use http::request::Parts;
use std::convert::Infallible;

/// Reads the header `Last-Event-ID`, or else the first `last_event_id` of the query. The query is
/// for clients that can set no header: a WebSocket in a browser, or an `EventSource` that a page
/// makes anew. An empty one counts as none.
impl<S: Sync> FromRequestParts<S> for LastEventId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let of_header = Self::from(&parts.headers);
        if of_header != Self::NONE {
            return Ok(of_header);
        }
        let query = parts.uri.query().unwrap_or_default();
        let mut fields = form_urlencoded::parse(query.as_bytes());
        let id = fields.find(|(name, _)| name == "last_event_id");
        let id = id.filter(|(_, id)| !id.is_empty());
        Ok(id.map_or(Self::NONE, |(_, id)| Self::new(id.into_owned())))
    }
}
