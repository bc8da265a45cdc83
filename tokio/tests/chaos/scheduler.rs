//! [`Scheduler`], which runs tasks in random order, and polls only those that were woken.

use crate::pipe::Network;
use crate::rng::Rng;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

/// More polls than this without anything happening are a busy loop.
const MOST_IDLE_POLLS: usize = 100;

pub type Task = Pin<Box<dyn Future<Output = ()>>>;

pub struct Scheduler {
    tasks: Vec<(Task, Arc<Woken>)>,
    network: Network,
    rng: Rng,
    /// How much had happened at the last poll, and the number of polls since then.
    seen: u64,
    idle_polls: usize,
    now: tokio::time::Instant,
}

/// Whether a task was woken, and who wakes the scheduler.
struct Woken(AtomicBool, Arc<Mutex<Option<Waker>>>);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
        if let Some(scheduler) = self.1.lock().expect("no panic").take() {
            scheduler.wake();
        }
    }
}

impl Scheduler {
    pub fn new(tasks: Vec<Task>, network: Network, rng: Rng) -> Self {
        let scheduler = Arc::default();
        let woken = || Arc::new(Woken(AtomicBool::new(true), Arc::clone(&scheduler)));
        let tasks = tasks.into_iter().map(|task| (task, woken())).collect();
        let now = tokio::time::Instant::now();
        Self { tasks, network, rng, seen: 0, idle_polls: 0, now }
    }
}

impl Future for Scheduler {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let woken =
            |(_, (_, woken)): &(usize, &(Task, Arc<Woken>))| woken.0.load(Ordering::Relaxed);
        let ready: Vec<usize> =
            this.tasks.iter().enumerate().filter(woken).map(|(index, _)| index).collect();
        if ready.is_empty() {
            // Sooner or later the network does what it put off.
            if !this.network.act() {
                let scheduler = this.tasks.first().map(|(_, woken)| &woken.1);
                if let Some(scheduler) = scheduler {
                    *scheduler.lock().expect("no panic") = Some(cx.waker().clone());
                }
                return Poll::Pending;
            }
        } else {
            let index = ready[this.rng.below(ready.len())];
            let (task, woken) = &mut this.tasks[index];
            woken.0.store(false, Ordering::Relaxed);
            let waker = Waker::from(Arc::clone(woken));
            if task.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                drop(this.tasks.swap_remove(index));
            }
            let (seen, now) = (this.network.activity(), tokio::time::Instant::now());
            if (seen, now) == (this.seen, this.now) {
                this.idle_polls += 1;
                assert!(this.idle_polls < MOST_IDLE_POLLS, "a busy loop");
            } else {
                (this.seen, this.now, this.idle_polls) = (seen, now, 0);
            }
        }
        if this.tasks.is_empty() {
            return Poll::Ready(());
        }
        // A poll of one task at a time, so that each begins with tokio's whole budget.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
