//! [`Lent`], a value that is borrowed, or owned where there is an allocator.

#[cfg(feature = "alloc")]
use alloc::sync::Arc;
use core::ops::Deref;

#[derive(Debug)]
pub(super) enum Lent<'a, T: ?Sized> {
    Borrowed(&'a T),
    #[cfg(feature = "alloc")]
    Owned(Arc<T>),
}

impl<T: ?Sized> Clone for Lent<'_, T> {
    fn clone(&self) -> Self {
        match self {
            Self::Borrowed(value) => Self::Borrowed(value),
            #[cfg(feature = "alloc")]
            Self::Owned(value) => Self::Owned(Arc::clone(value)),
        }
    }
}

pub(super) type Text<'a> = Lent<'a, str>;

#[cfg(feature = "alloc")]
impl Lent<'_, str> {
    pub(super) fn into_owned(self) -> Lent<'static, str> {
        Lent::Owned(match self {
            Self::Borrowed(text) => text.into(),
            Self::Owned(text) => text,
        })
    }
}

#[cfg(feature = "alloc")]
impl<T: Clone> Lent<'_, T> {
    pub(super) fn cloned(self) -> Lent<'static, T> {
        Lent::Owned(match self {
            Self::Borrowed(value) => Arc::new(value.clone()),
            Self::Owned(value) => value,
        })
    }
}

impl<T: ?Sized> Deref for Lent<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Self::Borrowed(value) => value,
            #[cfg(feature = "alloc")]
            Self::Owned(value) => value,
        }
    }
}

impl<T: ?Sized + PartialEq> PartialEq for Lent<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: ?Sized + Eq> Eq for Lent<'_, T> {}
