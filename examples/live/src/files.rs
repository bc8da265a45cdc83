//! The last files that members sent to the room.

use bytes::Bytes;
use std::collections::VecDeque;

/// The number of files that are kept. Each is at most as long as a message may be.
const KEPT: usize = 16;

#[derive(Default)]
pub(crate) struct Files {
    last_id: u64,
    kept: VecDeque<(u64, File)>,
}

#[derive(Clone)]
pub(crate) struct File {
    pub(crate) mime: &'static str,
    pub(crate) data: Bytes,
}

impl Files {
    /// Keeps a file and returns its id.
    pub(crate) fn add(&mut self, file: File) -> u64 {
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.last_id += 1;
        self.kept.push_back((self.last_id, file));
        self.last_id
    }

    pub(crate) fn get(&self, id: u64) -> Option<File> {
        self.kept.iter().find(|(kept, _)| *kept == id).map(|(_, file)| file.clone())
    }
}

impl File {
    /// Detects the type from the bytes. A type that the sender chooses would let a page of the
    /// sender run as one of ours.
    pub(crate) fn new(data: Bytes) -> Self {
        let mime = match &data[..] {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', ..] => "image/png",
            [0xFF, 0xD8, 0xFF, ..] => "image/jpeg",
            [b'G', b'I', b'F', b'8', ..] => "image/gif",
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
            _ => "application/octet-stream",
        };
        Self { mime, data }
    }
}
