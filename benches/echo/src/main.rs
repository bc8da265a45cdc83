//! WebSocket echo servers side by side on loopback, and clients that receive a feed: the cost of a
//! message to the thread of the server or client.
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
    servers.into_iter().for_each(harness::Running::stop);
    Ok(tables.into())
}

/// Measures the clients in turn.
fn receive(rounds: usize, time: Duration) -> Result<Vec<Table>, Failure> {
    let clients = servers::start_receivers()?;
    let mut feeds = clients.iter().map(Feed::connect).collect::<Result<Vec<_>, _>>()?;
    let bursts = PAYLOADS.map(Burst::new);
    let mut tables = PAYLOADS.map(|len| Table::feed(len, &clients));
    for _ in 0..rounds {
        for (burst, table) in bursts.iter().zip(&mut tables) {
            for ((client, feed), row) in clients.iter().zip(&mut feeds).zip(&mut table.rows) {
                let sample = feed.measure(client, burst, time);
                row.samples.push(sample.map_err(|error| format!("{}: {error}", client.name))?);
            }
        }
    }
    clients.into_iter().for_each(harness::Running::stop);
    Ok(tables.into())
}
