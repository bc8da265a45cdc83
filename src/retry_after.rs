//! `Retry-After`, the time at which a server asks to be tried again ([RFC 9110,
//! 10.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3)).

use crate::number::number;
use core::time::Duration;

/// The name of the header, in lower case.
pub(crate) const RETRY_AFTER: &str = "retry-after";

/// Parses the header's value if it is in seconds. A number that exceeds a `u32` becomes the largest
/// `u32`, so that it can still be added to clocks.
pub(crate) fn retry_after(value: &[u8]) -> Option<Duration> {
    let seconds = number(value.trim_ascii())?;
    Some(Duration::from_secs(seconds.min(u32::MAX.into())))
}
