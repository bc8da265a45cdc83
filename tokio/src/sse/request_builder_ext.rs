//! [`RequestBuilderExt`], which sends a request of `reqwest` and reads its events.

use super::event_source_error::EventSourceErrorKind;
use super::events::Events;
use super::exchange::{self, SendRequest};
use super::reqwest_client::explain;
use reqwest::{Client, Request, RequestBuilder};

/// Reads the response to a request of `reqwest` as an event stream.
///
/// The trait is sealed: only [`RequestBuilder`] implements it.
pub trait RequestBuilderExt: sealed::RequestBuilderExt {
    /// Sends the request once, and returns the events of its response. Unless the request has them,
    /// the headers `accept: text/event-stream` and `cache-control: no-cache` are added.
    ///
    /// [`Events`] has an example.
    fn events(self) -> Events;
}

mod sealed {
    pub trait RequestBuilderExt {}
}

impl sealed::RequestBuilderExt for RequestBuilder {}

impl RequestBuilderExt for RequestBuilder {
    fn events(self) -> Events {
        let (client, request) = self.build_split();
        let request = match request {
            Ok(request) => request,
            Err(error) => return Events::new(exchange::fail(explain(error)), ""),
        };
        let authority = request.url().authority().to_owned();
        Events::new(once(client, request), &authority)
    }
}

/// Sends the request once. The source of [`Events`] asks for no more.
fn once(client: Client, request: Request) -> SendRequest {
    let mut request = Some(request);
    Box::new(move |headers| {
        let Some(mut request) = request.take() else {
            let error = "the request was sent before".into();
            return Box::pin(std::future::ready(Err(EventSourceErrorKind::InvalidRequest(error))));
        };
        exchange::add_headers(request.headers_mut(), headers);
        let responding = client.execute(request);
        Box::pin(async move {
            match responding.await {
                Ok(response) => Ok(exchange::chunked(response.into())),
                Err(error) => Err(exchange::failure::<Client>(explain(error))),
            }
        })
    })
}
