//! The interface to the host: its arguments and its report.

use core::slice;

/// Memory that the host has grown for itself: a stream, the ends of its chunks, and room for a
/// report.
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
        // SAFETY: the host states the length of each part, and nothing else uses that memory.
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

/// Writes a report of records. Each is a tag, a length and that many bytes.
pub struct Report<'a> {
    room: &'a mut [u8],
    len: usize,
}

impl Report<'_> {
    const HEADER: usize = 5;

    /// Adds a record. `write` fills the room and returns the number of bytes.
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

    /// Returns the report's length.
    pub fn finish(self) -> usize {
        self.len
    }
}
