//! [`DialOptions`], the options of the way to a server.

use super::proxy::{InvalidProxy, ProxyRule};
use eventwire::Url;
use hyper_util::client::proxy::matcher::Intercept;
use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
#[cfg(feature = "tls")]
use std::sync::Arc;
#[cfg(feature = "tls")]
use tokio_rustls::rustls::ClientConfig;
#[cfg(feature = "tls")]
use tokio_rustls::rustls::pki_types::CertificateDer;

/// The options of the way to a server: its proxy, its addresses and its TLS.
///
/// By default, addresses come from the operating system, TLS trusts the roots that the crate's
/// features name, and the environment names the proxy, as it does for reqwest and curl:
///
/// - `HTTPS_PROXY` is the proxy for `wss` and `https`, `HTTP_PROXY` is the one for `ws` and `http`,
///   and `ALL_PROXY` is the one for all of them if the other variable is not set. A value that is
///   not the URL of a [proxy](Self::proxy) is ignored. An invalid port in it is an error.
/// - `NO_PROXY` lists the hosts that are connected to without a proxy, with commas: names, which
///   include all their subdomains, addresses, and networks such as `10.0.0.0/8`. `*` means all.
/// - The names may be in lower case. Nothing is read in a CGI program, which has `REQUEST_METHOD`.
///
/// The environment is read for each connection.
#[derive(Clone, Default)]
pub struct DialOptions {
    proxy: ProxyRule,
    addresses: HashMap<String, Vec<IpAddr>>,
    #[cfg(feature = "tls")]
    pub(super) tls: Tls,
}

/// The configuration of TLS.
#[cfg(feature = "tls")]
#[derive(Clone)]
pub(super) enum Tls {
    Config(Arc<ClientConfig>),
    /// That of the crate's features, and these roots.
    Roots(Vec<CertificateDer<'static>>),
}

#[cfg(feature = "tls")]
impl Default for Tls {
    fn default() -> Self {
        Self::Roots(Vec::new())
    }
}

impl DialOptions {
    /// Sets the proxy of all connections, instead of the environment's. `NO_PROXY` does not apply
    /// to it.
    ///
    /// The URL is `scheme://user:password@host:port`. The user and password are optional, and are
    /// percent-encoded. Without a scheme, it is `http`. The schemes are:
    ///
    /// - `http`, an HTTP proxy that allows `CONNECT` to the server's port ([RFC 9110, section
    ///   9.3.6](https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6)), with `Basic`
    ///   authentication. The default port is 80.
    /// - `https`, such a proxy that is reached by TLS. The default port is 443.
    /// - `socks5` and `socks4`, with which this program looks up the server's name, and `socks5h`
    ///   and `socks4a`, with which the proxy does. The default port is 1080. Version 4 has no
    ///   authentication, and only IPv4 addresses.
    ///
    /// A connection fails permanently if the URL is invalid.
    #[must_use]
    pub fn proxy(mut self, url: &str) -> Self {
        self.proxy = ProxyRule::always(url);
        self
    }

    /// Uses no proxy, whatever the environment names.
    #[must_use]
    pub fn no_proxy(mut self) -> Self {
        self.proxy = ProxyRule::Never;
        self
    }

    /// Sets the addresses of a host name, instead of looking them up. The port is that of the URL.
    ///
    /// This also holds for the name of a proxy. A name that a proxy looks up is not affected.
    #[must_use]
    pub fn resolve(mut self, host: &str, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        self.addresses.insert(host.to_ascii_lowercase(), addresses.into_iter().collect());
        self
    }

    /// Sets the configuration of TLS: roots, client certificates, the provider.
    ///
    /// The application protocol (ALPN) `http/1.1` is added if the configuration names none.
    /// Sessions are resumed as far as the configuration allows it, which it does by default.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls_config(mut self, config: Arc<ClientConfig>) -> Self {
        self.tls = Tls::Config(super::tls_config::with_alpn(config));
        self
    }

    /// Trusts these authorities too, besides those that the crate's features name. A configuration
    /// that was set before is dropped.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn root_certificates(
        mut self,
        certificates: impl IntoIterator<Item = CertificateDer<'static>>,
    ) -> Self {
        let mut roots = match self.tls {
            Tls::Roots(roots) => roots,
            Tls::Config(_) => Vec::new(),
        };
        roots.extend(certificates);
        self.tls = Tls::Roots(roots);
        self
    }

    /// Returns the proxy for a URL, if there is one.
    pub(super) fn proxy_of(&self, url: &Url<'_>) -> Result<Option<Intercept>, InvalidProxy> {
        self.proxy.of(url)
    }

    /// Returns the addresses that were set for a host name.
    pub(super) fn addresses_of(&self, host: &str) -> Option<&[IpAddr]> {
        if self.addresses.is_empty() {
            return None;
        }
        self.addresses.get(&host.to_ascii_lowercase()).map(Vec::as_slice)
    }
}

/// Shows neither the credentials of a proxy nor the configuration of TLS.
impl fmt::Debug for DialOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DialOptions")
            .field("proxy", &self.proxy)
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}
