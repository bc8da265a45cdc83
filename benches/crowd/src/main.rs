//! Many connections to one server: the memory of each, and the time until all have an event, also
//! while some do not read. `benches/README.md` says how to run it.

mod client;
mod server;

use client::{Client, Group, Report, Wire, post};
use lexopt::prelude::{Long, Value, ValueExt};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use server::Server;
use std::error::Error;
use std::ffi::OsString;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const USAGE: &str =
    "usage: eventwire-bench-crowd SERVER [--connections N] [--pausing N | --idle-sockets]";

/// The factor by which memory may exceed the formula.
const TOLERANCE: f64 = 1.25;

/// How many times longer an event may take to all other clients while some do not read. A server
/// that waited for slow clients would exceed this by far. The tolerance is wide because shared
/// machines are no clocks.
const DELAY: f64 = 2.0;

/// How often the two are measured in turn, and the number of events each time.
const TURNS: usize = 3;
const ROUNDS: usize = 5;

/// The number and size of events that more than fill the buffers of the operating system and of the
/// server for a client that does not read.
const FILLING: (usize, usize) = (96, 8 << 10);

/// The maximum that waits in the server for each client that does not read, by wire: the high-water
/// mark of a WebSocket plus one message, or the buffer of hyper for an event stream, whose events
/// are shares of the history.
const WAITING: (u64, u64) = ((16 << 10) + (8 << 10), 1 << 10);

/// The maximum size of the server's history, by its own limit.
const HISTORY: u64 = 16 << 20;

/// The numbers of clients that read and that do not, and of events. They are large enough to show
/// what happens to slow clients.
const SLOW: (usize, usize, usize) = (100, 20, 1200);

const EVENT: &str = r#"{"place":"Bergen","celsius":9.5,"sky":"rain"}"#;

/// The number of connections opened at once.
const OPENING: usize = 200;

/// How long a server is left alone before its memory is measured.
const SETTLING: Duration = Duration::from_secs(1);

const PATIENCE: Duration = Duration::from_secs(50);

struct Args {
    server: OsString,
    connections: usize,
    pausing: usize,
    /// Measures the memory of silent clients of a WebSocket, and nothing else.
    idle_sockets: bool,
}

struct Crowd {
    server: Server,
    reports: mpsc::UnboundedReceiver<(Group, Report)>,
    sender: mpsc::UnboundedSender<(Group, Report)>,
    steady: Members,
    pausing: Members,
    published: usize,
    /// The resident memory before connections were opened, and the memory that they should take.
    before: u64,
    expected: u64,
}

/// The clients of a group.
struct Members {
    reading: watch::Sender<bool>,
    count: usize,
    /// The number of events that they have.
    events: usize,
    last_event: Instant,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let args = parse_args()?;
    allow_files(args.connections + 100)?;
    if args.idle_sockets {
        let mut crowd = Crowd::new(Server::start(&args.server).await?);
        let memory = crowd.open_measured(args.connections, 0, &[Wire::WebSocket]).await?;
        return if memory <= TOLERANCE { Ok(()) } else { Err("past its bounds".into()) };
    }
    let (count, pausing) = (args.connections / 2, args.pausing / 2);
    for wire in [Wire::Sse, Wire::WebSocket] {
        let mut crowd = Crowd::new(Server::start(&args.server).await?);
        crowd.open_measured(count, pausing, &[wire]).await?;
    }
    let mut crowd = Crowd::new(Server::start(&args.server).await?);
    let memory = crowd.open_measured(count, pausing, &[Wire::Sse, Wire::WebSocket]).await?;
    let (paused, delay) = crowd.delay_by_pauses().await?;
    drop(crowd);
    Crowd::new(Server::start(&args.server).await?).send_the_slow_away().await?;
    let within = memory <= TOLERANCE && paused <= TOLERANCE && delay <= DELAY;
    if within { Ok(()) } else { Err("past its bounds".into()) }
}

impl Crowd {
    fn new(server: Server) -> Self {
        let (sender, reports) = mpsc::unbounded_channel();
        let members = || Members {
            reading: watch::Sender::new(true),
            count: 0,
            events: 0,
            last_event: Instant::now(),
        };
        let (steady, pausing) = (members(), members());
        Self { server, reports, sender, steady, pausing, published: 0, before: 0, expected: 0 }
    }

    /// Opens this many connections by each wire, and prints how much memory they take in the server.
    /// Returns the excess over the formula.
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    async fn open_measured(&mut self, count: usize, pausing: usize, wires: &[Wire]) -> Result<f64> {
        self.before = self.server.resident()?;
        for &wire in wires {
            self.open(wire, count, pausing).await?;
            self.expected += wire.resident() * count as u64;
        }
        sleep(SETTLING).await;
        let resident = self.server.resident()? - self.before;
        let ratio = resident as f64 / self.expected as f64;
        let names: Vec<_> = wires.iter().map(|wire| wire.name()).collect();
        println!(
            "{count} connections by each of {names:?}: {} KiB resident, {} bytes for each, \
             {ratio:.2} times the formula",
            resident >> 10,
            resident / (count * wires.len()) as u64,
        );
        Ok(ratio)
    }

    /// Returns how much memory beyond the allowed one it takes if some clients do not read, and how
    /// many times longer an event then takes to all others.
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    async fn delay_by_pauses(&mut self) -> Result<(f64, f64)> {
        let (steady, pausing) = (self.steady.count, self.pausing.count);
        let filling = "x".repeat(FILLING.1);
        let (mut all_read, mut some_pause) = (Vec::new(), Vec::new());
        let (mut missed, mut resident) = (0, 0);
        for _ in 0..TURNS {
            self.rounds(&[Group::Steady, Group::Pausing], &mut all_read).await?;
            self.pausing.reading.send_replace(false);
            for _ in 0..FILLING.0 {
                self.publish(&filling).await?;
                self.catch_up(Group::Steady).await?;
            }
            self.rounds(&[Group::Steady], &mut some_pause).await?;
            missed = self.published - self.pausing.events / pausing.max(1);
            resident = resident.max(self.server.resident()? - self.before);
            self.pausing.reading.send_replace(true);
            self.catch_up(Group::Pausing).await?;
        }
        let (all_read, some_pause) = (median(all_read), median(some_pause));
        let delay = some_pause.as_secs_f64() / all_read.as_secs_f64();
        println!(
            "an event is with {steady} after {} ms while all {} read",
            all_read.as_millis(),
            steady + pausing
        );
        println!(
            "while {pausing} clients do not read and lack {missed} events, an event reaches the \
             others after {} ms, {delay:.2} times as long",
            some_pause.as_millis(),
        );
        println!("each has all {} events, once and in order", self.published);
        let waiting = pausing as u64 / 2 * (WAITING.0 + WAITING.1);
        let allowed = self.expected + waiting + HISTORY;
        let ratio = resident as f64 / allowed as f64;
        println!("meanwhile {} MiB are resident, {ratio:.2} times what may be", resident >> 20);
        Ok((ratio, delay))
    }

    /// Publishes more than the history holds. Clients that did not read are disconnected, and the
    /// others have everything.
    async fn send_the_slow_away(&mut self) -> Result<()> {
        let (count, pausing, events) = SLOW;
        for wire in [Wire::Sse, Wire::WebSocket] {
            self.open(wire, count / 2, pausing / 2).await?;
        }
        self.pausing.reading.send_replace(false);
        let filling = "x".repeat(FILLING.1);
        for _ in 0..events {
            self.publish(&filling).await?;
            self.catch_up(Group::Steady).await?;
        }
        self.pausing.reading.send_replace(true);
        let mut ended = 0;
        while ended < pausing {
            match timeout(PATIENCE, self.reports.recv()).await? {
                Some((Group::Pausing, Report::Fault(_))) => ended += 1,
                Some((Group::Steady, Report::Fault(fault))) => return Err(fault.into()),
                _ => {}
            }
        }
        println!(
            "{pausing} who did not read for {events} events were sent away, and the others have all"
        );
        Ok(())
    }

    /// Opens connections, a few at a time.
    async fn open(&mut self, wire: Wire, count: usize, pausing: usize) -> Result<()> {
        for begun in 0..count {
            let group = if begun < pausing { Group::Pausing } else { Group::Steady };
            let reports = self.sender.clone();
            let members = self.members(group);
            members.count += 1;
            let client = Client { wire, group, reports, reading: members.reading.subscribe() };
            tokio::spawn(client.run(self.server.address));
            if begun >= OPENING {
                self.opened().await?;
            }
        }
        for _ in 0..count.min(OPENING) {
            self.opened().await?;
        }
        Ok(())
    }

    async fn opened(&mut self) -> Result<()> {
        match self.report().await? {
            Report::Open => Ok(()),
            _ => Err("an event before any was published".into()),
        }
    }

    async fn report(&mut self) -> Result<Report> {
        let Some((group, report)) = timeout(PATIENCE, self.reports.recv()).await? else {
            unreachable!("a sender is ours");
        };
        match report {
            Report::Fault(fault) => return Err(fault.into()),
            Report::Event(at) => {
                let members = self.members(group);
                members.events += 1;
                members.last_event = members.last_event.max(at);
            }
            Report::Open => {}
        }
        Ok(report)
    }

    const fn members(&mut self, group: Group) -> &mut Members {
        match group {
            Group::Steady => &mut self.steady,
            Group::Pausing => &mut self.pausing,
        }
    }

    /// Publishes the next event.
    async fn publish(&mut self, text: &str) -> Result<()> {
        post(self.server.address, "/publish", &format!("{} {text}", self.published)).await?;
        self.published += 1;
        Ok(())
    }

    /// Waits until all clients of a group have all events.
    async fn catch_up(&mut self, group: Group) -> Result<()> {
        let published = self.published;
        while self.members(group).events < self.members(group).count * published {
            self.report().await?;
        }
        Ok(())
    }

    /// Publishes events, and notes how long each takes to all steady clients. They all have an
    /// event before the next one is published.
    async fn rounds(&mut self, groups: &[Group], times: &mut Vec<Duration>) -> Result<()> {
        for _ in 0..ROUNDS {
            let begin = Instant::now();
            self.publish(EVENT).await?;
            for &group in groups {
                self.catch_up(group).await?;
            }
            times.push(self.steady.last_event - begin);
        }
        Ok(())
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn parse_args() -> Result<Args> {
    let (mut server, mut connections, mut pausing) = (None, 10_000, 1_000);
    let mut idle_sockets = false;
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Value(value) if server.is_none() => server = Some(value),
            Long("connections") => connections = parser.value()?.parse()?,
            Long("idle-sockets") => idle_sockets = true,
            Long("pausing") => pausing = parser.value()?.parse()?,
            _ => return Err(format!("{} ({USAGE})", arg.unexpected()).into()),
        }
    }
    Ok(Args { server: server.ok_or(USAGE)?, connections, pausing, idle_sockets })
}

/// Raises the limit on open files, here and in the server.
fn allow_files(needed: usize) -> Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let files = hard.max(needed as u64);
    setrlimit(Resource::RLIMIT_NOFILE, files, files).map_err(|error| {
        format!("{hard} files may be open, and {needed} are needed: {error}").into()
    })
}
