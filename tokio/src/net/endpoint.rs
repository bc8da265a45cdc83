//! [`Endpoint`], a host and a port.

use std::fmt;

/// A host to connect to, and its port. As text, an IPv6 address has brackets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Endpoint<'a> {
    /// A name or an address, without brackets.
    pub(super) host: &'a str,
    pub(super) port: u16,
}

impl fmt::Display for Endpoint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}
