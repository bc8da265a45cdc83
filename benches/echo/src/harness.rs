//! A thread for each server, and its cost so far.

use crate::received::Received;
use crate::servers::{Kind, Server};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use nix::unistd::Pid;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use tokio::net::TcpListener;
use tokio::runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// A server in its thread.
pub struct Running {
    pub name: &'static str,
    pub kind: Kind,
    pub address: SocketAddr,
    /// What it has received, if it is a client.
    pub received: Arc<Received>,
    questions: UnboundedSender<mpsc::Sender<Usage>>,
    thread: JoinHandle<()>,
}

/// The resources that a thread has used so far.
#[derive(Clone, Copy)]
pub struct Usage {
    pub user_ns: i64,
    pub system_ns: i64,
    /// How often the thread went to sleep.
    pub sleeps: i64,
}

/// Keeps this thread, and those that it starts, on one processor. Otherwise a server's time depends
/// on where its other side happens to run: waking another processor costs as much as an echo, and
/// two processors may share a core.
pub fn stay_on_one_processor() -> nix::Result<()> {
    let this = Pid::from_raw(0);
    let allowed = sched_getaffinity(this)?;
    let mut one = CpuSet::new();
    for processor in (0..CpuSet::count()).rev() {
        if allowed.is_set(processor)? {
            one.set(processor)?;
            break;
        }
    }
    sched_setaffinity(this, &one)
}

/// Starts a server on a port that the system chooses.
pub fn start<S: Server>() -> io::Result<Running> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let (questions, asked) = unbounded_channel();
    let received = Arc::<Received>::default();
    let here = received.clone();
    let thread = thread::Builder::new().name(S::NAME.to_owned()).spawn(move || {
        here.belongs_here();
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        // At the end, dropping the runtime also drops the connections that it serves.
        runtime.expect("a runtime").block_on(async {
            let listener = TcpListener::from_std(listener).expect("a listener");
            tokio::spawn(accept::<S>(listener));
            answer(asked).await;
        });
    })?;
    Ok(Running { name: S::NAME, kind: S::KIND, address, received, questions, thread })
}

impl Running {
    pub fn usage(&self) -> Usage {
        let (answer, answered) = mpsc::channel();
        self.questions.send(answer).expect("the server runs");
        answered.recv().expect("the server runs")
    }

    pub fn stop(self) {
        drop(self.questions);
        self.thread.join().expect("the server did not panic");
    }
}

async fn accept<S: Server>(listener: TcpListener) {
    loop {
        let (socket, _) = listener.accept().await.expect("connections");
        socket.set_nodelay(true).expect("a socket");
        tokio::spawn(async {
            if let Err(error) = S::serve(socket).await {
                eprintln!("{}: {error}", S::NAME);
            }
        });
    }
}

/// Reports this thread's usage each time it is asked, until no more questions can come.
async fn answer(mut asked: UnboundedReceiver<mpsc::Sender<Usage>>) {
    while let Some(answer) = asked.recv().await {
        let usage = getrusage(UsageWho::RUSAGE_THREAD).expect("the thread's usage");
        let usage = Usage {
            user_ns: usage.user_time().num_nanoseconds(),
            system_ns: usage.system_time().num_nanoseconds(),
            sleeps: usage.voluntary_context_switches(),
        };
        answer.send(usage).expect("somebody asked");
    }
}
