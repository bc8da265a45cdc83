//! The stand-in for `deflate` without that feature: no value of these types exists, so the compiler
//! drops all code that would use one.

#![allow(dead_code, reason = "each tier uses another part of it")]

#[cfg(feature = "alloc")]
use super::frame::Encoded;
use super::frame::{DataKind, Fault, Frame, Role, Shape};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Deflate {}

#[derive(Clone, Copy, Debug)]
pub(super) enum DeflateParams {}

#[derive(Clone, Debug)]
pub(super) enum Agreed {}

#[derive(Debug)]
pub(super) enum MessageDeflater {}

#[derive(Debug)]
pub(super) enum MessageInflater {}

pub(super) type BoxedDeflater = MessageDeflater;
pub(super) type BoxedInflater = MessageInflater;

pub(super) struct Scratch;

/// A frame for many receivers has no compressed forms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Forms(());

impl DeflateParams {
    pub(super) const fn pieces(self, _: bool) -> core::iter::Empty<&'static str> {
        match self {}
    }
}

impl Agreed {
    pub(super) const fn new(params: DeflateParams) -> Self {
        match params {}
    }

    pub(super) const fn text(&self) -> &str {
        match *self {}
    }
}

impl Scratch {
    pub(super) const fn take() -> Self {
        Self
    }
}

impl MessageDeflater {
    pub(super) const fn boxed(_: &Deflate, params: DeflateParams, _: Role) -> BoxedDeflater {
        match params {}
    }

    pub(super) const fn takes<P>(&self, _: &Frame<P>) -> bool {
        match *self {}
    }

    pub(super) const fn in_message(&self) -> bool {
        match *self {}
    }

    pub(super) const fn compress<'s>(
        &mut self,
        _: Frame<&'s [u8]>,
        _: &'s mut Scratch,
    ) -> Frame<&'s [u8]> {
        match *self {}
    }

    pub(super) const fn sent(&mut self, _: Shape, _: bool) {
        match *self {}
    }

    #[cfg(feature = "alloc")]
    pub(super) const fn prepared(&mut self, _: Frame<&[u8]>, _: &Forms) -> Option<Encoded> {
        match *self {}
    }
}

impl MessageInflater {
    pub(super) const fn boxed(
        _: &Deflate,
        params: DeflateParams,
        _: Role,
        _: u64,
    ) -> BoxedInflater {
        match params {}
    }

    pub(super) const fn set_max_message(&mut self, _: u64) {
        match *self {}
    }

    pub(super) const fn inflate<'r>(
        &mut self,
        _: &mut &[u8],
        _: DataKind,
        _: bool,
        _: &[u8],
        _: &'r mut Scratch,
    ) -> Result<Option<(&'r [u8], u64)>, Fault> {
        match *self {}
    }
}
