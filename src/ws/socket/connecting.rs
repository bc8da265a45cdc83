//! [`Connecting`], the state of a client that awaits the response to its opening handshake.

use super::close_event::Failure;
use super::refusal::Refusing;
use super::state::{Closing, State};
use super::websocket::WebSocket;
use super::websocket_options::WebSocketOptions;
use crate::Utf8Bytes;
use crate::ws::connection::Connection;
use crate::ws::deflate::{Deflate, DeflateParams};
use crate::ws::frame::MaskSource;
use crate::ws::handshake::{ClientHandshake, ClientRequest, ResponseError};
use alloc::boxed::Box;
use bytes::{Buf, BytesMut};
use core::time::Duration;

/// A client that awaits the response to its opening handshake.
#[derive(Debug)]
pub(super) struct Connecting {
    handshake: ClientHandshake<'static>,
    deflate: Option<Deflate>,
    /// The response, if it is a refusal and its body has not all arrived.
    refusing: Option<Refusing>,
    deadline: Duration,
    /// Set once the transport has ended, or can no longer be written.
    closing: Option<Closing>,
}

/// The terms of a response that opens the connection.
pub(super) struct Accepted {
    pub(super) subprotocol: Utf8Bytes,
    pub(super) compression: Option<(Deflate, Option<DeflateParams>)>,
}

impl<M: MaskSource> WebSocket<M> {
    /// Opens a connection over a connected transport. The opening handshake's request is the first
    /// thing to write. `request` may be dropped afterwards.
    #[must_use]
    pub fn connect(
        request: &ClientRequest<'_>,
        options: WebSocketOptions,
        masks: M,
        now: Duration,
    ) -> Self {
        let connecting = Connecting {
            handshake: request.handshake().into_owned(),
            deflate: request.offered_deflate().cloned(),
            refusing: None,
            deadline: now.saturating_add(options.handshake_timeout),
            closing: None,
        };
        let connection = Connection::client(options.limits, masks);
        let state = State::Connecting(Box::new(connecting));
        Self::new(connection, state, options, now).with_request(&request.to_bytes())
    }
}

impl Connecting {
    /// Takes the received part of the response. Returns the outcome once it is known.
    pub(super) fn receive(&mut self, received: &mut BytesMut) -> Option<Result<Accepted, Failure>> {
        if self.refusing.is_none() {
            match self.handshake.decode(received) {
                Ok(None) => return None,
                Ok(Some(response)) => {
                    let subprotocol = response.subprotocol().unwrap_or_default().into();
                    let agreed = response.agreed();
                    let compression = self.deflate.take().map(|deflate| (deflate, agreed));
                    let head_len = response.head_len();
                    received.advance(head_len);
                    return Some(Ok(Accepted { subprotocol, compression }));
                }
                Err(ResponseError::Status { status, head_len }) => {
                    let head = received.split_to(head_len.min(received.len())).freeze();
                    self.refusing = Some(Refusing::new(status, head));
                }
                Err(error) => return Some(Err(Failure::Handshake(error))),
            }
        }
        let is_whole = self.refusing.as_mut()?.receive(received);
        if is_whole { self.refused().map(Err) } else { None }
    }

    /// Returns the server's refusal, if it sent one, with the part of its body that has arrived.
    pub(super) fn refused(&mut self) -> Option<Failure> {
        let refusal = self.refusing.take()?.end();
        Some(Failure::Refused(Box::new(refusal)))
    }

    pub(super) const fn closing(&mut self) -> &mut Option<Closing> {
        &mut self.closing
    }

    /// Returns the deadline for the response, and the timeout that sets it.
    pub(super) fn patience(&self, options: &WebSocketOptions) -> (Duration, Duration) {
        let handshake = (self.deadline, options.handshake_timeout);
        let closing = self.closing.as_ref();
        let closing = closing.map(|closing| (closing.deadline, options.closing_timeout));
        closing.filter(|(deadline, _)| *deadline <= self.deadline).unwrap_or(handshake)
    }
}
