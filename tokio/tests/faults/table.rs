//! Prints the table of `FAULTS.md`.

use super::client::{self, Patience};
use super::end::End;
use super::fault::Fault;
use super::peer;
use super::scene::Scene;
use std::future::Future;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// How long a client may take before it counts as stuck.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs every fault against both clients, with their default options.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute, and prints a table instead of checking anything"]
async fn print_the_table() {
    let rows = Fault::ALL.map(|(fault, name)| {
        tokio::spawn(async move {
            let scene = Scene::of(fault).await;
            let ours = cell(&scene, client::run(&scene, Patience::Default)).await;
            drop(scene);
            let scene = Scene::of(fault).await;
            let theirs = cell(&scene, peer::run(&scene)).await;
            format!("| {name} | {ours} | {theirs} |")
        })
    });
    println!("| fault | eventwire-tokio | tokio-tungstenite |\n|---|---|---|");
    for row in rows {
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
    format!("{:.1} s: {text}", start.elapsed().as_secs_f64())
}
