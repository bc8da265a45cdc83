//! [`pipe`], a transport that stalls, cuts and breaks, as a seed has it.

use crate::rng::Rng;
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What goes wrong in one direction, after a number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// Both ends get an error.
    Reset,
    /// The stream ends, although the peer did not end it, and writing fails.
    Cut,
    /// The stream ends. What is written is taken, and lost.
    Lost,
    /// Nothing passes any more.
    Stall,
}

#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub capacity: usize,
    /// Whether written bytes are held back until a flush, as TLS may do.
    pub buffered: bool,
    pub vectored: bool,
    /// What breaks after how many bytes, for each direction.
    pub breaks: [Option<(Break, usize)>; 2],
}

/// The bytes from one end to the other.
#[derive(Debug, Default)]
struct Direction {
    staged: VecDeque<u8>,
    bytes: VecDeque<u8>,
    passed: usize,
    /// Whether the writer has shut it down or is gone.
    ended: bool,
    /// Whether the reader is gone.
    unheard: bool,
    broken: Option<Break>,
    /// One waker for each, as in transports of the system.
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Debug)]
struct State {
    plan: Plan,
    rng: Rng,
    directions: [Direction; 2],
    /// The directions whose reader (`false`) or writer (`true`) is to be woken later.
    put_off: Vec<(usize, bool)>,
    activity: u64,
    dropped: [bool; 2],
}

/// The network between the two ends.
#[derive(Clone, Debug)]
pub struct Network(Arc<Mutex<State>>);

#[derive(Debug)]
pub struct End {
    network: Network,
    /// The direction that this end writes to. It reads from the other.
    index: usize,
}

pub fn pipe(plan: Plan, rng: Rng) -> (End, End, Network) {
    let network = Network(Arc::new(Mutex::new(State {
        plan,
        rng,
        directions: Default::default(),
        put_off: Vec::new(),
        activity: 0,
        dropped: [false; 2],
    })));
    let end = |index| End { network: network.clone(), index };
    (end(0), end(1), network)
}

impl Network {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no panic")
    }

    /// Does one thing that was put off, if there is one.
    pub fn act(&self) -> bool {
        let mut state = self.state();
        if state.put_off.is_empty() {
            return false;
        }
        let len = state.put_off.len();
        let next = state.rng.below(len);
        let (index, writer) = state.put_off.swap_remove(next);
        state.activity += 1;
        let direction = &mut state.directions[index];
        let waker = if writer { direction.writer.take() } else { direction.reader.take() };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    /// Returns a number that grows with everything that happens.
    pub fn activity(&self) -> u64 {
        self.state().activity
    }

    /// Returns whether each end was dropped.
    pub fn dropped(&self) -> [bool; 2] {
        self.state().dropped
    }
}

impl Direction {
    fn wake(&mut self) {
        for waker in self.reader.take().into_iter().chain(self.writer.take()) {
            waker.wake();
        }
    }

    /// Moves what was staged on, as far as there is room.
    fn pass(&mut self, plan: &Plan, breaks: Option<(Break, usize)>) -> bool {
        let mut passed = false;
        while self.broken.is_none() && self.bytes.len() < plan.capacity {
            let Some(byte) = self.staged.pop_front() else { break };
            self.passed += 1;
            passed = true;
            match breaks {
                Some((kind, after)) if self.passed > after => self.broken = Some(kind),
                _ => self.bytes.push_back(byte),
            }
        }
        if self.broken == Some(Break::Lost) {
            self.staged.clear();
        }
        if passed {
            self.wake();
        }
        passed
    }
}

impl State {
    /// Perhaps lets the task wait for nothing.
    fn poll_whim(&mut self, index: usize, writer: bool, cx: &mut Context<'_>) -> Poll<()> {
        let whim = self.rng.below(8);
        if whim > 1 {
            return Poll::Ready(());
        }
        self.activity += 1;
        if whim == 0 {
            cx.waker().wake_by_ref();
        } else {
            self.wait(index, writer, cx);
            self.put_off.push((index, writer));
        }
        Poll::Pending
    }

    fn wait(&mut self, index: usize, writer: bool, cx: &Context<'_>) {
        let direction = &mut self.directions[index];
        let slot = if writer { &mut direction.writer } else { &mut direction.reader };
        *slot = Some(cx.waker().clone());
    }

    /// Moves what was staged on, and tells the other direction if this broke both.
    fn pass(&mut self, index: usize) {
        let Self { plan, directions, activity, .. } = self;
        let direction = &mut directions[index];
        if direction.pass(plan, plan.breaks[index]) {
            *activity += 1;
        }
        if direction.broken == Some(Break::Reset) {
            directions[1 - index].broken = Some(Break::Reset);
            directions[1 - index].wake();
        }
    }

    fn poll_write(
        &mut self,
        index: usize,
        bytes: &[u8],
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_whim(index, true, cx));
        self.pass(index);
        let direction = &self.directions[index];
        assert!(!direction.ended, "a write after the shutdown");
        match direction.broken {
            Some(Break::Reset) => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            Some(Break::Cut) => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            _ if direction.unheard => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            Some(Break::Lost) => {
                self.activity += 1;
                return Poll::Ready(Ok(bytes.len()));
            }
            Some(Break::Stall) | None => {}
        }
        let room = self.plan.capacity.saturating_sub(direction.staged.len());
        if room == 0 {
            self.wait(index, true, cx);
            return Poll::Pending;
        }
        let most = room.min(bytes.len()).max(1);
        let len = if self.rng.once_in(2) { most } else { 1 + self.rng.below(most) };
        let len = len.min(bytes.len());
        self.directions[index].staged.extend(&bytes[..len]);
        self.activity += 1;
        if !self.plan.buffered {
            self.pass(index);
        }
        Poll::Ready(Ok(len))
    }

    fn poll_flush(&mut self, index: usize, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_whim(index, true, cx));
        self.pass(index);
        let direction = &self.directions[index];
        match direction.broken {
            Some(Break::Reset) => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            Some(Break::Cut) => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            Some(Break::Lost) => return Poll::Ready(Ok(())),
            _ if direction.unheard => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            _ => {}
        }
        if direction.staged.is_empty() {
            return Poll::Ready(Ok(()));
        }
        self.wait(index, true, cx);
        Poll::Pending
    }

    fn poll_read(
        &mut self,
        index: usize,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_whim(index, false, cx));
        if !self.plan.buffered {
            self.pass(index);
        }
        let direction = &mut self.directions[index];
        if direction.broken == Some(Break::Reset) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let most = direction.bytes.len().min(buffer.remaining());
        if most > 0 {
            let len = if self.rng.once_in(2) { most } else { 1 + self.rng.below(most) };
            for byte in direction.bytes.drain(..len) {
                buffer.put_slice(&[byte]);
            }
            self.activity += 1;
            if let Some(writer) = direction.writer.take() {
                writer.wake();
            }
            return Poll::Ready(Ok(()));
        }
        match direction.broken {
            Some(Break::Stall) => {}
            Some(_) => return Poll::Ready(Ok(())),
            None if direction.ended && direction.staged.is_empty() => return Poll::Ready(Ok(())),
            None => {}
        }
        self.wait(index, false, cx);
        Poll::Pending
    }
}

impl AsyncRead for End {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.network.state().poll_read(1 - self.index, cx, buffer)
    }
}

impl AsyncWrite for End {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.network.state().poll_write(self.index, bytes, cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let bytes: Vec<u8> = pieces.iter().flat_map(|piece| piece.iter().copied()).collect();
        self.network.state().poll_write(self.index, &bytes, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.network.state().plan.vectored
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.network.state().poll_flush(self.index, cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.network.state();
        ready!(state.poll_flush(self.index, cx))?;
        let direction = &mut state.directions[self.index];
        direction.ended = true;
        direction.wake();
        state.activity += 1;
        Poll::Ready(Ok(()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let mut state = self.network.state();
        let buffered = state.plan.buffered;
        state.activity += 1;
        let [a, b] = &mut state.directions;
        let (mut ours, mut theirs) = (a, b);
        if self.index == 1 {
            (ours, theirs) = (theirs, ours);
        }
        if buffered {
            ours.staged.clear();
        }
        ours.ended = true;
        theirs.unheard = true;
        ours.wake();
        theirs.wake();
        state.dropped[self.index] = true;
    }
}
