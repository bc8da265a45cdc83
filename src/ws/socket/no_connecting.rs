//! The stand-in for `connecting` without feature `handshake`. No connection is ever in that state.

use super::close_event::Failure;
use super::state::Closing;
use super::websocket_options::WebSocketOptions;
use crate::Utf8Bytes;
use crate::ws::deflate::{Deflate, DeflateParams};
use bytes::BytesMut;
use core::time::Duration;

#[derive(Debug)]
pub(super) enum Connecting {}

pub(super) struct Accepted {
    pub(super) subprotocol: Utf8Bytes,
    pub(super) compression: Option<(Deflate, Option<DeflateParams>)>,
}

impl Connecting {
    pub(super) const fn receive(&mut self, _: &mut BytesMut) -> Option<Result<Accepted, Failure>> {
        match *self {}
    }

    pub(super) const fn refused(&mut self) -> Option<Failure> {
        match *self {}
    }

    pub(super) const fn closing(&mut self) -> &mut Option<Closing> {
        match *self {}
    }

    pub(super) const fn patience(&self, _: &WebSocketOptions) -> (Duration, Duration) {
        match *self {}
    }
}
