//! [`Progress`], the step that a connection attempt is at.

use super::dial_error::{BoxError, DialError};
use super::endpoint::Endpoint;
use eventwire::Url;
use std::sync::{Mutex, PoisonError};

/// A step on the way to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Choosing the proxy, if there is one.
    ChooseProxy,
    /// Looking up the addresses of a name.
    Resolve(Side),
    /// Connecting by TCP.
    Tcp(Side),
    /// Waiting for the proxy to connect to the server.
    Tunnel,
    /// The handshake of TLS.
    Tls(Side),
}

/// The peer of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Server,
    Proxy,
}

/// Keeps the current step of [`dial`](super::dial), so that the error of a deadline can name it.
///
/// Every error is made here, and so it always names the step that failed.
#[derive(Debug)]
pub(crate) struct Progress(Mutex<Stage>);

/// A step, and the host and port of its peer.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    pub(super) step: Step,
    pub(super) host: Box<str>,
}

impl Progress {
    /// Creates the progress of an attempt that has not begun.
    pub(crate) fn new(url: &Url<'_>) -> Self {
        let server = Endpoint { host: url.host(), port: url.port() };
        let host = server.to_string().into();
        Self(Mutex::new(Stage { step: Step::ChooseProxy, host }))
    }

    /// Returns the error of an attempt that a deadline stopped.
    pub(crate) fn timed_out(&self) -> DialError {
        self.failed("no answer in time")
    }

    /// Begins a step.
    pub(super) fn enter(&self, step: Step, peer: Endpoint<'_>) {
        let stage = Stage { step, host: peer.to_string().into() };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = stage;
    }

    /// Returns the error of the current step.
    pub(super) fn failed(&self, cause: impl Into<BoxError>) -> DialError {
        let stage = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        DialError::new(stage, cause.into())
    }
}
