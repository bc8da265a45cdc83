//! [`Tls`], TLS by rustls over a transport, which two threads can use at once.

use crate::BoxError;
use crate::transport::{Transport, is_late};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::{CertificateError, ClientConfig, Connection, InvalidMessage, RootCertStore};
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// The size of a record's payload ([RFC 8446, section
/// 5.1](https://www.rfc-editor.org/rfc/rfc8446#section-5.1)).
const RECORD: usize = 16 << 10;
/// How long an alert or the last record may take.
const MOMENT: Duration = Duration::from_millis(1);

/// A TLS connection over a transport.
///
/// The connection's lock is never held while a thread reads or writes the transport. The other two
/// locks belong to the thread that reads and to the one that writes.
pub(crate) struct Tls {
    transport: Box<dyn Transport>,
    connection: Mutex<Connection>,
    incoming: Mutex<Incoming>,
    outgoing: Mutex<Outgoing>,
}

/// Bytes of the peer that the connection has not taken yet.
#[derive(Default)]
struct Incoming {
    buffer: Vec<u8>,
    /// The unread part of the buffer.
    start: usize,
    end: usize,
}

#[derive(Default)]
struct Outgoing {
    /// Encrypted bytes, and how many of them are written.
    records: Vec<u8>,
    written: usize,
    /// How much of the caller's bytes is in `records` without having been reported as written.
    unreported: usize,
}

impl Tls {
    /// Does the TLS handshake.
    pub(crate) fn handshake(
        transport: Box<dyn Transport>,
        connection: impl Into<Connection>,
        deadline: Instant,
    ) -> io::Result<Self> {
        let tls = Self {
            transport,
            connection: Mutex::new(connection.into()),
            incoming: Mutex::default(),
            outgoing: Mutex::default(),
        };
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            match tls.flush(&mut lock(&tls.outgoing), Some(left)) {
                Err(error) if is_late(&error) => continue,
                flushed => flushed?,
            }
            if !lock(&tls.connection).is_handshaking() {
                return Ok(tls);
            }
            match tls.receive(&mut lock(&tls.incoming), Some(left)) {
                Ok(true) => {}
                Ok(false) => return Err(ErrorKind::UnexpectedEof.into()),
                Err(error) if is_late(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Passes more of the peer's bytes to the connection. Returns whether there were any.
    fn receive(&self, incoming: &mut Incoming, time: Option<Duration>) -> io::Result<bool> {
        if incoming.start == incoming.end {
            incoming.buffer.resize(RECORD, 0);
            let len = self.transport.read_within(&mut incoming.buffer, time)?;
            (incoming.start, incoming.end) = (0, len.min(RECORD));
        }
        let mut bytes = &incoming.buffer[incoming.start..incoming.end];
        let mut connection = lock(&self.connection);
        let len = connection.read_tls(&mut bytes)?;
        incoming.start += len;
        if let Err(error) = connection.process_new_packets() {
            drop(connection);
            if let Ok(mut outgoing) = self.outgoing.try_lock() {
                let _ = self.flush(&mut outgoing, Some(MOMENT)); // the alert that says why
            }
            return Err(io::Error::new(ErrorKind::InvalidData, error));
        }
        Ok(len > 0)
    }

    /// Writes the records that wait to be written, in no more than this time.
    fn flush(&self, outgoing: &mut Outgoing, time: Option<Duration>) -> io::Result<()> {
        let mut connection = lock(&self.connection);
        while connection.wants_write() {
            connection.write_tls(&mut outgoing.records)?;
        }
        drop(connection);
        let mut patience = Patience::new(time);
        while let bytes = &outgoing.records[outgoing.written..]
            && !bytes.is_empty()
        {
            match self.transport.write_within(bytes, patience.left()?)? {
                0 => return Err(ErrorKind::WriteZero.into()),
                len => outgoing.written += len.min(bytes.len()),
            }
        }
        outgoing.records.clear();
        outgoing.records.shrink_to(2 * RECORD);
        outgoing.written = 0;
        Ok(())
    }
}

impl Transport for Tls {
    fn read_within(&self, buffer: &mut [u8], time: Option<Duration>) -> io::Result<usize> {
        let mut incoming = lock(&self.incoming);
        let mut patience = Patience::new(time);
        loop {
            match lock(&self.connection).reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                read => return read,
            }
            self.receive(&mut incoming, patience.left()?)?;
        }
    }

    fn write_within(&self, bytes: &[u8], time: Option<Duration>) -> io::Result<usize> {
        let mut outgoing = lock(&self.outgoing);
        if outgoing.unreported == 0 {
            let mut connection = lock(&self.connection);
            while let rest = &bytes[outgoing.unreported..]
                && !rest.is_empty()
            {
                let front = &rest[..rest.len().min(RECORD)];
                match connection.writer().write(front)? {
                    0 => return Err(ErrorKind::WriteZero.into()),
                    len => outgoing.unreported += len,
                }
                connection.write_tls(&mut outgoing.records)?;
            }
        }
        self.flush(&mut outgoing, time)?;
        Ok(std::mem::take(&mut outgoing.unreported))
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        // A thread that is writing has more to say, and the peer will see that it is cut off.
        if how != Shutdown::Read
            && let Ok(mut outgoing) = self.outgoing.try_lock()
        {
            lock(&self.connection).send_close_notify();
            let _ = self.flush(&mut outgoing, Some(MOMENT));
        }
        self.transport.shutdown(how)
    }
}

/// A time that several calls share. Even if it is zero, the first call is made.
struct Patience {
    time: Option<Duration>,
    start: Option<Instant>,
}

impl Patience {
    const fn new(time: Option<Duration>) -> Self {
        Self { time, start: None }
    }

    /// Returns what is left of the time.
    fn left(&mut self) -> io::Result<Option<Duration>> {
        let (Some(time), Some(start)) = (self.time, self.start) else {
            self.start = Some(Instant::now());
            return Ok(self.time);
        };
        let left = time.checked_sub(start.elapsed()).ok_or(ErrorKind::TimedOut)?;
        Ok(Some(left))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the provider that the features choose. The process's default is neither used nor set.
#[allow(clippy::unnecessary_wraps, reason = "there may be none")]
pub(crate) fn provider() -> Option<Arc<CryptoProvider>> {
    #[cfg(feature = "aws-lc-rs")]
    return Some(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    #[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
    return Some(Arc::new(rustls::crypto::ring::default_provider()));
    #[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
    None
}

/// The program is built without something that TLS needs.
#[derive(Debug, thiserror::Error)]
#[error("TLS has no {what}: enable feature {feature} of eventwire-blocking, or set a TLS config")]
pub(crate) struct MissingFeature {
    what: &'static str,
    feature: &'static str,
}

/// Returns the configuration that the crate's features name. All connections share it, and so
/// they resume sessions.
pub(crate) fn default_config() -> Result<Arc<ClientConfig>, BoxError> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(Arc::clone(config));
    }
    let config = config_with(&[])?;
    Ok(Arc::clone(CONFIG.get_or_init(|| config)))
}

/// Returns that configuration, which also trusts these roots.
pub(crate) fn config_with(more: &[CertificateDer<'static>]) -> Result<Arc<ClientConfig>, BoxError> {
    let missing = MissingFeature { what: "provider", feature: "`ring` or `aws-lc-rs`" };
    let builder = ClientConfig::builder_with_provider(provider().ok_or(missing)?);
    let builder = builder.with_safe_default_protocol_versions()?;
    let mut roots = RootCertStore::empty();
    for certificate in more {
        roots.add(certificate.clone())?;
    }
    #[cfg(feature = "webpki-roots")]
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    if roots.is_empty() {
        return Err(MissingFeature { what: "roots to trust", feature: "`webpki-roots`" }.into());
    }
    let config = builder.with_root_certificates(roots).with_no_client_auth();
    Ok(with_alpn(Arc::new(config)))
}

/// Returns a configuration that names an application protocol. A copy shares the store of sessions.
pub(crate) fn with_alpn(mut config: Arc<ClientConfig>) -> Arc<ClientConfig> {
    if config.alpn_protocols.is_empty() {
        Arc::make_mut(&mut config).alpn_protocols = vec![b"http/1.1".to_vec()];
    }
    config
}

/// Advice for a client whose server has no TLS.
pub(crate) const PLAIN: &str = "the port answers without TLS: use the port for TLS, or no TLS";

/// Returns whether the peer answered without TLS.
pub(crate) const fn is_plain(error: &rustls::Error) -> bool {
    matches!(error, rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType))
}

/// Returns whether another handshake would fail in the same way.
pub(crate) fn is_permanent(error: &rustls::Error) -> bool {
    match error {
        rustls::Error::InvalidCertificate(error) => is_untrusted(error),
        rustls::Error::PeerIncompatible(_) => true,
        error => is_plain(error),
    }
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

#[cfg(test)]
mod tests {
    use super::Patience;
    use std::time::Duration;

    #[test]
    fn a_time_that_is_over_allows_one_call() {
        let mut patience = Patience::new(Some(Duration::ZERO));
        assert_eq!(patience.left().unwrap(), Some(Duration::ZERO));
        while patience.left().is_ok() {} // until the clock moves
        let mut patience = Patience::new(None);
        assert_eq!((patience.left().unwrap(), patience.left().unwrap()), (None, None));
    }
}
