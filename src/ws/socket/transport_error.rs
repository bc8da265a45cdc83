//! [`TransportError`], which keeps the error of a transport.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::error::Error;
use core::fmt;

/// The transport of a connection could not be connected, read or written.
///
/// The transport's own error, usually an `io::Error`, is the [`source`](Error::source). Its text is
/// part of this error's text. Clones share it, and are equal.
///
/// ```
/// use eventwire::ws::socket::TransportError;
/// use std::error::Error;
/// use std::io;
///
/// let error = TransportError::new(io::Error::from(io::ErrorKind::ConnectionReset));
/// let source = error.source().and_then(|it| it.downcast_ref::<io::Error>());
/// assert_eq!(source.map(io::Error::kind), Some(io::ErrorKind::ConnectionReset));
/// ```
#[derive(Clone)]
pub struct TransportError(Arc<dyn Error + Send + Sync>);

impl TransportError {
    /// Creates an error from the transport's own error, or from a text that says what happened.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(error.into().into())
    }
}

impl Error for TransportError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the transport failed: {}", self.0)
    }
}

impl fmt::Debug for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TransportError").field(&self.0).finish()
    }
}

impl PartialEq for TransportError {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for TransportError {}
