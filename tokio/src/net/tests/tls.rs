//! TLS, with certificates that each test makes. Both providers are compiled in, and none is the
//! default of the process.

use super::*;
use rcgen::{CertificateParams, KeyPair};
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs, ring};
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::{self, ClientConfig, HandshakeKind, RootCertStore, ServerConfig};

/// A certificate for a name, which is its own root, and its key.
pub(super) struct Identity {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Identity {
    pub(super) fn of(name: &str) -> Self {
        Self::new(&CertificateParams::new([name.to_owned()]).unwrap())
    }

    fn new(params: &CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        Self { certificate: params.self_signed(&key).unwrap(), key }
    }

    #[cfg(all(
        target_os = "linux",
        any(feature = "ring", feature = "aws-lc-rs"),
        any(feature = "native-roots", feature = "platform-verifier"),
    ))]
    pub(super) fn pem(&self) -> String {
        self.certificate.pem()
    }

    pub(super) fn acceptor(&self, protocols: &[&str]) -> TlsAcceptor {
        let key = PrivatePkcs8KeyDer::from(self.key.serialize_der()).into();
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.der().clone()], key)
            .unwrap();
        config.alpn_protocols = protocols.iter().map(|it| it.as_bytes().to_vec()).collect();
        Arc::new(config).into()
    }

    /// Returns the configuration of a client that trusts this certificate.
    fn trusted_by(&self, provider: CryptoProvider) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).unwrap();
        ClientConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth()
    }

    fn options(&self) -> DialOptions {
        local(DialOptions::default().no_proxy())
            .tls_config(Arc::new(self.trusted_by(ring::default_provider())))
    }
}

fn local(options: DialOptions) -> DialOptions {
    options.resolve("server.test", [[127, 0, 0, 1].into()])
}

/// Starts a server that sends back what it receives, by TLS, and that checks the protocol.
pub(super) async fn tls_server(acceptor: TlsAcceptor, protocol: Option<&'static str>) -> String {
    let address = serve(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                let chosen = stream.get_ref().1.alpn_protocol();
                if chosen == protocol.map(str::as_bytes) {
                    echo(stream).await;
                }
            }
        }
    })
    .await;
    format!("wss://server.test:{}/", address.port())
}

#[tokio::test]
async fn tls_needs_no_default_provider_and_installs_none() {
    let identity = Identity::of("server.test");
    let url = tls_server(identity.acceptor(&["h2", "http/1.1"]), Some("http/1.1")).await;
    for provider in [ring::default_provider(), aws_lc_rs::default_provider()] {
        let options = local(DialOptions::default().no_proxy())
            .tls_config(Arc::new(identity.trusted_by(provider)));
        assert_echoes(dialled(&url, &options).await.unwrap()).await;
    }
    // The built-in configuration gets as far as the certificate, if it is complete.
    let error = failed(&url, &local(DialOptions::default().no_proxy())).await;
    assert_eq!((error.hop(), error.is_permanent()), (Hop::Tls, true), "{error}");
    if cfg!(all(
        any(feature = "ring", feature = "aws-lc-rs"),
        any(feature = "webpki-roots", feature = "native-roots", feature = "platform-verifier"),
    )) {
        assert!(matches!(source(&error), rustls::Error::InvalidCertificate(_)), "{error}");
    } else {
        assert!(error.to_string().contains(": enable feature `"), "{error}");
    }
    assert!(CryptoProvider::get_default().is_none());
}

fn source(error: &DialError) -> &rustls::Error {
    error.source().and_then(|it| it.downcast_ref()).unwrap()
}

#[tokio::test]
async fn an_address_can_be_the_name_of_a_certificate() {
    let identity = Identity::of("127.0.0.1");
    let url = tls_server(identity.acceptor(&[]), None).await;
    let url = url.replace("server.test", "127.0.0.1");
    assert_echoes(dialled(&url, &identity.options()).await.unwrap()).await;
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_a_permanent_failure() {
    let (identity, other) = (Identity::of("server.test"), Identity::of("other.test"));
    let url = tls_server(identity.acceptor(&[]), None).await;
    let unknown = failed(&url, &other.options()).await;
    let url = tls_server(other.acceptor(&[]), None).await;
    let wrong_name = failed(&url, &other.options()).await;
    for error in [unknown, wrong_name] {
        assert_eq!((error.hop(), error.is_permanent()), (Hop::Tls, true), "{error}");
        assert!(matches!(source(&error), rustls::Error::InvalidCertificate(_)), "{error}");
        assert!(error.host().starts_with("server.test:"));
        let text = format!("cannot set up TLS with {}: ", error.host());
        assert!(error.to_string().starts_with(&text), "{error}");
    }
}

#[tokio::test]
async fn a_certificate_that_time_may_heal_is_no_permanent_failure() {
    let mut expired = CertificateParams::new(["server.test".to_owned()]).unwrap();
    expired.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let mut early = CertificateParams::new(["server.test".to_owned()]).unwrap();
    early.not_before = rcgen::date_time_ymd(4000, 1, 1);
    for params in [expired, early] {
        let identity = Identity::new(&params);
        let url = tls_server(identity.acceptor(&[]), None).await;
        let error = failed(&url, &identity.options()).await;
        assert_eq!((error.hop(), error.is_permanent()), (Hop::Tls, false), "{error}");
    }
}

#[tokio::test]
async fn tls_with_a_plain_port_has_a_hint() {
    let options = Identity::of("server.test").options();
    let (address, _) = accept_once(async |mut stream: TcpStream| {
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let error = failed(&format!("wss://server.test:{}", address.port()), &options).await;
    assert_eq!((error.hop(), error.is_permanent()), (Hop::Tls, true));
    assert!(
        error
            .to_string()
            .ends_with("; the port answers without TLS: use the port for TLS, or no TLS"),
        "{error}"
    );

    let (address, _) = accept_once(async |mut stream: TcpStream| {
        stream.read_u8().await.unwrap();
    })
    .await;
    let error = failed(&format!("wss://server.test:{}", address.port()), &options).await;
    assert_eq!((error.hop(), error.is_permanent()), (Hop::Tls, false));
    assert!(error.to_string().ends_with("; check that the port is for TLS"), "{error}");

    let (address, _) = accept_once(async |mut stream: TcpStream| {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let url = format!("wss://server.test:{}", address.port());
    let error = within_deadline(&url, &options, Duration::from_millis(50)).await.err().unwrap();
    let text = format!("cannot set up TLS with server.test:{}: no answer in time", address.port());
    assert_eq!((error.hop(), error.to_string()), (Hop::Tls, text));
}

#[tokio::test]
async fn a_protocol_in_the_configuration_is_left_alone() {
    let identity = Identity::of("server.test");
    let url = tls_server(identity.acceptor(&["h2", "http/1.1"]), Some("http/1.1")).await;
    let with = |protocols: &[&str]| {
        let mut config = identity.trusted_by(ring::default_provider());
        config.alpn_protocols = protocols.iter().map(|it| it.as_bytes().to_vec()).collect();
        local(DialOptions::default().no_proxy()).tls_config(Arc::new(config))
    };
    assert_echoes(dialled(&url, &with(&["http/1.1"])).await.unwrap()).await;
    let error = failed(&url, &with(&["h2", "http/1.1"])).await;
    assert_eq!((error.hop(), error.is_permanent()), (Hop::Tls, true));
    assert!(error.to_string().contains("name only http/1.1 in the ALPN"), "{error}");
}

#[tokio::test]
async fn sessions_are_resumed() {
    let identity = Identity::of("server.test");
    let acceptor = identity.acceptor(&[]);
    let resumed = Arc::new(AtomicUsize::new(0));
    let counter = resumed.clone();
    let address = serve(move |stream| {
        let (acceptor, counter) = (acceptor.clone(), counter.clone());
        async move {
            let stream = acceptor.accept(stream).await.unwrap();
            if stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed) {
                counter.fetch_add(1, Ordering::Relaxed);
            }
            echo(stream).await;
        }
    })
    .await;
    let options = identity.options();
    for expected in [0, 1, 2] {
        // The options of each attempt are a copy.
        let options = options.clone();
        let url = format!("wss://server.test:{}", address.port());
        assert_echoes(dialled(&url, &options).await.unwrap()).await;
        assert_eq!(resumed.load(Ordering::Relaxed), expected);
    }
}

#[tokio::test]
async fn tls_goes_through_a_proxy_that_is_reached_by_tls() {
    let (proxy, server) = (Identity::of("proxy.test"), Identity::of("server.test"));
    let url = tls_server(server.acceptor(&["http/1.1"]), Some("http/1.1")).await;
    let port = Url::parse(&url).unwrap().port();
    // A proxy speaks HTTP of any version, and so no protocol is asked of it.
    let acceptor = proxy.acceptor(&["other"]);
    let (address, head) = accept_once(async move |stream: TcpStream| {
        let mut stream = acceptor.accept(stream).await.unwrap();
        let head = read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        stream.flush().await.unwrap();
        forward(stream, ([127, 0, 0, 1], port).into()).await;
        head
    })
    .await;
    let mut roots = RootCertStore::empty();
    roots.add(proxy.certificate.der().clone()).unwrap();
    roots.add(server.certificate.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let options = DialOptions::default()
        .proxy(&format!("https://proxy.test:{}", address.port()))
        .resolve("proxy.test", [[127, 0, 0, 1].into()])
        .tls_config(Arc::new(config));
    assert_echoes(dialled(&url, &options).await.unwrap()).await;
    assert!(head.await.unwrap().starts_with(&format!("CONNECT server.test:{port} HTTP/1.1\r\n")));
}

#[tokio::test]
async fn a_proxy_with_a_bad_certificate_is_a_failure_of_the_proxy() {
    let identity = Identity::of("proxy.test");
    let acceptor = identity.acceptor(&[]);
    let (address, _) = accept_once(async move |stream| drop(acceptor.accept(stream).await)).await;
    let options = DialOptions::default().proxy(&format!("https://{address}"));
    let error = failed("ws://server.test", &options).await;
    assert_eq!((error.hop(), error.is_permanent()), (Hop::Proxy, true));
    let text = format!("cannot set up TLS with the proxy {address}: ");
    assert!(error.to_string().starts_with(&text), "{error}");
}
