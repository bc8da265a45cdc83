//! [`Trace`], which tells `tracing` what happens to a socket. Without the feature it does nothing.
#![cfg_attr(
    not(feature = "tracing"),
    allow(clippy::unused_self, unused_variables, reason = "they are used only with the feature")
)]

use super::reconnect_event::Disconnected;
use eventwire::ws::CloseEvent;
use eventwire::ws::frame::Role;

/// The span of a connection.
pub(super) struct Trace {
    #[cfg(feature = "tracing")]
    span: tracing::Span,
}

impl Trace {
    /// Begins the span of a connection that is open.
    pub(super) fn open(role: Role, protocol: &str) -> Self {
        #[cfg(feature = "tracing")]
        {
            let span = tracing::debug_span!("websocket", ?role, protocol);
            tracing::debug!(parent: &span, "open");
            Self { span }
        }
        #[cfg(not(feature = "tracing"))]
        Self {}
    }

    /// Notes how the connection ended. A peer that is gone shows in the text.
    pub(super) fn closed(&self, close: &CloseEvent) {
        #[cfg(feature = "tracing")]
        tracing::debug!(parent: &self.span, clean = close.was_clean, "{close}");
    }
}

/// Notes that a socket that reconnects has lost a connection, or has failed to make one.
pub(super) fn disconnected(end: &Disconnected) {
    #[cfg(feature = "tracing")]
    tracing::debug!(reconnect_in = ?end.reconnect_in, "WebSocket disconnected: {end}");
}
