//! [`MessageInflater`], which inflates the messages that a connection receives.

use super::zlib::{Inflater, WINDOW};
use super::{BoxedInflater, Deflate, DeflateParams, Scratch};
use crate::simd;
use crate::ws::frame::{DataKind, Fault, Role, Utf8Validator};
use alloc::boxed::Box;
use std::vec::Vec;

/// Inflates the messages of one direction as they arrive ([RFC 7692, section 7.2.2]).
///
/// [RFC 7692, section 7.2.2]: https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
#[derive(Debug)]
pub(in crate::ws) struct MessageInflater {
    deflate: Deflate,
    takeover: bool,
    max_message: u64,
    /// Present during a message. With context takeover, it stays after the first message, unless
    /// there is a window.
    inflater: Option<Inflater>,
    /// The part of earlier messages that later ones may refer to. zlib forgets it after a block
    /// with `BFINAL`, so it is kept here as soon as the peer has sent such a block.
    window: Option<Vec<u8>>,
    /// The inflated length of the current message so far.
    len: u64,
    place: Place,
    /// The last two bytes of the message that have arrived.
    tail: [u8; 2],
    /// Whether more output may come without further input.
    more: bool,
    utf8: Utf8Validator,
}

/// The place of the next byte in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Front,
    Within,
    /// After a block with `BFINAL`, which ends at a byte boundary.
    Ended,
}

impl MessageInflater {
    pub(in crate::ws) fn boxed(
        deflate: &Deflate,
        params: DeflateParams,
        role: Role,
        max_message: u64,
    ) -> BoxedInflater {
        let takeover = match role {
            Role::Server => !params.client_no_context_takeover,
            Role::Client => !params.server_no_context_takeover,
        };
        Box::new(Self {
            deflate: deflate.clone(),
            takeover,
            max_message,
            inflater: None,
            window: None,
            len: 0,
            place: Place::Front,
            tail: [0; 2],
            more: false,
            utf8: Utf8Validator::new(),
        })
    }

    pub(in crate::ws) const fn set_max_message(&mut self, bytes: u64) {
        self.max_message = bytes;
    }

    /// Inflates the next bytes of the message from `payload`, and removes the consumed bytes from
    /// it. Returns the inflated bytes, in `room`, and the length that the message may still reach
    /// (0 if these bytes are likely to be its last). Returns `None` once everything is inflated. If
    /// `fin` is set, the message has then ended and was found valid. `so_far` is everything
    /// inflated of the message before.
    pub(in crate::ws) fn inflate<'r>(
        &mut self,
        payload: &mut &[u8],
        kind: DataKind,
        fin: bool,
        so_far: &[u8],
        room: &'r mut Scratch,
    ) -> Result<Option<(&'r [u8], u64)>, Fault> {
        if self.place == Place::Front
            && let Some(byte) = payload.first()
        {
            self.begin(byte & 1 == 1, room);
        }
        let inflater = self.inflater.get_or_insert_with(|| self.deflate.idle.inflater());
        let left = self.max_message.saturating_sub(self.len);
        // At the limit there is room for one byte, which is one too many.
        let room = room.at_most(left);
        let mut written = 0;
        while written == 0 && (!payload.is_empty() || self.more) {
            if self.place == Place::Ended {
                // An empty block costs its sender two bytes. Skip it here, so that it does not cost
                // us a restart.
                while let Some(rest) = payload.strip_prefix(&EMPTY_FINAL) {
                    self.tail = EMPTY_FINAL;
                    *payload = rest;
                }
                if payload.is_empty() && !self.more {
                    break;
                }
                let before = self.window.as_deref().unwrap_or_default();
                let before = if so_far.len() < WINDOW { before } else { &[] };
                inflater.go_on([before, so_far]);
            }
            let step = inflater.inflate(payload, room).map_err(|_| Fault::InvalidDeflate)?;
            let (taken, rest) = payload.split_at(step.read);
            match *taken {
                [] => {}
                [last] => self.tail = [self.tail[1], last],
                [.., before, last] => self.tail = [before, last],
            }
            *payload = rest;
            written = step.written;
            self.more = step.more;
            self.place = if step.ended { Place::Ended } else { Place::Within };
            if step.ended && self.takeover {
                self.window.get_or_insert_with(new_window);
            }
        }
        if written > 0 {
            if left == 0 {
                return Err(Fault::inflates_too_long(self.max_message));
            }
            self.len += written as u64;
            let run = &room[..written];
            if kind == DataKind::Text && !(self.utf8.is_complete() && simd::is_ascii(run)) {
                self.utf8.feed(run).map_err(|_| Fault::InvalidUtf8)?;
            }
            // If nothing is left to inflate, the message is likely to end here.
            let ends = fin && payload.is_empty() && !self.more;
            return Ok(Some((run, if ends { 0 } else { self.max_message })));
        }
        if fin {
            if self.place == Place::Within
                && inflater.end_message(self.tail).map_err(|_| Fault::InvalidDeflate)?
                && self.takeover
            {
                self.window.get_or_insert_with(new_window);
            }
            if !self.utf8.is_complete() {
                return Err(Fault::InvalidUtf8);
            }
            self.end(so_far);
        }
        Ok(None)
    }

    /// Prepares for a message that begins with this kind of block.
    fn begin(&mut self, is_final: bool, room: &mut Scratch) {
        if is_final && self.takeover && self.window.is_none() {
            let inflater = self.inflater.as_mut();
            self.window = Some(inflater.map_or_else(new_window, |it| it.window(room)));
        }
        if let Some(window) = &self.window {
            let inflater = self.inflater.get_or_insert_with(|| self.deflate.idle.inflater());
            inflater.go_on([window, &[]]);
        }
    }

    /// Prepares for the next message after this one.
    fn end(&mut self, message: &[u8]) {
        if let Some(window) = &mut self.window {
            let message = &message[message.len().saturating_sub(WINDOW)..];
            let excess = (window.len() + message.len()).saturating_sub(WINDOW);
            window.drain(..excess);
            window.extend_from_slice(message);
        }
        if (!self.takeover || self.window.is_some())
            && let Some(inflater) = self.inflater.take()
        {
            self.deflate.idle.keep_inflater(inflater);
        }
        self.len = 0;
        self.place = Place::Front;
    }
}

/// An empty block with `BFINAL`, in the fixed code.
const EMPTY_FINAL: [u8; 2] = [0x03, 0x00];

fn new_window() -> Vec<u8> {
    Vec::with_capacity(WINDOW)
}
