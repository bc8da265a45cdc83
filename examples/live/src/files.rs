//! The last files that were shown in the room.

use bytes::Bytes;
use std::collections::VecDeque;

/// How many are kept; each is at most as long as a message may be.
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
    /// Keeps a file; returns its id.
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
    /// Takes the type from the bytes, and no sender's word for it: a page that somebody sends must
    /// not run as one of ours.
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
