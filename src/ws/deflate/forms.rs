//! [`Forms`], the compressed forms of a frame that is sent to many receivers.

use super::zlib::Settings;
use crate::ws::frame::Encoded;
use core::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::vec::Vec;

/// The form that a compressor with these settings makes, or `None` if it is not shorter than the
/// frame.
type Form = (Settings, Option<Encoded>);

/// The forms that were needed so far. They depend only on the frame, so they do not count when
/// frames are compared.
#[derive(Clone, Debug, Default)]
pub(in crate::ws) struct Forms(Arc<Mutex<Vec<Form>>>);

impl Forms {
    /// Returns the form for these settings, and makes it if there is none yet.
    pub(super) fn get(
        &self,
        settings: Settings,
        make: impl FnOnce() -> Option<Encoded>,
    ) -> Option<Encoded> {
        let mut forms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, form)) = forms.iter().find(|(made_for, _)| *made_for == settings) {
            return form.clone();
        }
        let form = make();
        forms.push((settings, form.clone()));
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
