//! [`Connect`], a source that is being set up, and [`connect`].

use super::event_source::EventSource;
use super::event_source_error::EventSourceError;
use crate::BoxError;
use eventwire::sse::{DecoderOptions, EventId, EventSourceOptions, OwnedDecoder};
use eventwire::{Backoff, InvalidUrl, Url};
use std::fmt;
use std::time::Duration;
use ureq::Agent;
use ureq::http::{HeaderName, HeaderValue, Request};

/// Sets up a source of events at this URL, by ureq.
///
/// The URL begins with `http://` or `https://`, and contains only ASCII. A user and a password in it
/// are sent as Basic credentials. See [`Connect`] for the rest.
///
/// ```no_run
/// use eventwire_blocking::sse;
///
/// fn main() -> Result<(), sse::EventSourceError> {
///     for event in sse::connect("https://example.com/feed").last_event_id("42") {
///         match event {
///             Ok(event) => println!("{}", event.data),
///             Err(error) if error.will_retry() => eprintln!("{error}, trying again"),
///             Err(error) => return Err(error),
///         }
///     }
///     Ok(())
/// }
/// ```
pub fn connect(url: impl AsRef<str>) -> Connect {
    Connect {
        request: request(url.as_ref()),
        agent: None,
        last_event_id: String::new(),
        options: Connect::default_options(),
        decoder_options: DecoderOptions::new(),
    }
}

/// An event source that is being set up, from [`connect`].
///
/// There are two ways to go on:
///
/// * [`open`](Self::open) waits until the stream is open. If the first attempt fails, this returns
///   its error, whatever it is. Use it where a program should not start without the server.
/// * [`build`](Self::build), or a `for` loop, returns the source at once. The source connects when
///   it is first asked for an event, and failures of the first attempt are retried like those of
///   later ones. Use it to follow a stream for ever.
///
/// The request is a `GET`. Unless you set them, it has the headers `accept: text/event-stream` and
/// `cache-control: no-cache` ([WHATWG HTML, 9.2.2]).
///
/// Mistakes in the request, such as an invalid URL or header, are reported by the first attempt as
/// [`InvalidRequest`](super::EventSourceErrorKind::InvalidRequest).
///
/// ```no_run
/// use eventwire_blocking::sse;
/// use std::time::Duration;
///
/// # fn follow(token: &str, saved: &str) -> Result<(), sse::EventSourceError> {
/// let options = sse::Connect::default_options().idle_timeout(Duration::from_secs(60));
/// let mut source = sse::connect("https://example.com/feed")
///     .header("authorization", format!("Bearer {token}"))
///     .last_event_id(saved)
///     .options(options)
///     .open()?;
/// # Ok(())
/// # }
/// ```
///
/// [WHATWG HTML, 9.2.2]:
/// https://html.spec.whatwg.org/multipage/server-sent-events.html#the-eventsource-interface
#[must_use = "nothing is sent before the source is built or opened"]
pub struct Connect {
    /// The request, or the first mistake.
    request: Result<Request<()>, BoxError>,
    agent: Option<Agent>,
    last_event_id: String,
    options: EventSourceOptions,
    decoder_options: DecoderOptions,
}

impl Connect {
    /// How long the default [`agent`](Self::agent) may take to resolve the name, and to connect:
    /// 10 s each.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

    /// Returns the options of a source that sets none: those of [`EventSourceOptions::new`], and
    /// two changes for a program that follows a stream for long.
    ///
    /// * The statuses 408, 425, 429, 500, 502, 503 and 504 are tried again. In the standard they are
    ///   final, as for a browser, whose user can reload the page.
    /// * A random wait of up to 1 s is added before an attempt, and up to twice as much before each
    ///   further attempt that brings nothing, up to 60 s. So the clients of a server that restarts
    ///   do not all return at once.
    #[must_use]
    pub fn default_options() -> EventSourceOptions {
        // Without a random number all clients wait alike, which is no reason to stay away.
        let seed = getrandom::u64().unwrap_or_default();
        let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60), seed);
        let backoff = backoff.reset_after(Duration::ZERO);
        let statuses = &[408, 425, 429, 500, 502, 503, 504];
        EventSourceOptions::new().backoff(backoff).retry_statuses(statuses)
    }

    /// Sets a header of each request. A header of this name that was set before is replaced.
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        self.request = self.request.and_then(|mut request| {
            let name = name.try_into().map_err(|_| "invalid header name")?;
            // The value may be a secret.
            let value = value.try_into().map_err(|_| format!("invalid value of header {name}"))?;
            request.headers_mut().insert(name, value);
            Ok(request)
        });
        self
    }

    /// Sets the agent that sends the requests, with its proxy, TLS configuration, redirects and
    /// timeouts. A timeout for the whole call or the whole body would end every stream, so set
    /// none. Those for the response and for each read are set by the
    /// [options](Self::options).
    ///
    /// The default agent takes the proxy from the environment, and follows no redirects.
    pub fn agent(mut self, agent: Agent) -> Self {
        self.agent = Some(agent);
        self
    }

    /// Sets the last event ID, which asks the server to go on after that event. Use it to resume a
    /// stream after a restart of the program. An empty ID asks for nothing.
    pub fn last_event_id(mut self, id: impl Into<String>) -> Self {
        self.last_event_id = id.into();
        self
    }

    /// Sets when the source reconnects and when it gives up, in place of the
    /// [defaults](Self::default_options). The method in the options is ignored: it is always `GET`.
    pub fn options(mut self, options: EventSourceOptions) -> Self {
        self.options = options.method("GET");
        self
    }

    /// Sets the limits of the decoder.
    pub const fn decoder_options(mut self, options: DecoderOptions) -> Self {
        self.decoder_options = options;
        self
    }

    /// Returns the source without waiting for a connection.
    pub fn build(self) -> EventSource {
        let mut decoder = OwnedDecoder::with_options(self.decoder_options);
        let request = self.request.and_then(|request| {
            decoder.set_last_event_id(EventId::new(&self.last_event_id)?);
            Ok(request)
        });
        let agent = self.agent.unwrap_or_else(default_agent);
        EventSource::new(request, agent, self.options, decoder)
    }

    /// Returns the source after its stream was opened. Waits for the response, but no longer than
    /// the [response timeout](EventSourceOptions::response_timeout) and the timeouts of the
    /// [agent](Self::agent) for the connection.
    ///
    /// # Errors
    /// If the request is invalid, the server cannot be reached, or the response is not an event
    /// stream. There is no second attempt.
    pub fn open(self) -> Result<EventSource, EventSourceError> {
        let mut source = self.build();
        source.open()?;
        Ok(source)
    }
}

/// Returns a `GET` request for this URL.
fn request(url: &str) -> Result<Request<()>, BoxError> {
    // The core's errors say where the fault is, but it knows more schemes.
    match Url::parse(url).map(|url| url.scheme()) {
        Ok("http" | "https") => {}
        Ok(_) | Err(InvalidUrl::Scheme) => {
            return Err("the URL does not begin with http:// or https://".into());
        }
        Err(error) => return Err(error.into()),
    }
    Ok(Request::get(url).body(())?)
}

fn default_agent() -> Agent {
    let config = Agent::config_builder()
        .timeout_resolve(Some(Connect::DEFAULT_TIMEOUT))
        .timeout_connect(Some(Connect::DEFAULT_TIMEOUT))
        .max_redirects(0);
    #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    let config = match crate::tls::provider() {
        Some(provider) => {
            let tls = ureq::tls::TlsConfig::builder();
            config.tls_config(tls.unversioned_rustls_crypto_provider(provider).build())
        }
        None => config,
    };
    config.build().new_agent()
}

impl IntoIterator for Connect {
    type Item = <EventSource as Iterator>::Item;
    type IntoIter = EventSource;

    fn into_iter(self) -> EventSource {
        self.build()
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
