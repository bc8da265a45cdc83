//! [`Patience`], how long a client waits.

use std::time::Duration;

/// How long a client waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// As long as the options have it by default.
    Default,
    /// [`SHORT`].
    Short,
}

/// A deadline that no fault of a server on loopback needs.
pub const SHORT: Duration = Duration::from_millis(200);
