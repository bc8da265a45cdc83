//! [`Statuses`], HTTP statuses that are tried again.

#[cfg(feature = "alloc")]
use alloc::{boxed::Box, vec::Vec};

/// HTTP statuses, for
/// [`EventSourceOptions::retry_statuses`](crate::sse::EventSourceOptions::retry_statuses). They are
/// a `'static` slice or, with feature `alloc`, a `Vec` or a reference to a `Vec`, which is copied.
///
/// ```
/// use eventwire::sse::client::Statuses;
///
/// let fixed = Statuses::from(&[429, 503]);
/// # #[cfg(feature = "alloc")]
/// assert_eq!(Statuses::from(vec![429, 503]), fixed);
/// assert_ne!(Statuses::default(), fixed); // none
/// ```
#[derive(Clone, Debug)]
pub struct Statuses(Held);

#[derive(Clone, Debug)]
enum Held {
    Static(&'static [u16]),
    // A thin pointer, so that this variant takes no more room than the other.
    #[cfg(feature = "alloc")]
    Owned(Box<Box<[u16]>>),
}

impl Statuses {
    pub(in crate::sse) const NONE: Self = Self(Held::Static(&[]));

    pub(in crate::sse) fn contain(&self, status: u16) -> bool {
        self.as_slice().contains(&status)
    }

    fn as_slice(&self) -> &[u16] {
        match &self.0 {
            Held::Static(statuses) => statuses,
            #[cfg(feature = "alloc")]
            Held::Owned(statuses) => statuses,
        }
    }
}

impl Default for Statuses {
    /// Returns no statuses.
    fn default() -> Self {
        Self::NONE
    }
}

impl PartialEq for Statuses {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Statuses {}

impl From<&'static [u16]> for Statuses {
    fn from(statuses: &'static [u16]) -> Self {
        Self(Held::Static(statuses))
    }
}

impl<const N: usize> From<&'static [u16; N]> for Statuses {
    fn from(statuses: &'static [u16; N]) -> Self {
        Self(Held::Static(statuses))
    }
}

#[cfg(feature = "alloc")]
impl From<Vec<u16>> for Statuses {
    fn from(statuses: Vec<u16>) -> Self {
        Self(Held::Owned(Box::new(statuses.into())))
    }
}

#[cfg(feature = "alloc")]
impl From<&Vec<u16>> for Statuses {
    fn from(statuses: &Vec<u16>) -> Self {
        statuses.clone().into()
    }
}
