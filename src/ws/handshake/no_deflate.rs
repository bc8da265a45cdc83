//! Replaces `deflate` where that feature is off: no compression is ever offered.

use super::{Extension, ResponseError};
use crate::ws::deflate::{Deflate, DeflateParams};
use core::iter::{Empty, empty};

/// An offer that is never made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offer(());

impl Offer {
    pub(super) const fn of(deflate: &Deflate) -> Self {
        match *deflate {}
    }

    pub(super) const fn pieces(self) -> Empty<&'static str> {
        let Self(()) = self;
        empty()
    }

    pub(super) fn agreed<'a>(
        self,
        _: impl Iterator<Item = Option<Extension<'a>>>,
    ) -> Result<DeflateParams, ResponseError> {
        let Self(()) = self;
        Err(ResponseError::Extension)
    }
}
