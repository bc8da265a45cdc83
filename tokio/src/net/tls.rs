//! TLS, by rustls.

use super::dial_error::{BoxError, DialError};
use super::endpoint::Endpoint;
use super::progress::{Progress, Side};
use crate::transport::BoxTransport;
use std::io;
use std::sync::{Arc, OnceLock};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{CertificateError, ClientConfig, Error, InvalidMessage};

/// The application protocol (ALPN) of HTTP/1.1.
const HTTP_1_1: &[u8] = b"http/1.1";

/// Returns a configuration that names an application protocol. A copy shares the store of sessions.
pub(super) fn with_alpn(mut config: Arc<ClientConfig>) -> Arc<ClientConfig> {
    if config.alpn_protocols.is_empty() {
        Arc::make_mut(&mut config).alpn_protocols = vec![HTTP_1_1.to_vec()];
    }
    config
}

/// Sets up TLS over a transport.
pub(super) async fn connect(
    transport: BoxTransport,
    peer: Endpoint<'_>,
    side: Side,
    config: Option<&Arc<ClientConfig>>,
    progress: &Progress,
) -> Result<BoxTransport, DialError> {
    let mut config = match config {
        Some(config) => config.clone(),
        None => default_config().await.map_err(|error| {
            let error = progress.failed(error);
            // Another attempt can do no more than read the operating system's roots.
            let may_pass = cfg!(any(feature = "native-roots", feature = "platform-verifier"));
            if may_pass { error } else { error.permanent() }
        })?,
    };
    if side == Side::Proxy {
        // The protocol is meant for the server.
        Arc::make_mut(&mut config).alpn_protocols.clear();
    }
    let name = ServerName::try_from(peer.host.to_owned())
        .map_err(|error| progress.failed(error).permanent())?;
    let connecting = TlsConnector::from(config).connect(name, transport);
    let stream = connecting.await.map_err(|error| failed(error, progress))?;
    if side == Side::Server && stream.get_ref().1.alpn_protocol().is_some_and(|it| it != HTTP_1_1) {
        let error = progress.failed("the server chose another protocol than HTTP/1.1");
        return Err(error.permanent().hint("name only http/1.1 in the ALPN of the TLS config"));
    }
    Ok(Box::new(stream))
}

/// Returns the error of a handshake.
fn failed(error: io::Error, progress: &Progress) -> DialError {
    let error = match error.downcast::<Error>() {
        Ok(error) => error,
        Err(error) => {
            let is_end = matches!(
                error.kind(),
                io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset
            );
            let error = progress.failed(error);
            return if is_end { error.hint("check that the port is for TLS") } else { error };
        }
    };
    let is_plain = matches!(error, Error::InvalidMessage(InvalidMessage::InvalidContentType));
    let is_permanent = match &error {
        Error::InvalidCertificate(error) => is_untrusted(error),
        Error::PeerIncompatible(_) => true,
        _ => is_plain,
    };
    let mut error = progress.failed(error);
    if is_permanent {
        error = error.permanent();
    }
    if is_plain {
        error = error.hint("the port answers without TLS: use the port for TLS, or no TLS");
    }
    error
}

/// Returns whether a certificate stays invalid as time goes by.
fn is_untrusted(error: &CertificateError) -> bool {
    !matches!(
        error,
        CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. }
            | CertificateError::UnknownRevocationStatus
            | CertificateError::ExpiredRevocationList
            | CertificateError::ExpiredRevocationListContext { .. }
            | CertificateError::InvalidOcspResponse
            | CertificateError::Other(_)
    )
}

/// Returns the configuration that the crate's features name. All connections share it, and so
/// they resume sessions.
async fn default_config() -> Result<Arc<ClientConfig>, BoxError> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(config.clone());
    }
    // The operating system's roots are read from files. A failure is not kept.
    let config = tokio::task::spawn_blocking(build_config).await??;
    Ok(CONFIG.get_or_init(|| with_alpn(Arc::new(config))).clone())
}

fn build_config() -> Result<ClientConfig, BoxError> {
    let provider = provider().ok_or(
        "TLS has no provider: enable feature `ring` or `aws-lc-rs` of eventwire-tokio, or set a \
         TLS config",
    )?;
    let builder = ClientConfig::builder_with_provider(Arc::new(provider));
    let builder = builder.with_safe_default_protocol_versions()?;

    #[cfg(feature = "platform-verifier")]
    {
        use rustls_platform_verifier::BuilderVerifierExt as _;
        Ok(builder.with_platform_verifier()?.with_no_client_auth())
    }
    #[cfg(not(feature = "platform-verifier"))]
    Ok(builder.with_root_certificates(roots()?).with_no_client_auth())
}

/// Returns the provider that a feature names. The default of the process is neither used nor set.
fn provider() -> Option<CryptoProvider> {
    #[cfg(feature = "aws-lc-rs")]
    return Some(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    #[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
    return Some(tokio_rustls::rustls::crypto::ring::default_provider());
    #[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
    None
}

/// Returns the roots that the features name.
#[cfg(not(feature = "platform-verifier"))]
fn roots() -> Result<tokio_rustls::rustls::RootCertStore, BoxError> {
    #[allow(unused_mut, reason = "without a feature for roots, there are none")]
    let mut roots = tokio_rustls::rustls::RootCertStore::empty();
    #[cfg(feature = "native-roots")]
    {
        let found = rustls_native_certs::load_native_certs();
        // A store may have certificates that rustls cannot read.
        roots.add_parsable_certificates(found.certs);
        if let (true, Some(error)) = (roots.is_empty(), found.errors.into_iter().next()) {
            #[cfg(not(feature = "webpki-roots"))]
            return Err(error.into());
            #[cfg(feature = "webpki-roots")]
            drop(error);
        }
    }
    #[cfg(feature = "webpki-roots")]
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    if roots.is_empty() {
        return Err("TLS trusts no roots: enable feature `webpki-roots`, `native-roots` or \
                    `platform-verifier` of eventwire-tokio, or set a TLS config"
            .into());
    }
    Ok(roots)
}
