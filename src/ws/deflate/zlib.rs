//! zlib, one message at a time, and what is at rest of it.

use super::{Scratch, WindowBits};
use core::fmt;
use std::sync::{Mutex, PoisonError};
use std::vec::Vec;
use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Inflate, InflateFlush, Status};

/// What is written in front of a message's end, and not sent (RFC 7692, 7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xFF, 0xFF];

/// The farthest that DEFLATE can refer back (RFC 1951, 2).
pub(super) const WINDOW: usize = 32 << 10;

/// How much room a compressor has at least for more output. Where less is left, it may write the end of
/// a message twice.
const LEAST_ROOM: usize = 64;

/// How many compressors and inflaters wait for their next message.
const KEPT_IDLE: usize = 16;

/// What a compressor is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) level: u8,
    pub(super) memory_level: u8,
    pub(super) bits: WindowBits,
}

/// zlib's compressor.
pub(super) struct Compressor {
    /// Behind a lock that is never taken, as it may not be looked at from several threads.
    zlib: Mutex<Deflate>,
    settings: Settings,
    /// What comes next refers to nothing that was seen.
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

    /// Compresses data, all of it, as it stands in a frame: in a message's last one without what is not
    /// sent, or as an empty block if that is empty. It may forget the data then, which zlib does sooner here
    /// than by [itself](Self::forget).
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
        // Of no data zlib would write something at first, and then nothing.
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

    /// Forgets what it has seen.
    pub(super) fn forget(&mut self) {
        if !self.forgot {
            self.zlib.get_mut().unwrap_or_else(PoisonError::into_inner).reset();
            self.forgot = true;
        }
    }
}

/// zlib's inflater.
pub(super) struct Inflater {
    /// Behind a lock as in [`Compressor`].
    zlib: Mutex<Inflate>,
}

/// What one call of zlib has done.
pub(super) struct Inflated {
    pub(super) read: usize,
    pub(super) written: usize,
    /// A block with `BFINAL` has ended: it has to [go on](Inflater::go_on) before the next call.
    pub(super) ended: bool,
    /// The next call may give more even if there is no more input: the room was too small, or what comes
    /// next is an error.
    pub(super) more: bool,
}

/// This is not DEFLATE (RFC 1951).
pub(super) struct NotDeflate;

impl Inflater {
    fn new() -> Self {
        Self { zlib: Mutex::new(Inflate::new(false, WindowBits::MAX.get())) }
    }

    /// Inflates what it can of `input`.
    pub(super) fn inflate(
        &mut self,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<Inflated, NotDeflate> {
        self.call(input, output, InflateFlush::NoFlush)
    }

    /// Whether a message may end here (RFC 7692, 7.2.2): its last bits began an empty stored block, which
    /// what was not sent completes; and whether that block has `BFINAL` set. `tail` is its last two bytes.
    pub(super) fn end_message(&mut self, tail: [u8; 2]) -> Result<bool, NotDeflate> {
        // zlib stops behind the block, so that it does not take the byte beyond.
        let beyond = [0, 0, 0xFF, 0xFF, 0];
        match self.call(&beyond, &mut [0], InflateFlush::Block)? {
            Inflated { read: 4, written: 0, ended: false, .. } => {}
            _ => return Err(NotDeflate),
        }
        // The last three bits but for padding say it, and those of most messages are 0. If not, zlib knows, but
        // says so only when it is to go on.
        let [before, last] = tail;
        let may_be_set = last != 0 || before & 0b1100_0000 != 0;
        Ok(may_be_set && self.call(&[], &mut [0], InflateFlush::NoFlush)?.ended)
    }

    /// Forgets where it is, for a block that begins with a byte and may refer to this.
    pub(super) fn go_on(&mut self, history: [&[u8]; 2]) {
        let zlib = self.zlib.get_mut().unwrap_or_else(PoisonError::into_inner);
        zlib.reset(false);
        for part in history {
            // Without a header around the blocks it takes all there is, whenever.
            let taken = zlib.set_dictionary(part);
            debug_assert!(taken.is_ok(), "{taken:?}");
        }
    }

    /// What the next block may refer to, of one that has never [gone on](Self::go_on), between two messages;
    /// it has to go on then.
    ///
    /// zlib-rs does not show its window, but copies out of it whatever a block says.
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
        // Where nothing comes of input, nothing ever will.
        let stuck = read == 0 && !input.is_empty() && !ended;
        if written == 0 && (stuck || status.is_err()) {
            return Err(NotDeflate);
        }
        // What came before an error is checked before it; zlib repeats the error.
        let more = status.is_err() || written == output.len() && !ended;
        Ok(Inflated { read, written, ended, more })
    }
}

/// The front of a block that repeats what came before it from this distance on, up to its end at least: in
/// the fixed code, by matches that are as long as they can be (RFC 1951, 3.2.5 and 3.2.6).
#[allow(clippy::cast_possible_truncation, reason = "of bits that go on the lowest 8 are taken")]
fn copies(distance: usize) -> Vec<u8> {
    const LONGEST: usize = 258;
    // Codes have their highest bit first, other numbers the lowest.
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
    // The room is full before anything comes of the bits behind.
    bytes.push(bits as u8);
    bytes
}

/// How much a total has grown in one call, which handles slices.
#[allow(clippy::cast_possible_truncation, reason = "no slice is longer")]
const fn difference(after: u64, before: u64) -> usize {
    (after - before) as usize
}

/// Compressors and inflaters that wait for their next message, for all connections that need none of
/// their own.
#[derive(Default)]
pub(super) struct Idle {
    compressors: Mutex<Vec<Compressor>>,
    inflaters: Mutex<Vec<Inflater>>,
}

impl Idle {
    /// A compressor that has seen nothing.
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

    /// An inflater that has seen nothing.
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
        // The one that nobody asked for the longest, as its settings may be rare.
        idle.remove(0);
    }
    idle.push(one);
}

/// What waits does not count when settings are compared.
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
