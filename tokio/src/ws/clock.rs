//! The time of all state machines of the process, so that one machine can take over from another.

use std::sync::LazyLock;
use std::time::Duration;
use tokio::time::Instant;

/// The start of the machines' time. It is the real time even if tokio's clock is paused, and a
/// minute earlier than needed, so that a clock that was paused before is not behind it.
static START: LazyLock<Instant> = LazyLock::new(|| {
    let now = std::time::Instant::now();
    now.checked_sub(Duration::from_secs(60)).unwrap_or(now).into()
});

pub(super) fn now() -> Duration {
    START.elapsed()
}

/// Returns `None` if the time is too late for the clock, so that it never comes.
pub(super) fn instant(time: Duration) -> Option<Instant> {
    START.checked_add(time)
}
