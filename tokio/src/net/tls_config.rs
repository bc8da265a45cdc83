//! The configuration of TLS that the crate's features name, and the application protocol.

use super::dial_error::BoxError;
use std::sync::{Arc, OnceLock};
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::CertificateDer;

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
    let config = config_with(Vec::new()).await?;
    Ok(CONFIG.get_or_init(|| config).clone())
}

/// Returns that configuration, which also trusts these roots. It may read files.
pub(super) async fn config_with(
    more: Vec<CertificateDer<'static>>,
) -> Result<Arc<ClientConfig>, BoxError> {
    let config = tokio::task::spawn_blocking(|| build_config(more)).await??;
    Ok(with_alpn(Arc::new(config)))
}

fn build_config(more: Vec<CertificateDer<'static>>) -> Result<ClientConfig, BoxError> {
    let provider =
        provider().ok_or(MissingFeature { what: "provider", features: "`ring` or `aws-lc-rs`" })?;
    let provider = Arc::new(provider);
    let builder = ClientConfig::builder_with_provider(provider.clone());
    let builder = builder.with_safe_default_protocol_versions()?;

    #[cfg(feature = "platform-verifier")]
    {
        let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(more, provider)?;
        let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
        Ok(builder.with_no_client_auth())
    }
    #[cfg(not(feature = "platform-verifier"))]
    Ok(builder.with_root_certificates(roots(more)?).with_no_client_auth())
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

/// Returns the roots that the features name, and these.
#[cfg(not(feature = "platform-verifier"))]
fn roots(
    more: Vec<CertificateDer<'static>>,
) -> Result<tokio_rustls::rustls::RootCertStore, BoxError> {
    let mut roots = tokio_rustls::rustls::RootCertStore::empty();
    for certificate in more {
        roots.add(certificate)?;
    }
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
