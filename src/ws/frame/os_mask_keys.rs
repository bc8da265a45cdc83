//! Masking keys from the operating system.

use super::mask::{MaskKey, MaskSource, NoMaskKey};
use core::fmt;

/// Masking keys from the operating system's source of randomness, drawn 128 at a time, which
/// spreads the cost of a system call over so many frames.
///
/// Memory: 512 bytes and the number of those that are left.
///
/// ```
/// use eventwire::ws::{Connection, Limits, OsMaskKeys};
///
/// let connection = Connection::frame_client(Limits::new(), OsMaskKeys::new());
/// ```
pub struct OsMaskKeys {
    drawn: [[u8; 4]; 128],
    /// The number of unused keys, at the front.
    unused: usize,
}

impl OsMaskKeys {
    /// A source that has drawn nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { drawn: [[0; 4]; 128], unused: 0 }
    }

    #[cold]
    fn draw(&mut self) -> Result<(), NoMaskKey> {
        getrandom::fill(self.drawn.as_flattened_mut()).map_err(|_| NoMaskKey)?;
        self.unused = self.drawn.len();
        Ok(())
    }
}

impl Default for OsMaskKeys {
    fn default() -> Self {
        Self::new()
    }
}

impl MaskSource for OsMaskKeys {
    #[inline]
    fn next_key(&mut self) -> Result<MaskKey, NoMaskKey> {
        if self.unused == 0 {
            self.draw()?;
        }
        self.unused -= 1;
        Ok(MaskKey(self.drawn[self.unused]))
    }
}

/// Hides the keys to come.
impl fmt::Debug for OsMaskKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OsMaskKeys").finish_non_exhaustive()
    }
}
