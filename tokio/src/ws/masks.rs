//! [`Masks`], the masking keys of all clients on a thread.

use eventwire::ws::frame::{MaskKey, NoMaskKey};
use eventwire::ws::{MaskSource, OsMaskKeys};
use std::cell::RefCell;

thread_local! {
    static KEYS: RefCell<OsMaskKeys> = const { RefCell::new(OsMaskKeys::new()) };
}

/// Masking keys from the operating system. A connection keeps none of them: the 512 bytes that are
/// drawn at once belong to the thread.
#[derive(Debug)]
pub(super) struct Masks;

impl MaskSource for Masks {
    fn next_key(&mut self) -> Result<MaskKey, NoMaskKey> {
        KEYS.with_borrow_mut(MaskSource::next_key)
    }
}
