//! When a server asks to be tried again (RFC 9110, 10.2.3).

use crate::number::number;
use core::time::Duration;

/// The header, in lower case.
pub(crate) const RETRY_AFTER: &str = "retry-after";

/// Its value, if that is one in seconds; what a `u32` cannot hold is its largest number, so that clocks
/// can still be added to it.
pub(crate) fn retry_after(value: &[u8]) -> Option<Duration> {
    let seconds = number(value.trim_ascii())?;
    Some(Duration::from_secs(seconds.min(u32::MAX.into())))
}
