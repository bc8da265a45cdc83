//! The body of a response that is not an event stream.

use std::io::{ErrorKind, Read};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// The maximum size of the part of a body that is kept, in bytes. The rest is not read.
const MAX_BODY: usize = 64 << 10;
/// The maximum time for reading the body.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// How much is read at once.
const CHUNK: usize = 4 << 10;

/// Returns the part of a body that arrives in this time. It often says why there are no events.
///
/// ureq wants the deadlines of a body before it has the response, so a thread reads the body. The
/// thread ends after its current read, which has a deadline too unless the options have none.
pub(super) fn read_within(mut body: impl Read + Send + 'static, time: Duration) -> Vec<u8> {
    let deadline = Instant::now() + time;
    let (sender, chunks) = mpsc::sync_channel(1);
    let read = move || {
        let mut buffer = [0; CHUNK];
        loop {
            match body.read(&mut buffer) {
                Ok(len @ 1..) if sender.send(buffer[..len.min(CHUNK)].to_vec()).is_ok() => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                _ => return,
            }
        }
    };
    let mut text = Vec::new();
    // Without a thread there is no text, but still the status.
    let reader = thread::Builder::new().name("refusal".into()).spawn(read);
    while reader.is_ok()
        && text.len() < MAX_BODY
        && let Ok(chunk) = chunks.recv_timeout(crate::dial::left(deadline))
    {
        text.extend_from_slice(&chunk[..chunk.len().min(MAX_BODY - text.len())]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{CHUNK, MAX_BODY, read_within};
    use std::io::{self, Read};
    use std::sync::mpsc::{Receiver, channel};
    use std::time::{Duration, Instant};

    /// A body that stalls after this text until the test ends.
    struct Stalls(&'static [u8], Receiver<()>);

    impl Read for Stalls {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                let _ = self.1.recv();
            }
            self.0.read(buffer)
        }
    }

    const SHORT: Duration = Duration::from_millis(50);

    #[test]
    fn a_body_that_stalls_is_kept_as_far_as_it_came() {
        let (_end, ended) = channel();
        let start = Instant::now();
        assert_eq!(read_within(Stalls(b"why", ended), SHORT), b"why");
        assert!((SHORT..20 * SHORT).contains(&start.elapsed()), "{:?}", start.elapsed());
    }

    #[test]
    fn a_body_that_is_long_is_cut() {
        let long = vec![7; MAX_BODY + 2 * CHUNK];
        assert_eq!(read_within(io::Cursor::new(long), Duration::from_secs(5)), vec![7; MAX_BODY]);
        let uneven = io::Cursor::new([7]).chain(io::repeat(7));
        assert_eq!(read_within(uneven, Duration::from_secs(5)).len(), MAX_BODY);
    }

    #[test]
    fn a_body_that_ends_is_kept() {
        assert_eq!(read_within(&b"why"[..], Duration::from_secs(5)), b"why");
    }
}
