//! TLS, by rustls.

use super::dial_error::DialError;
use super::dial_options::Tls;
use super::endpoint::Endpoint;
use super::progress::{Progress, Side};
use super::tls_config::{HTTP_1_1, MissingFeature, config_with, default_config};
use crate::transport::BoxTransport;
use std::io;
use std::sync::Arc;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{CertificateError, Error, InvalidMessage};

/// Sets up TLS over a transport.
pub(super) async fn connect(
    transport: BoxTransport,
    peer: Endpoint<'_>,
    side: Side,
    config: &Tls,
    progress: &Progress,
) -> Result<BoxTransport, DialError> {
    let config = match config {
        Tls::Config(config) => Ok(config.clone()),
        Tls::Roots(roots) if roots.is_empty() => default_config().await,
        Tls::Roots(roots) => config_with(roots.clone()).await,
    };
    let mut config = config.map_err(|error| {
        // Files with roots may be readable later.
        let is_permanent = error.is::<MissingFeature>() || error.is::<Error>();
        progress.failed(error).permanent_if(is_permanent)
    })?;
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
    let error = progress.failed(error).permanent_if(is_permanent);
    if is_plain {
        return error.hint("the port answers without TLS: use the port for TLS, or no TLS");
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
