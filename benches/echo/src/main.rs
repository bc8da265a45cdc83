//! WebSocket echo servers side by side on loopback, clients that receive a feed by WebSocket, and
//! clients that read an event stream by reqwest: the cost of a message to their thread.
//!
//! ```text
//! cargo run --release --manifest-path benches/echo/Cargo.toml -- [--quick] [--json PATH]
//! ```
//!
//! Every contender has a thread and a single-threaded tokio runtime of its own, and batches its writes
//! as well as its library allows. `--quick` only proves that all of them work and agree.

mod feed;
mod harness;
mod load;
mod received;
mod report;
mod servers;

use feed::{Burst, Feed};
use harness::Running;
use lexopt::prelude::{Long, ValueExt};
use load::{Batch, Load};
use report::Table;
use servers::Failure;
use std::fs;
use std::time::Duration;

const CONNECTIONS: usize = 64;
/// The number of messages that each connection sends before it waits for their echoes.
const BATCH: usize = 16;
/// The number of bytes of text in a message.
const PAYLOADS: [usize; 2] = [20, 1024];

fn main() -> Result<(), Failure> {
    let (mut rounds, mut time, mut json) = (21, Duration::from_millis(150), None);
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("quick") => (rounds, time) = (1, Duration::from_millis(10)),
            Long("json") => json = Some(arguments.value()?.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    harness::stay_on_one_processor()?;
    println!("{}", report::environment());
    let mut tables = echo(rounds, time)?;
    tables.extend(receive(rounds, time)?);
    tables.extend(follow(rounds, time)?);
    for table in &tables {
        println!("\n{table}");
    }
    if let Some(path) = json {
        fs::write(path, report::json(&tables))?;
    }
    Ok(())
}

/// Measures the servers in turn, so that changes of the machine's load affect all of them.
fn echo(rounds: usize, time: Duration) -> Result<Vec<Table>, Failure> {
    let servers = servers::start_all()?;
    let mut loads = servers.iter().map(Load::connect).collect::<Result<Vec<_>, _>>()?;
    let batches = PAYLOADS.map(|len| (0..CONNECTIONS).map(|i| Batch::new(i, len)).collect());
    let mut tables = PAYLOADS.map(|len| Table::echo(len, &servers));
    for round in 0..rounds {
        for (batches, table) in batches.iter().zip(&mut tables) {
            let batches: &Vec<Batch> = batches;
            for ((server, load), row) in servers.iter().zip(&mut loads).zip(&mut table.rows) {
                let sample = load.measure(server, batches, time, round == 0);
                row.samples.push(sample.map_err(|error| format!("{}: {error}", server.name))?);
            }
        }
    }
    // Stop before the sockets are closed, so that no server complains about that.
    servers.into_iter().for_each(Running::stop);
    Ok(tables.into())
}

/// Measures the clients of a WebSocket in turn.
fn receive(rounds: usize, time: Duration) -> Result<Vec<Table>, Failure> {
    let clients = servers::start_receivers()?;
    let feeds = clients.iter().map(Feed::connect).collect::<Result<_, _>>()?;
    measure_feeds("received", clients, feeds, &PAYLOADS.map(Burst::frames), rounds, time)
}

/// Measures the clients of event streams in turn.
fn follow(rounds: usize, time: Duration) -> Result<Vec<Table>, Failure> {
    let clients = servers::start_followers()?;
    let feeds = clients.iter().map(Feed::follow).collect::<Result<_, _>>()?;
    measure_feeds("in events", clients, feeds, &[Burst::tokens()], rounds, time)
}

fn measure_feeds(
    work: &'static str,
    clients: Vec<Running>,
    mut feeds: Vec<Feed>,
    bursts: &[Burst],
    rounds: usize,
    time: Duration,
) -> Result<Vec<Table>, Failure> {
    let mut tables: Vec<_> =
        bursts.iter().map(|burst| Table::feed(work, burst.message_len(), &clients)).collect();
    for _ in 0..rounds {
        for (burst, table) in bursts.iter().zip(&mut tables) {
            for ((client, feed), row) in clients.iter().zip(&mut feeds).zip(&mut table.rows) {
                let sample = feed.measure(client, burst, time);
                row.samples.push(sample.map_err(|error| format!("{}: {error}", client.name))?);
            }
        }
    }
    clients.into_iter().for_each(Running::stop);
    Ok(tables)
}
