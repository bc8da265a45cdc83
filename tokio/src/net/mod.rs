//! The way to a server: names, TCP, proxies and TLS, up to a transport that HTTP can use.

mod dial_error;
mod dial_options;
mod endpoint;
mod progress;
mod proxy;
mod socks;
mod tcp;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "tls")]
mod tls_config;
mod tunnel;

#[cfg(test)]
mod tests;

pub use dial_error::{DialError, Hop};
pub use dial_options::DialOptions;
pub(crate) use progress::Progress;

use crate::transport::BoxTransport;
use endpoint::Endpoint;
use eventwire::Url;
use progress::{Side, Step};

/// Connects to the server of a URL: by TCP, through a proxy if there is one, and with TLS if the
/// scheme is `wss` or `https`.
///
/// There is no deadline, except for the rest of a proxy's refusal. The caller sets one over all
/// steps, and asks `progress` for the error if it passes.
///
/// # Errors
/// At the first step that fails.
///
/// # Cancel safety
/// Dropping the future closes its sockets. A lookup of a name that has begun goes on in a thread of
/// the runtime until the operating system answers, and its result is dropped.
pub(crate) async fn dial(
    url: &Url<'_>,
    options: &DialOptions,
    progress: &Progress,
) -> Result<BoxTransport, DialError> {
    let server = Endpoint { host: url.host(), port: url.port() };
    progress.enter(Step::ChooseProxy, server);
    let proxy = options.proxy_of(url).map_err(|invalid| progress.failed(invalid).permanent())?;
    let transport = match proxy {
        None => tcp::connect(server, Side::Server, options, progress).await?,
        Some(proxy) => proxy::connect(&proxy, server, options, progress).await?,
    };
    if !url.is_encrypted() {
        return Ok(transport);
    }
    start_tls(transport, server, Side::Server, options, progress).await
}

/// Sets up TLS with the server of a URL over a transport that is connected. Otherwise as [`dial`].
///
/// # Errors
/// If TLS fails.
#[cfg(feature = "tls")]
pub(crate) async fn encrypt(
    url: &Url<'_>,
    transport: BoxTransport,
    options: &DialOptions,
    progress: &Progress,
) -> Result<BoxTransport, DialError> {
    let server = Endpoint { host: url.host(), port: url.port() };
    start_tls(transport, server, Side::Server, options, progress).await
}

/// Sets up TLS with a server or a proxy.
async fn start_tls(
    transport: BoxTransport,
    peer: Endpoint<'_>,
    side: Side,
    options: &DialOptions,
    progress: &Progress,
) -> Result<BoxTransport, DialError> {
    progress.enter(Step::Tls(side), peer);
    #[cfg(feature = "tls")]
    return tls::connect(transport, peer, side, &options.tls, progress).await;
    #[cfg(not(feature = "tls"))]
    {
        let _ = (transport, options);
        Err(progress.failed("TLS is missing: enable feature `tls` of eventwire-tokio").permanent())
    }
}
