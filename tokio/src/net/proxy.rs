//! [`ProxyRule`], the choice of a proxy, and the connection through it.

use super::dial_error::DialError;
use super::dial_options::DialOptions;
use super::endpoint::Endpoint;
use super::progress::{Progress, Side, Step};
use super::{socks, start_tls, tcp, tunnel};
use crate::transport::BoxTransport;
use eventwire::Url;
use http::Uri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

/// Which connections use which proxy.
#[derive(Clone, Debug, Default)]
pub(super) enum ProxyRule {
    /// As the environment says at the time of each connection.
    #[default]
    Environment,
    /// All connections use this proxy.
    Always(Result<Intercept, InvalidProxy>),
    Never,
}

/// The URL of a proxy is invalid. It is not shown, because it may have credentials.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error(
    "the proxy's URL is invalid: write SCHEME://HOST:PORT, with http, https, socks5, socks5h, \
     socks4 or socks4a"
)]
pub(super) struct InvalidProxy;

impl ProxyRule {
    /// Creates the rule that all connections use a proxy.
    pub(super) fn always(url: &str) -> Self {
        let proxy = Matcher::builder().all(url).build().intercept(&Uri::from_static("http://any"));
        Self::Always(proxy.ok_or(InvalidProxy))
    }

    /// Returns the proxy for a URL, if there is one.
    pub(super) fn of(&self, url: &Url<'_>) -> Result<Option<Intercept>, InvalidProxy> {
        let proxy = match self {
            Self::Environment => intercept(&Matcher::from_env(), url),
            Self::Always(proxy) => Some(proxy.clone()?),
            Self::Never => None,
        };
        match proxy {
            Some(proxy) if !has_valid_authority(proxy.uri()) => Err(InvalidProxy),
            proxy => Ok(proxy),
        }
    }
}

/// Returns the proxy that the rules of reqwest and curl name for a URL. They know no `ws` and
/// `wss`.
fn intercept(matcher: &Matcher, url: &Url<'_>) -> Option<Intercept> {
    let scheme = if url.is_encrypted() { "https" } else { "http" };
    let server = Endpoint { host: url.host(), port: url.port() };
    matcher.intercept(&format!("{scheme}://{server}/").parse().ok()?)
}

/// Returns whether a host is there, and the port is a port. The matcher does not look at them.
fn has_valid_authority(proxy: &Uri) -> bool {
    proxy.authority().is_some_and(|it| {
        !it.host().is_empty() && (it.port_u16().is_some() || it.as_str() == it.host())
    })
}

/// Connects to a server through a proxy.
pub(super) async fn connect(
    proxy: &Intercept,
    server: Endpoint<'_>,
    options: &DialOptions,
    progress: &Progress,
) -> Result<BoxTransport, DialError> {
    let uri = proxy.uri();
    let scheme = uri.scheme_str().unwrap_or("http");
    let default_port = match scheme {
        "http" => 80,
        "https" => 443,
        _ => 1080,
    };
    let host = uri.host().unwrap_or_default();
    let host = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host);
    let peer = Endpoint { host, port: uri.port_u16().unwrap_or(default_port) };

    let is_local = matches!(scheme, "socks4" | "socks5");
    let target = if is_local {
        let only_v4 = scheme == "socks4";
        let found = tcp::resolve(server, Side::Server, options, progress).await?;
        let found = found.into_iter().find(|it| it.is_ipv4() || !only_v4);
        let found = found.ok_or_else(|| {
            progress.failed("the name has no IPv4 address, which a SOCKS4 proxy needs")
        })?;
        found.ip().to_string()
    } else {
        server.host.to_owned()
    };
    let target = Endpoint { host: &target, port: server.port };

    let mut transport = tcp::connect(peer, Side::Proxy, options, progress).await?;
    if scheme == "https" {
        transport = start_tls(transport, peer, Side::Proxy, options, progress).await?;
    }
    progress.enter(Step::Tunnel, peer);
    match scheme {
        "http" | "https" => tunnel::connect(transport, target, proxy.basic_auth(), progress).await,
        "socks5" | "socks5h" => socks::v5(transport, target, proxy.raw_auth(), progress).await,
        _ => socks::v4(transport, target, progress).await,
    }
}
