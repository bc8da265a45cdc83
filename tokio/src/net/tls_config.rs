//! The configuration of TLS that the crate's features name, and the application protocol.

use super::dial_error::BoxError;
use std::sync::{Arc, OnceLock};
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::crypto::CryptoProvider;

/// The application protocol (ALPN) of HTTP/1.1.
pub(super) const HTTP_1_1: &[u8] = b"http/1.1";

/// The program is built without something that TLS needs.
#[derive(Debug, thiserror::Error)]
#[error("TLS has no {what}: enable feature {features} of eventwire-tokio, or set a TLS config")]
pub(super) struct MissingFeature {
    what: &'static str,
    features: &'static str,
}

/// Returns a configuration that names an application protocol. A copy shares the store of sessions.
pub(super) fn with_alpn(mut config: Arc<ClientConfig>) -> Arc<ClientConfig> {
    if config.alpn_protocols.is_empty() {
        Arc::make_mut(&mut config).alpn_protocols = vec![HTTP_1_1.to_vec()];
    }
    config
}

/// Returns the configuration that the crate's features name. All connections share it, and so
/// they resume sessions.
pub(super) async fn default_config() -> Result<Arc<ClientConfig>, BoxError> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(config.clone());
    }
    // A failure is not kept, because files can be read later.
    let config = tokio::task::spawn_blocking(build_config).await??;
    Ok(CONFIG.get_or_init(|| with_alpn(Arc::new(config))).clone())
}

/// Builds that configuration. It may read files.
fn build_config() -> Result<ClientConfig, BoxError> {
    let provider =
        provider().ok_or(MissingFeature { what: "provider", features: "`ring` or `aws-lc-rs`" })?;
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
#[allow(clippy::unnecessary_wraps, reason = "without a feature for it, there is none")]
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
    #[cfg(feature = "webpki-roots")]
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    #[cfg(feature = "native-roots")]
    {
        let found = rustls_native_certs::load_native_certs();
        // A store may have certificates that rustls cannot read.
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty()
            && let Some(error) = found.errors.into_iter().next()
        {
            return Err(error.into());
        }
    }
    if roots.is_empty() {
        let features = "`webpki-roots`, `native-roots` or `platform-verifier`";
        return Err(MissingFeature { what: "roots to trust", features }.into());
    }
    Ok(roots)
}
