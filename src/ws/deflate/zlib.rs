//! zlib for one message at a time, and the compressors and inflaters that wait to be used again.
//!
//! This is the only file that calls zlib. Two facts about zlib-rs shape it. It does not expose its
//! window, so [`Inflater::window`] inflates a block that copies all of it. It tells less about the
//! end of a block than RFC 7692 asks for, so [`Inflater::end_message`] feeds it the bytes that were
//! not sent.

use super::{Scratch, WindowBits};
use core::fmt;
use std::sync::{Mutex, PoisonError};
use std::vec::Vec;
use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Inflate, InflateFlush, Status};

/// The end of a compressed message, which is not sent ([RFC 7692,
/// 7.2.1](https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1)).
const TAIL: [u8; 4] = [0, 0, 0xFF, 0xFF];

/// How far back DEFLATE can refer ([RFC 1951,
/// 2](https://www.rfc-editor.org/rfc/rfc1951#section-2)).
pub(super) const WINDOW: usize = 32 << 10;

/// The least room for a compressor's output. With less, it may write the end of a message twice.
const LEAST_ROOM: usize = 64;

/// The number of compressors, and of inflaters, that wait for their next message.
const KEPT_IDLE: usize = 16;

/// The settings of a compressor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) level: u8,
    pub(super) memory_level: u8,
    pub(super) bits: WindowBits,
}

/// zlib's compressor.
pub(super) struct Compressor {
    /// In a mutex only so that the compressor is `Sync`. The mutex is never locked.
    zlib: Mutex<Deflate>,
    settings: Settings,
    /// Whether the next output refers to nothing that was seen before.
    forgot: bool,
}

impl Compressor {
    fn new(settings: Settings) -> Self {
        let Settings { level, memory_level, bits } = settings;
        let config = DeflateConfig {
            level: level.into(),
            window_bits: -i32::from(bits.get()),
            mem_level: memory_level.into(),
            ..DeflateConfig::default()
        };
        let zlib = Mutex::new(Deflate::new_with_config(config));
        Self { zlib, settings, forgot: true }
    }

    /// Compresses all of `data`, and returns the payload of a frame. In the last frame of a
    /// message, the [`TAIL`] is removed, and an empty payload becomes an empty block. With
    /// `forget`, the compressor forgets the data afterwards. zlib does that faster here than in
    /// [`forget`](Self::forget).
    pub(super) fn compress<'r>(
        &mut self,
        mut data: &[u8],
        fin: bool,
        forget: bool,
        room: &'r mut Scratch,
    ) -> &'r [u8] {
        let zlib = self.zlib.get_mut().unwrap_or_else(PoisonError::into_inner);
        if !data.is_empty() {
            self.forgot = forget;
        }
        let flush = if forget { DeflateFlush::FullFlush } else { DeflateFlush::SyncFlush };
        let mut len = 0;
        // Without data, zlib would write something the first time, and nothing later.
        while !data.is_empty() || len == room.len() {
            let (read, written) = (zlib.total_in(), zlib.total_out());
            let status = zlib.compress(data, room.from(len, LEAST_ROOM), flush);
            data = &data[difference(zlib.total_in(), read)..];
            len += difference(zlib.total_out(), written);
            if status.is_err() {
                debug_assert!(false, "{status:?}");
                break;
            }
        }
        let output = room.front(len);
        match output.strip_suffix(&TAIL) {
            Some(sent) if fin => sent,
            None if fin && output.is_empty() => &[0],
            _ => output,
        }
    }

    /// Makes the compressor forget all data that it has seen.
    pub(super) fn forget(&mut self) {
        if !self.forgot {
            self.zlib.get_mut().unwrap_or_else(PoisonError::into_inner).reset();
            self.forgot = true;
        }
    }
}

/// zlib's inflater.
pub(super) struct Inflater {
    /// In a mutex for the same reason as in [`Compressor`].
    zlib: Mutex<Inflate>,
}

/// The result of one call of zlib.
pub(super) struct Inflated {
    pub(super) read: usize,
    pub(super) written: usize,
    /// Whether a block with `BFINAL` has ended. If so, call [`go_on`](Inflater::go_on) before the
    /// next call.
    pub(super) ended: bool,
    /// Whether the next call may return more even without more input, because the room was too
    /// small, or because an error comes next.
    pub(super) more: bool,
}

/// The error for input that is not DEFLATE ([RFC 1951](https://www.rfc-editor.org/rfc/rfc1951)).
pub(super) struct NotDeflate;

impl Inflater {
    fn new() -> Self {
        Self { zlib: Mutex::new(Inflate::new(false, WindowBits::MAX.get())) }
    }

    /// Inflates as much of `input` as possible.
    pub(super) fn inflate(
        &mut self,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<Inflated, NotDeflate> {
        self.call(input, output, InflateFlush::NoFlush)
    }

    /// Checks that a message may end here, and returns whether its last block has `BFINAL` set. The
    /// last bits of the message must begin an empty stored block, which the bytes that were not
    /// sent complete ([RFC 7692, 7.2.2](https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2)).
    /// `tail` is the last two bytes of the message.
    pub(super) fn end_message(&mut self, tail: [u8; 2]) -> Result<bool, NotDeflate> {
        // zlib stops after the block, so it does not take the byte beyond.
        let beyond = [0, 0, 0xFF, 0xFF, 0];
        match self.call(&beyond, &mut [0], InflateFlush::Block)? {
            Inflated { read: 4, written: 0, ended: false, .. } => {}
            _ => return Err(NotDeflate),
        }
        // `BFINAL` is in the last three bits before the padding. In most messages they are 0.
        // Otherwise zlib knows, but reports it only when it is called again.
        let [before, last] = tail;
        let may_be_set = last != 0 || before & 0b1100_0000 != 0;
        Ok(may_be_set && self.call(&[], &mut [0], InflateFlush::NoFlush)?.ended)
    }

    /// Starts over at a block that begins at a byte boundary, and that may refer to `history`.
    pub(super) fn go_on(&mut self, history: [&[u8]; 2]) {
        let zlib = self.zlib.get_mut().unwrap_or_else(PoisonError::into_inner);
        zlib.reset(false);
        for part in history {
            // Raw DEFLATE takes dictionaries of any size at any time.
            let taken = zlib.set_dictionary(part);
            debug_assert!(taken.is_ok(), "{taken:?}");
        }
    }

    /// Returns the bytes that the next block may refer to. Call this only between two messages, on
    /// an inflater that has never [gone on](Self::go_on), and call `go_on` afterwards.
    ///
    /// zlib-rs does not expose its window. So this inflates a block that copies all of it.
    pub(super) fn window(&mut self, room: &mut Scratch) -> Vec<u8> {
        let zlib = self.zlib.get_mut().unwrap_or_else(PoisonError::into_inner);
        let len = usize::try_from(zlib.total_out()).unwrap_or(usize::MAX).min(WINDOW);
        let output = &mut room.at_most(u64::MAX)[..len];
        let copied = self.call(&copies(len), output, InflateFlush::NoFlush);
        let is_whole = copied.is_ok_and(|copied| copied.written == len);
        debug_assert!(is_whole, "{len}");
        let mut window = Vec::with_capacity(WINDOW);
        window.extend_from_slice(if is_whole { output } else { &[] });
        window
    }

    fn call(
        &mut self,
        input: &[u8],
        output: &mut [u8],
        flush: InflateFlush,
    ) -> Result<Inflated, NotDeflate> {
        let zlib = self.zlib.get_mut().unwrap_or_else(PoisonError::into_inner);
        let (read, written) = (zlib.total_in(), zlib.total_out());
        let status = zlib.decompress(input, output, flush);
        let read = difference(zlib.total_in(), read);
        let written = difference(zlib.total_out(), written);
        let ended = status == Ok(Status::StreamEnd);
        // Input that makes no progress now never will.
        let stuck = read == 0 && !input.is_empty() && !ended;
        if written == 0 && (stuck || status.is_err()) {
            return Err(NotDeflate);
        }
        // The output before an error is checked first. zlib repeats the error.
        let more = status.is_err() || written == output.len() && !ended;
        Ok(Inflated { read, written, ended, more })
    }
}

/// Returns the beginning of a block that repeats the last `distance` bytes, or more. It uses the
/// fixed code, with matches of the greatest length ([RFC 1951, 3.2.5 and 3.2.6]).
///
/// [RFC 1951, 3.2.5 and 3.2.6]: https://www.rfc-editor.org/rfc/rfc1951#section-3.2.5
#[allow(clippy::cast_possible_truncation, reason = "only the lowest 8 bits are taken")]
fn copies(distance: usize) -> Vec<u8> {
    const LONGEST: usize = 258;
    // Codes are written from their highest bit, other numbers from their lowest.
    let longest = (0b1100_0101_u8.reverse_bits().into(), 8);
    let (code, extra_bits) = match distance.saturating_sub(1) {
        near @ 0..4 => (near, 0),
        far => {
            let extra_bits = far.ilog2() - 1;
            (2 * extra_bits as usize + (far >> extra_bits), extra_bits)
        }
    };
    let extra = distance.saturating_sub(1) & ((1 << extra_bits) - 1);
    let code = usize::from((code as u8).reverse_bits() >> 3);
    let a_match = [longest, (code, 5), (extra, extra_bits)];
    let header = [(0, 1), (1, 2)];
    let matches = core::iter::repeat_n(a_match, distance.div_ceil(LONGEST)).flatten();

    let (mut bytes, mut bits, mut count) = (Vec::new(), 0, 0);
    for (number, len) in header.into_iter().chain(matches) {
        bits |= number << count;
        count += len;
        while count >= 8 {
            bytes.push(bits as u8);
            bits >>= 8;
            count -= 8;
        }
    }
    // The output is full before the excess bits matter.
    bytes.push(bits as u8);
    bytes
}

/// Returns how much a total has grown in one call, which handles slices.
#[allow(clippy::cast_possible_truncation, reason = "a slice is never longer than a usize")]
const fn difference(after: u64, before: u64) -> usize {
    (after - before) as usize
}

/// Compressors and inflaters that wait for their next message. Connections that keep none of their
/// own share them.
#[derive(Default)]
pub(super) struct Idle {
    compressors: Mutex<Vec<Compressor>>,
    inflaters: Mutex<Vec<Inflater>>,
}

impl Idle {
    /// Returns a compressor that has seen nothing.
    pub(super) fn compressor(&self, settings: Settings) -> Compressor {
        let mut idle = self.compressors.lock().unwrap_or_else(PoisonError::into_inner);
        let found = idle.iter().rposition(|it| it.settings == settings);
        let found = found.map(|at| idle.swap_remove(at));
        drop(idle);
        match found {
            Some(mut compressor) => {
                compressor.forget();
                compressor
            }
            None => Compressor::new(settings),
        }
    }

    /// Returns an inflater that has seen nothing.
    pub(super) fn inflater(&self) -> Inflater {
        let found = self.inflaters.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match found {
            Some(mut inflater) => {
                inflater.zlib.get_mut().unwrap_or_else(PoisonError::into_inner).reset(false);
                inflater
            }
            None => Inflater::new(),
        }
    }

    pub(super) fn keep_compressor(&self, compressor: Compressor) {
        keep(&self.compressors, compressor);
    }

    pub(super) fn keep_inflater(&self, inflater: Inflater) {
        keep(&self.inflaters, inflater);
    }
}

fn keep<T>(idle: &Mutex<Vec<T>>, one: T) {
    let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
    if idle.len() >= KEPT_IDLE {
        // Drop the one that has waited longest, because its settings may be rare.
        idle.remove(0);
    }
    idle.push(one);
}

/// Waiting compressors and inflaters do not count when settings are compared.
impl PartialEq for Idle {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Idle {}

impl fmt::Debug for Idle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Idle").finish_non_exhaustive()
    }
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressor").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater").finish_non_exhaustive()
    }
}
