//! An inflater written straight from RFC 1951, bit by bit, and a writer of blocks that no
//! compressor would write. They share no code with the crate or its compressor, and speed does not
//! matter here.

/// The farthest that DEFLATE can refer back, in bytes.
pub const WINDOW: usize = 32 << 10;

/// Judges each byte of a message by the bytes so far, and by nothing later.
#[derive(Debug)]
pub struct Inflater {
    /// How far back references may reach.
    window: usize,
    /// The bytes of the current message. `at` counts the bits of it that were understood.
    input: Vec<u8>,
    at: usize,
    state: State,
    /// Whether the current block has `BFINAL` set.
    is_final: bool,
    /// The position just after this message's last block with `BFINAL`, in bits.
    fresh_at: Option<usize>,
    /// The bytes that references may reach.
    output: Vec<u8>,
    /// How many bytes of `output` belong to this message.
    of_message: usize,
    /// Whether any block had `BFINAL` set.
    seen_final: bool,
    /// Whether the first block of this message has `BFINAL` set.
    final_at_front: bool,
}

#[derive(Debug)]
enum State {
    BetweenBlocks,
    Stored { left: usize },
    Symbols { literals: Code, distances: Code },
}

/// Why [`Inflater::understand`] stopped.
enum Stop {
    /// The bits so far decide nothing yet.
    More,
    NotDeflate,
}

impl Inflater {
    pub fn new(window: usize) -> Self {
        Self {
            window,
            input: Vec::new(),
            at: 0,
            state: State::BetweenBlocks,
            is_final: false,
            fresh_at: None,
            output: Vec::new(),
            of_message: 0,
            seen_final: false,
            final_at_front: false,
        }
    }

    /// Returns the output that follows from this byte, and whether the stream is still valid.
    pub fn feed(&mut self, byte: u8) -> (Vec<u8>, bool) {
        self.input.push(byte);
        let mut out = Vec::new();
        let valid = loop {
            let at = self.at;
            match self.understand(&mut out) {
                Ok(()) => {}
                Err(Stop::More) => {
                    self.at = at;
                    break true;
                }
                Err(Stop::NotDeflate) => break false,
            }
        };
        (out, valid)
    }

    /// Whether a message may end here. Prepares for the next message.
    pub fn end(&mut self) -> bool {
        let bits = 8 * self.input.len();
        let ended = bits == 0 || self.fresh_at == Some(bits) || self.ends_in_stored_header(bits);
        self.input.clear();
        self.at = 0;
        self.fresh_at = None;
        self.of_message = 0;
        ended && matches!(self.state, State::BetweenBlocks)
    }

    /// Whether the message ends in a stored block's header. The sender leaves out the rest of that
    /// block.
    fn ends_in_stored_header(&mut self, bits: usize) -> bool {
        if self.at == 0 {
            self.final_at_front = self.input[0] & 1 == 1;
        }
        let (Ok(is_final), Ok(0)) = (self.bit(), self.bits(2)) else { return false };
        if is_final == 1 {
            self.saw_final();
        }
        self.at.next_multiple_of(8) == bits
    }

    fn bit(&mut self) -> Result<usize, Stop> {
        let byte = *self.input.get(self.at / 8).ok_or(Stop::More)?;
        let bit = byte >> (self.at % 8) & 1;
        self.at += 1;
        Ok(bit.into())
    }

    /// Reads a number, lowest bit first
    /// ([RFC 1951, section 3.1.1](https://www.rfc-editor.org/rfc/rfc1951#section-3.1.1)).
    fn bits(&mut self, count: usize) -> Result<usize, Stop> {
        (0..count).try_fold(0, |number, place| Ok(number | self.bit()? << place))
    }

    fn symbol(&mut self, code: &Code) -> Result<usize, Stop> {
        let mut bits = 0;
        // Read one bit even for a code without symbols.
        for len in 1..=code.longest().max(1) {
            bits = bits << 1 | self.bit()?;
            if let Some(symbol) = code.symbol(len, bits) {
                return Ok(symbol);
            }
        }
        Err(Stop::NotDeflate)
    }

    /// Consumes the next element that has a meaning by itself. If there is none yet, only `at` has
    /// changed.
    fn understand(&mut self, out: &mut Vec<u8>) -> Result<(), Stop> {
        match std::mem::replace(&mut self.state, State::BetweenBlocks) {
            State::BetweenBlocks => self.header(),
            State::Stored { left } => {
                let byte = self.bits(8).inspect_err(|_| self.state = State::Stored { left })?;
                self.put(&[u8::try_from(byte).unwrap()], out);
                self.stored(left - 1);
                Ok(())
            }
            State::Symbols { literals, distances } => {
                let understood = self.literal_or_match(&literals, &distances, out);
                if let Ok(true) = understood {
                    self.end_block();
                } else {
                    self.state = State::Symbols { literals, distances };
                }
                understood.map(drop)
            }
        }
    }

    fn put(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.output.extend(bytes);
        self.of_message += bytes.len();
        out.extend(bytes);
        if self.output.len() > 8 * WINDOW {
            self.output.drain(..7 * WINDOW);
        }
    }

    fn stored(&mut self, left: usize) {
        if left == 0 {
            self.end_block();
        } else {
            self.state = State::Stored { left };
        }
    }

    fn end_block(&mut self) {
        if self.is_final {
            self.at = self.at.next_multiple_of(8);
            self.fresh_at = Some(self.at);
            self.saw_final();
        }
    }

    /// Notes a block with `BFINAL`. The window goes on after it. The crate has one limit here: if
    /// the first `BFINAL` that it sees is not in a message's first block, it keeps no more of the
    /// window than this message.
    fn saw_final(&mut self) {
        if !self.seen_final && !self.final_at_front {
            self.output.drain(..self.output.len().saturating_sub(self.of_message));
        }
        self.seen_final = true;
    }

    /// Reads a block header
    /// ([RFC 1951, section 3.2.3](https://www.rfc-editor.org/rfc/rfc1951#section-3.2.3) to 3.2.7).
    fn header(&mut self) -> Result<(), Stop> {
        let at_front = self.at == 0;
        let is_final = self.bit()? == 1;
        if at_front {
            self.final_at_front = is_final;
        }
        match self.bits(2)? {
            0 => {
                self.at = self.at.next_multiple_of(8);
                let (len, inverted) = (self.bits(16)?, self.bits(16)?);
                if len ^ inverted != 0xFFFF {
                    return Err(Stop::NotDeflate);
                }
                self.is_final = is_final;
                self.stored(len);
            }
            1 => {
                let lens = [(8, 144), (9, 112), (7, 24), (8, 8)];
                let lens: Vec<_> =
                    lens.into_iter().flat_map(|(len, n)| std::iter::repeat_n(len, n)).collect();
                let literals = Code::new(&lens).unwrap();
                let distances = Code::new(&[5; 32]).unwrap();
                self.is_final = is_final;
                self.state = State::Symbols { literals, distances };
            }
            2 => {
                self.state = self.dynamic()?;
                self.is_final = is_final;
            }
            _ => return Err(Stop::NotDeflate),
        }
        Ok(())
    }

    fn dynamic(&mut self) -> Result<State, Stop> {
        let literals = 257 + self.bits(5)?;
        let distances = 1 + self.bits(5)?;
        let lens_of_lens = 4 + self.bits(4)?;
        if literals > 286 || distances > 30 {
            return Err(Stop::NotDeflate);
        }
        let mut lens = [0; 19];
        for &symbol in &LENS_ORDER[..lens_of_lens] {
            lens[symbol] = self.bits(3)?;
        }
        let code = Code::new(&lens).filter(Code::is_complete_or_empty).ok_or(Stop::NotDeflate)?;
        if code.longest() == 0 {
            // No length can be read. zlib takes one bit for each length before it reports the
            // error.
            (0..literals + distances).try_for_each(|_| self.bit().map(drop))?;
            return Err(Stop::NotDeflate);
        }
        let mut lens = Vec::new();
        while lens.len() < literals + distances {
            let (len, times) = match self.symbol(&code)? {
                16 => {
                    let extra = self.bits(2)?;
                    (*lens.last().ok_or(Stop::NotDeflate)?, 3 + extra)
                }
                17 => (0, 3 + self.bits(3)?),
                18 => (0, 11 + self.bits(7)?),
                len => (len, 1),
            };
            lens.extend(std::iter::repeat_n(len, times));
            if lens.len() > literals + distances {
                return Err(Stop::NotDeflate);
            }
        }
        if lens[END_OF_BLOCK] == 0 {
            return Err(Stop::NotDeflate);
        }
        let (literals, distances) = lens.split_at(literals);
        let code = |lens| Code::new(lens).filter(Code::is_allowed).ok_or(Stop::NotDeflate);
        Ok(State::Symbols { literals: code(literals)?, distances: code(distances)? })
    }

    /// Decodes a literal or a match. Returns whether the block ended instead.
    fn literal_or_match(
        &mut self,
        literals: &Code,
        distances: &Code,
        out: &mut Vec<u8>,
    ) -> Result<bool, Stop> {
        let len = match self.symbol(literals)? {
            END_OF_BLOCK => return Ok(true),
            literal @ ..END_OF_BLOCK => {
                self.put(&[u8::try_from(literal).unwrap()], out);
                return Ok(false);
            }
            285 => 258,
            286.. => return Err(Stop::NotDeflate),
            // There are four codes for each number of extra bits; the first eight have none
            // (3.2.5).
            symbol => 3 + self.scaled(symbol - 257, 4)?,
        };
        let distance = match self.symbol(distances)? {
            30.. => return Err(Stop::NotDeflate),
            symbol => 1 + self.scaled(symbol, 2)?,
        };
        if distance > self.output.len().min(self.window) {
            return Err(Stop::NotDeflate);
        }
        for _ in 0..len {
            self.put(&[self.output[self.output.len() - distance]], out);
        }
        Ok(false)
    }

    /// Returns the number that a code and its extra bits encode. `per_width` codes share each
    /// number of extra bits.
    fn scaled(&mut self, code: usize, per_width: usize) -> Result<usize, Stop> {
        let width = (code / per_width).saturating_sub(1);
        let base = if width == 0 { code } else { (per_width + code % per_width) << width };
        Ok(base + self.bits(width)?)
    }
}

const END_OF_BLOCK: usize = 256;

/// The order in which the code length code's lengths are sent
/// ([RFC 1951, section 3.2.7](https://www.rfc-editor.org/rfc/rfc1951#section-3.2.7)).
const LENS_ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// A Huffman code
/// ([RFC 1951, section 3.2.2](https://www.rfc-editor.org/rfc/rfc1951#section-3.2.2)): for each
/// length, the first code and the symbols from there on.
#[derive(Debug)]
struct Code {
    by_len: Vec<(usize, Vec<usize>)>,
    /// The unused code space, counted in codes of 15 bits.
    unused: usize,
}

impl Code {
    /// Builds the code. Returns `None` if there are too many symbols.
    fn new(lens: &[usize]) -> Option<Self> {
        let mut next = 0;
        let mut by_len = vec![(0, Vec::new())];
        for len in 1..=15 {
            next *= 2;
            let symbols: Vec<_> = (0..lens.len()).filter(|&at| lens[at] == len).collect();
            let first = next;
            next += symbols.len();
            if next > 1 << len {
                return None;
            }
            by_len.push((first, symbols));
        }
        Some(Self { by_len, unused: (1 << 15) - next })
    }

    fn symbol(&self, len: usize, bits: usize) -> Option<usize> {
        let (first, symbols) = &self.by_len[len];
        symbols.get(bits.checked_sub(*first)?).copied()
    }

    fn symbols(&self) -> usize {
        self.by_len.iter().map(|(_, symbols)| symbols.len()).sum()
    }

    fn longest(&self) -> usize {
        self.by_len.iter().rposition(|(_, symbols)| !symbols.is_empty()).unwrap_or_default()
    }

    fn is_complete_or_empty(&self) -> bool {
        self.unused == 0 || self.symbols() == 0
    }

    /// Whether the code is complete, empty, or a single code of one bit.
    fn is_allowed(&self) -> bool {
        self.is_complete_or_empty() || self.symbols() == 1 && self.longest() == 1
    }
}

/// Writes DEFLATE blocks.
#[derive(Clone, Debug, Default)]
pub struct Blocks {
    pub bytes: Vec<u8>,
    /// How many bits of the last byte are used; 0 means all of them.
    used: usize,
}

impl Blocks {
    pub fn bits(&mut self, number: usize, count: usize) -> &mut Self {
        for place in 0..count {
            if self.used == 0 {
                self.bytes.push(0);
            }
            *self.bytes.last_mut().unwrap() |= u8::from(number >> place & 1 == 1) << self.used;
            self.used = (self.used + 1) % 8;
        }
        self
    }

    /// Writes a code, highest bit first.
    fn code(&mut self, code: usize, len: usize) -> &mut Self {
        for place in (0..len).rev() {
            self.bits(code >> place & 1, 1);
        }
        self
    }

    pub fn align(&mut self) -> &mut Self {
        self.used = 0;
        self
    }

    /// Writes a stored block. Without `payload`, writes only the part of its header that is sent at
    /// the end of a message.
    pub fn stored(&mut self, is_final: bool, payload: Option<&[u8]>) -> &mut Self {
        self.bits(is_final.into(), 3).align();
        if let Some(payload) = payload {
            let len = payload.len();
            self.bits(len, 16).bits(!len, 16).bytes.extend(payload);
        }
        self
    }

    /// Begins a block in the fixed code. Literals and matches follow, then
    /// [`end_block`](Self::end_block).
    pub fn fixed(&mut self, is_final: bool) -> &mut Self {
        self.bits(is_final.into(), 1).bits(1, 2)
    }

    /// Writes a symbol of the fixed code
    /// ([RFC 1951, section 3.2.6](https://www.rfc-editor.org/rfc/rfc1951#section-3.2.6)).
    pub fn symbol(&mut self, symbol: usize) -> &mut Self {
        match symbol {
            0..144 => self.code(0x30 + symbol, 8),
            144..256 => self.code(0x190 + symbol - 144, 9),
            256..280 => self.code(symbol - 256, 7),
            _ => self.code(0xC0 + symbol - 280, 8),
        }
    }

    /// Writes a match of three bytes. `distance_code` and its `extra` bits are the distance.
    pub fn match3(&mut self, distance_code: usize, extra: usize) -> &mut Self {
        let width = (distance_code / 2).saturating_sub(1);
        self.symbol(257).code(distance_code, 5).bits(extra, width)
    }

    pub fn end_block(&mut self) -> &mut Self {
        self.symbol(END_OF_BLOCK)
    }

    /// Writes the header of a block with codes of these lengths, without run-length encoding.
    pub fn dynamic(&mut self, is_final: bool, literals: &[u8], distances: &[u8]) -> &mut Self {
        self.bits(is_final.into(), 1).bits(2, 2);
        self.bits(literals.len() - 257, 5).bits(distances.len() - 1, 5).bits(15, 4);
        // Code lengths up to 12 are written in 4 bits, the others in 5.
        for len in LENS_ORDER {
            self.bits(if len < 13 { 4 } else { 5 }, 3);
        }
        for len in literals.iter().chain(distances).map(|&len| usize::from(len)) {
            if len < 13 {
                self.code(len, 4)
            } else {
                self.code(13 + len, 5)
            };
        }
        self
    }
}

/// Returns `len` bytes that inflate to 1032 times as many zeros. All bits of the block are 0,
/// except in its header.
pub fn bomb(len: usize) -> Vec<u8> {
    let mut literals = [0; 286];
    literals[0] = 2;
    literals[END_OF_BLOCK] = 2;
    literals[285] = 1;
    let mut blocks = Blocks::default();
    blocks.dynamic(false, &literals, &[1]).code(2, 2);
    blocks.bytes.resize(len, 0);
    blocks.bytes
}
