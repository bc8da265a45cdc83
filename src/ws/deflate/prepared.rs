//! The compressed forms of a frame that is sent to many.

use super::WindowBits;
use bytes::Bytes;
use core::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::vec::Vec;

/// The form for a window; `None` where the frame is shorter as it is.
type Form = (WindowBits, Option<Bytes>);

/// The forms that were asked for. They follow from the frame, and so do not count when frames are
/// compared.
#[derive(Clone, Debug, Default)]
pub(in crate::ws) struct Forms(Arc<Mutex<Vec<Form>>>);

impl Forms {
    /// The form for this window, which is made if there is none yet.
    pub(super) fn get(
        &self,
        bits: WindowBits,
        make: impl FnOnce() -> Option<Bytes>,
    ) -> Option<Bytes> {
        let mut forms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, form)) = forms.iter().find(|(made_for, _)| *made_for == bits) {
            return form.clone();
        }
        let form = make();
        forms.push((bits, form.clone()));
        form
    }
}

impl PartialEq for Forms {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Forms {}

impl Hash for Forms {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}
