//! [`Connect`], a source that is being set up, and [`connect_with`].

use super::event_source::{EventSource, Machine};
use super::event_source_error::EventSourceError;
use super::exchange::{self, Client, Prepare};
use super::http_client::{BoxError, HttpClient};
use bytes::Bytes;
use eventwire::sse::{DecoderOptions, EventId, EventSourceOptions, OwnedDecoder};
use eventwire::{Backoff, InvalidUrl, Url};
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use std::fmt;
use std::pin::Pin;
use std::time::Duration;

/// Sets up a source of events at this URL, over an HTTP client of your own, such as a
/// `reqwest::Client` with a proxy or a certificate.
///
/// The URL begins with `http://` or `https://`, and contains only ASCII. See [`Connect`] for the
/// rest, and [`HttpClient`] for an example.
pub fn connect_with<C>(client: C, url: impl AsRef<str>) -> Connect
where
    C: HttpClient + Send + Sync + 'static,
{
    Connect::new(Ok(exchange::client(client)), url.as_ref())
}

/// An event source that is being set up. `sse::connect` (feature `reqwest`) and [`connect_with`]
/// return it.
///
/// There are two ways to go on:
///
/// * **`.await?`** waits until the stream is open. If the first attempt fails, this returns its
///   error, whatever it is. Use it where a program should not start without the server.
/// * [`build`](Self::build) returns the source at once. The source connects when it is first asked
///   for an event, and failures of the first attempt are retried like those of later ones. Use it
///   to follow a stream for ever.
///
/// The request is a `GET` unless [`method`](Self::method) says otherwise. Unless you set them, it
/// has the headers `accept: text/event-stream` and `cache-control: no-cache` ([WHATWG HTML,
/// 9.2.2]).
///
/// Mistakes in the request, such as an invalid URL or header, are reported by the first attempt as
/// [`InvalidRequest`](crate::sse::EventSourceErrorKind::InvalidRequest).
///
/// # Silent servers
/// A connection has a deadline until the head of the response has arrived. After that there is none
/// by default, because a server may have nothing to send for hours. A server that has gone without
/// a sign, for example with its network, is then never noticed. If the server sends keep-alives,
/// set an [`idle_timeout`](EventSourceOptions::idle_timeout) of several of their intervals, as in
/// the example.
///
/// # Cancel safety
/// If the future of `.await` is dropped, the connection is closed.
///
#[cfg_attr(feature = "reqwest", doc = "```no_run")]
#[cfg_attr(not(feature = "reqwest"), doc = "```ignore")]
/// use eventwire_tokio::sse;
/// use std::time::Duration;
///
/// # async fn follow(token: &str, saved: &str) -> Result<(), sse::EventSourceError> {
/// // The server sends keep-alives every 15 s.
/// let options = sse::Connect::default_options().idle_timeout(Duration::from_secs(60));
/// let mut source = sse::connect("http://localhost:3000/feed")
///     .header("authorization", format!("Bearer {token}"))
///     .last_event_id(saved)
///     .options(options)
///     .await?;
/// # Ok(())
/// # }
/// ```
///
/// [WHATWG HTML, 9.2.2]:
/// https://html.spec.whatwg.org/multipage/server-sent-events.html#the-eventsource-interface
#[must_use = "nothing is sent before the source is built or awaited"]
pub struct Connect {
    /// The client and the request, or the first mistake.
    parts: Result<(Client, Request<Bytes>), BoxError>,
    prepare: Option<Prepare>,
    last_event_id: String,
    options: EventSourceOptions,
    decoder_options: DecoderOptions,
}

impl Connect {
    pub(super) fn new(client: Result<Client, BoxError>, url: &str) -> Self {
        Self {
            parts: client.and_then(|client| Ok((client, request(url)?))),
            prepare: None,
            last_event_id: String::new(),
            options: Self::default_options(),
            decoder_options: DecoderOptions::new(),
        }
    }

    /// Returns the options of a source that sets none: those of [`EventSourceOptions::new`], and
    /// two changes for a program that follows a stream for long.
    ///
    /// * The statuses 408, 425, 429, 500, 502, 503 and 504 are tried again. In the standard they are
    ///   final, as for a browser, whose user can reload the page.
    /// * A random wait is added to the reconnection time, which is 3 s unless the server says
    ///   otherwise. So the clients of a server that restarts do not all return at once. The random
    ///   wait is up to 1 s. It is up to twice as much before each further attempt in a row, up to
    ///   60 s, while connections bring no event and last less than a minute.
    ///
    /// There is no [`idle_timeout`](EventSourceOptions::idle_timeout): see
    /// [above](Self#silent-servers).
    #[must_use]
    pub fn default_options() -> EventSourceOptions {
        // Without a random number all clients wait alike, which is no reason to stay away.
        let seed = getrandom::u64().unwrap_or_default();
        // However short a connection was, an event makes it a success.
        let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60), seed)
            .reset_after(Duration::ZERO);
        let statuses = &[408, 425, 429, 500, 502, 503, 504];
        EventSourceOptions::new().backoff(backoff).retry_statuses(statuses)
    }

    /// Sets a header of each request. A header of this name that was set before is replaced. The
    /// value is [sensitive](HeaderValue::set_sensitive), so that clients do not print it. If it
    /// changes with time, use [`on_request`](Self::on_request).
    pub fn header<N, V>(self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        self.change(|request| {
            let name = name.try_into().map_err(|_| "invalid header name")?;
            // The value may be a secret, so neither an error nor a client prints it.
            let mut value =
                value.try_into().map_err(|_| format!("invalid value of header {name}"))?;
            value.set_sensitive(true);
            request.headers_mut().insert(name, value);
            Ok(())
        })
    }

    /// Sets the method of each request. A method that is not idempotent, such as `POST`, is never
    /// sent a second time, unless [`reconnect`](EventSourceOptions::reconnect) allows it.
    pub fn method(self, method: impl TryInto<Method>) -> Self {
        self.change(|request| {
            *request.method_mut() = method.try_into().map_err(|_| "invalid method")?;
            Ok(())
        })
    }

    /// Sets the body of each request. Set its `content-type` with [`header`](Self::header).
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        self.change(|request| {
            *request.body_mut() = body.into();
            Ok(())
        })
    }

    /// Sets a function that completes each request before it is sent, for example with a token that
    /// expires. It takes the request with all its headers, and returns the request to send. It may
    /// change everything but the method, which decides whether the request may be
    /// [repeated](Self::method). A function that was set before is replaced.
    ///
    /// If the function fails, the source reports
    /// [`OnRequest`](crate::sse::EventSourceErrorKind::OnRequest), and calls it again after a wait,
    /// like after a network error. The time that it takes counts towards the
    /// [`response_timeout`](EventSourceOptions::response_timeout). Its future is dropped if that has
    /// passed, or if the source is closed.
    ///
    #[cfg_attr(feature = "reqwest", doc = "```")]
    #[cfg_attr(not(feature = "reqwest"), doc = "```ignore")]
    /// use bytes::Bytes;
    /// use eventwire_tokio::sse::{self, BoxError, EventSource};
    /// use http::{HeaderValue, Request, header::AUTHORIZATION};
    ///
    /// # async fn token() -> Result<String, std::io::Error> { Ok(String::new()) }
    /// async fn with_token(mut request: Request<Bytes>) -> Result<Request<Bytes>, BoxError> {
    ///     let token = token().await?; // one that is valid now
    ///     let mut value = HeaderValue::try_from(format!("Bearer {token}"))?;
    ///     value.set_sensitive(true);
    ///     request.headers_mut().insert(AUTHORIZATION, value);
    ///     Ok(request)
    /// }
    ///
    /// fn follow(url: &str) -> EventSource {
    ///     sse::connect(url).on_request(with_token).build()
    /// }
    /// ```
    pub fn on_request<F, R, E>(mut self, mut prepare: F) -> Self
    where
        F: FnMut(Request<Bytes>) -> R + Send + 'static,
        R: Future<Output = Result<Request<Bytes>, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        self.prepare = Some(Box::new(move |request| {
            let preparing = prepare(request);
            Box::pin(async { preparing.await.map_err(Into::into) })
        }));
        self
    }

    /// Sets the last event ID, which asks the server to go on after that event. Use it to resume a
    /// stream after a restart of the program. An empty ID asks for nothing.
    pub fn last_event_id(mut self, id: impl Into<String>) -> Self {
        self.last_event_id = id.into();
        self
    }

    /// Sets when the source reconnects and when it gives up, in place of the
    /// [defaults](Self::default_options). The
    /// [`method`](EventSourceOptions::method) in the options is replaced by that of the request.
    pub fn options(mut self, options: EventSourceOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets the limits of the decoder, and the items that
    /// [`next_item`](EventSource::next_item) returns besides events.
    pub fn decoder_options(mut self, options: DecoderOptions) -> Self {
        self.decoder_options = options;
        self
    }

    /// Returns the source without waiting for a connection.
    pub fn build(self) -> EventSource {
        let mut decoder = OwnedDecoder::with_options(self.decoder_options);
        let mut options = self.options;
        let parts = self.parts.and_then(|parts| {
            decoder.set_last_event_id(EventId::new(&self.last_event_id)?);
            Ok(parts)
        });
        let mut authority = String::new();
        let send = match parts {
            Ok((client, request)) => {
                options = options.method(request.method().as_str());
                authority = request.uri().authority().map(ToString::to_string).unwrap_or_default();
                exchange::repeat(client, request, self.prepare)
            }
            Err(error) => exchange::fail(error),
        };
        EventSource::new(Machine::with_decoder(decoder, options), send, &authority)
    }

    fn change(mut self, change: impl FnOnce(&mut Request<Bytes>) -> Result<(), BoxError>) -> Self {
        self.parts = self.parts.and_then(|(client, mut request)| {
            change(&mut request)?;
            Ok((client, request))
        });
        self
    }
}

/// A URL with another scheme, or without one.
#[derive(Debug, thiserror::Error)]
#[error("the URL does not begin with http:// or https://")]
pub(super) struct NotHttp;

/// Returns a `GET` request for this URL.
fn request(url: &str) -> Result<Request<Bytes>, BoxError> {
    // The core's errors say where the fault is, but it knows more schemes.
    match Url::parse(url).map(|url| url.scheme()) {
        Ok("http" | "https") => {}
        Ok(_) | Err(InvalidUrl::Scheme) => {
            return Err(NotHttp.into());
        }
        Err(error) => return Err(error.into()),
    }
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = Uri::try_from(url)?;
    Ok(request)
}

impl IntoFuture for Connect {
    type Output = Result<EventSource, EventSourceError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let mut source = self.build();
        Box::pin(async move {
            source.open().await?;
            Ok(source)
        })
    }
}

/// Formats the options without the request, which may contain credentials.
impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect")
            .field("last_event_id", &self.last_event_id)
            .field("options", &self.options)
            .field("decoder_options", &self.decoder_options)
            .finish_non_exhaustive()
    }
}
