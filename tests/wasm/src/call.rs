//! What the host hands over, and what it gets back.

use core::slice;

/// Memory that the host has grown for itself: a stream, where its chunks end, room for a report.
#[repr(C)]
pub struct Call {
    stream: *mut u8,
    len: usize,
    ends: *const usize,
    chunks: usize,
    room: *mut u8,
    room_len: usize,
}

impl Call {
    pub fn parts(&mut self) -> (&mut [u8], &[usize], Report<'_>) {
        // SAFETY: the host says how long each is, and nobody else has that memory.
        unsafe {
            let room = slice::from_raw_parts_mut(self.room, self.room_len);
            (
                slice::from_raw_parts_mut(self.stream, self.len),
                slice::from_raw_parts(self.ends, self.chunks),
                Report { room, len: 0 },
            )
        }
    }
}

/// Records of a tag, a length and so many bytes each.
pub struct Report<'a> {
    room: &'a mut [u8],
    len: usize,
}

impl Report<'_> {
    const HEADER: usize = 5;

    /// Adds a record of what is written to the room, as many bytes as is returned.
    pub fn add(&mut self, tag: u8, write: impl FnOnce(&mut [u8]) -> usize) {
        let (header, room) = self.room[self.len..].split_at_mut(Self::HEADER);
        let len = write(room);
        header[0] = tag;
        header[1..].copy_from_slice(&u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes());
        self.len += Self::HEADER + len;
    }

    pub fn add_bytes(&mut self, tag: u8, bytes: &[u8]) {
        self.add(tag, |room| {
            room[..bytes.len()].copy_from_slice(bytes);
            bytes.len()
        });
    }

    pub fn add_number(&mut self, tag: u8, number: u64) {
        self.add_bytes(tag, &number.to_le_bytes());
    }

    /// How long it came to be.
    pub fn finish(self) -> usize {
        self.len
    }
}
