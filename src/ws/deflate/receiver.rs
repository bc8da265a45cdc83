//! What a connection receives compressed.

use super::zlib::Inflater;
use super::{Deflate, DeflateParams, Room};
use crate::simd;
use crate::ws::{DataKind, Fault, Role, Utf8Validator};

/// Inflates the messages of one direction (RFC 7692, 7.2.2), as they arrive.
#[derive(Debug)]
pub(in crate::ws) struct Receiver {
    deflate: Deflate,
    takeover: bool,
    max_message: u64,
    /// During a message; with context takeover for good, once there was one.
    inflater: Option<Inflater>,
    /// How long the current message is so far, inflated.
    len: u64,
    /// Nothing has come of the current message, or nothing since a block with `BFINAL`.
    between_blocks: bool,
    /// There may be more without further input.
    more: bool,
    utf8: Utf8Validator,
}

impl Receiver {
    pub(in crate::ws) fn new(
        deflate: &Deflate,
        params: DeflateParams,
        role: Role,
        max_message: u64,
    ) -> Self {
        let takeover = match role {
            Role::Server => !params.client_no_context_takeover,
            Role::Client => !params.server_no_context_takeover,
        };
        Self {
            deflate: deflate.clone(),
            takeover,
            max_message,
            inflater: None,
            len: 0,
            between_blocks: true,
            more: false,
            utf8: Utf8Validator::new(),
        }
    }

    /// The next bytes of the message out of this payload, which is taken off as far as that goes, in the
    /// room for them, and how long the message may become; `None` once all of it is out. With `fin` the
    /// message then has ended, and was found valid.
    pub(in crate::ws) fn inflate<'r>(
        &mut self,
        payload: &mut &[u8],
        kind: DataKind,
        fin: bool,
        room: &'r mut Room,
    ) -> Result<Option<(&'r [u8], u64)>, Fault> {
        let inflater = self.inflater.get_or_insert_with(|| self.deflate.idle.inflater());
        let left = self.max_message - self.len;
        // At the limit one byte more is one too many.
        let room = room.at_most(left);
        let mut written = 0;
        while written == 0 && (!payload.is_empty() || self.more) {
            let step = inflater.inflate(payload, room).map_err(|_| Fault::InvalidDeflate)?;
            *payload = &payload[step.read..];
            written = step.written;
            self.more = step.more;
            if step.read > 0 || written > 0 || step.ended {
                self.between_blocks = step.ended;
            }
        }
        if written > 0 {
            if left == 0 {
                return Err(Fault::MessageTooLong { limit: self.max_message });
            }
            self.len += written as u64;
            let run = &room[..written];
            if kind == DataKind::Text && !(self.utf8.is_complete() && simd::is_ascii(run)) {
                self.utf8.feed(run).map_err(|_| Fault::InvalidUtf8)?;
            }
            // Where nothing is left to inflate, the message is likely to end.
            let ends = fin && payload.is_empty() && !self.more;
            return Ok(Some((run, if ends { 0 } else { self.max_message })));
        }
        if fin {
            if !self.between_blocks && !inflater.ends_message() {
                return Err(Fault::InvalidDeflate);
            }
            if !self.utf8.is_complete() {
                return Err(Fault::InvalidUtf8);
            }
            self.len = 0;
            self.between_blocks = true;
            if !self.takeover
                && let Some(inflater) = self.inflater.take()
            {
                self.deflate.idle.keep_inflater(inflater);
            }
        }
        Ok(None)
    }
}
