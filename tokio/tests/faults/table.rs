//! Prints the table of `FAULTS.md`.

use super::end::End;
use super::fault::Fault;
use super::patience::Patience;
use super::scene::Scene;
use super::{blocking, client, peer, source};
use std::future::Future;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// How long a client may take before it counts as stuck. The longest deadline by default is the 2
/// minutes for a response with events.
const PATIENCE: Duration = Duration::from_secs(150);

/// Runs every fault against each client, with their default options.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes, and prints a table instead of checking anything"]
async fn print_the_table() {
    let websocket = Fault::WEBSOCKET.map(|(fault, name)| {
        tokio::spawn(async move {
            let (ours, threads, theirs) =
                tokio::join!(Scene::of(fault), Scene::of(fault), Scene::of(fault));
            let (ours, threads, theirs) = tokio::join!(
                cell(&ours, client::run(&ours, Patience::Default)),
                cell(&threads, blocking::run(&threads)),
                cell(&theirs, peer::run(&theirs)),
            );
            // This client cannot be told the addresses of a name.
            let threads = if fault == Fault::DeadAddress { "not tried" } else { &threads };
            format!("| {name} | {ours} | {threads} | {theirs} |")
        })
    });
    let events = Fault::EVENTS.map(|(fault, name)| {
        tokio::spawn(async move {
            let scene = Scene::of(fault).await;
            format!("| {name} | {} |", cell(&scene, source::run(&scene, Patience::Default)).await)
        })
    });
    println!(
        "| fault | eventwire-tokio | eventwire-blocking | tokio-tungstenite |\n|---|---|---|---|"
    );
    for row in websocket {
        println!("{}", row.await.unwrap());
    }
    println!("\n| fault | eventwire-tokio |\n|---|---|");
    for row in events {
        println!("{}", row.await.unwrap());
    }
}

/// Returns how long a client took, and how it ended.
async fn cell(scene: &Scene, running: impl Future<Output = End>) -> String {
    let start = Instant::now();
    let Ok(end) = timeout(PATIENCE, running).await else {
        return format!("**not done after {} s**", PATIENCE.as_secs());
    };
    let text = scene.mask(&end.text()).replace('|', "\\|");
    match start.elapsed().as_secs_f64() {
        ..0.2 => format!("at once: {text}"),
        seconds => format!("{seconds:.1} s: {text}"),
    }
}
