//! [`Identity`], a certificate for a name and its key.

use eventwire_tokio::ws::rustls::crypto::ring;
use eventwire_tokio::ws::rustls::pki_types::PrivatePkcs8KeyDer;
use eventwire_tokio::ws::rustls::{ClientConfig, RootCertStore, ServerConfig};
use rcgen::{CertificateParams, DnType, KeyPair};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// A certificate for a name, which is its own root, and its key.
pub struct Identity {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Identity {
    pub fn of(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        Self { certificate: params.self_signed(&key).unwrap(), key }
    }

    pub fn acceptor(&self) -> TlsAcceptor {
        let key = PrivatePkcs8KeyDer::from(self.key.serialize_der()).into();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.der().clone()], key)
            .unwrap();
        Arc::new(config).into()
    }

    /// Returns the configuration of a client that trusts this certificate.
    pub fn trusted(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Arc::new(config)
    }
}
