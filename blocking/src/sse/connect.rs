//! [`connect`], which prepares an event source.

use super::event_source::EventSource;
use eventwire::sse::{DecoderOptions, EventId, EventSourceOptions, OwnedDecoder};
use std::fmt;
use std::time::Duration;
use ureq::Agent;

/// Prepares to follow the event stream at this URL, by ureq. [`Connect::open`] returns the source,
/// and so does a `for` loop.
///
/// ```no_run
/// use eventwire_blocking::sse;
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     for event in sse::connect("https://example.com/feed").last_event_id("42") {
///         match event {
///             Ok(event) => println!("{}", event.data),
///             Err(error) if error.will_retry() => eprintln!("{error}"),
///             Err(error) => return Err(error.into()),
///         }
///     }
///     Ok(())
/// }
/// ```
pub fn connect(url: impl Into<String>) -> Connect {
    Connect {
        url: url.into(),
        headers: Vec::new(),
        agent: None,
        options: EventSourceOptions::new(),
        decoder: DecoderOptions::new(),
        last_event_id: String::new(),
    }
}

/// An event source to be opened, from [`connect`].
#[must_use = "nothing is opened before `open` or a loop"]
pub struct Connect {
    pub(super) url: String,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    agent: Option<Agent>,
    pub(super) options: EventSourceOptions,
    decoder: DecoderOptions,
    last_event_id: String,
}

impl Connect {
    /// How long the default [`agent`](Self::agent) may take to resolve the name, and to connect:
    /// 10 s each.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

    /// Adds a header to each request. It replaces a header of the same name that the event source
    /// would send, such as `accept`. If it cannot be sent, the first item of the source says so.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the agent that sends the requests, with its proxy, TLS configuration and timeouts. A
    /// timeout for the whole call or the whole body would end every stream, so set none.
    ///
    /// The default agent takes the proxy from the environment and follows redirects, as ureq does.
    pub fn agent(mut self, agent: Agent) -> Self {
        self.agent = Some(agent);
        self
    }

    /// Sets when the source reconnects, and when it gives up. Requests are always sent with GET.
    pub fn options(mut self, options: EventSourceOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets the limits of events.
    pub const fn decoder_options(mut self, options: DecoderOptions) -> Self {
        self.decoder = options;
        self
    }

    /// Sets the last event ID, to resume a stream after a restart of the program. An ID that no
    /// event can have, because of a newline or NUL in it, is ignored.
    pub fn last_event_id(mut self, id: impl Into<String>) -> Self {
        self.last_event_id = id.into();
        self
    }

    /// Returns the source. It connects when its first event is asked for.
    pub fn open(mut self) -> EventSource {
        let mut decoder = OwnedDecoder::with_options(self.decoder);
        if let Ok(id) = EventId::new(&self.last_event_id) {
            decoder.set_last_event_id(id);
        }
        let agent = self.agent.take().unwrap_or_else(default_agent);
        EventSource::new(self, agent, decoder)
    }
}

fn default_agent() -> Agent {
    let config = Agent::config_builder()
        .timeout_resolve(Some(Connect::DEFAULT_TIMEOUT))
        .timeout_connect(Some(Connect::DEFAULT_TIMEOUT));
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
        self.open()
    }
}

/// Does not show the URL and the headers, which may have secrets.
impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect")
            .field("options", &self.options)
            .field("last_event_id", &self.last_event_id)
            .finish_non_exhaustive()
    }
}
