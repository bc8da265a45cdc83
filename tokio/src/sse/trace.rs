//! [`Trace`], which tells `tracing` how a source fares. Without the feature it does nothing.
#![cfg_attr(
    not(feature = "tracing"),
    allow(clippy::unused_self, reason = "the span is in `self` only with the feature")
)]

use super::event_source_error::EventSourceError;

/// The span of a source.
#[derive(Debug)]
pub(super) struct Trace {
    #[cfg(feature = "tracing")]
    span: tracing::Span,
}

impl Trace {
    /// Begins the span of a source that connects to this host.
    pub(super) fn new(host: &str) -> Self {
        #[cfg(not(feature = "tracing"))]
        let _ = host;
        Self {
            #[cfg(feature = "tracing")]
            span: tracing::debug_span!("event_source", host),
        }
    }

    /// Notes that a request is sent.
    pub(super) fn connecting(&self) {
        #[cfg(feature = "tracing")]
        tracing::debug!(parent: &self.span, "connecting");
    }

    /// Notes that a stream has begun.
    pub(super) fn opened(&self) {
        #[cfg(feature = "tracing")]
        tracing::debug!(parent: &self.span, "open");
    }

    /// Notes that a connection was lost.
    pub(super) fn lost(&self, error: &EventSourceError) {
        #[cfg(not(feature = "tracing"))]
        let _ = error;
        #[cfg(feature = "tracing")]
        tracing::debug!(parent: &self.span, %error, will_retry = error.will_retry(), "lost");
    }

    /// Notes that the source is closed.
    pub(super) fn closed(&self) {
        #[cfg(feature = "tracing")]
        tracing::debug!(parent: &self.span, "closed");
    }
}
