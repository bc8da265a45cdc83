//! Faults of a WebSocket server, and of the way to it.

use super::client::{self, Patience};
use super::end::End;
use super::fault::Fault;
use super::scene::Scene;
use std::time::Duration;
use tokio::time::timeout;

/// Runs the client with short deadlines. Returns how it ended, and the text of that.
async fn run(fault: Fault) -> (End, String) {
    let scene = Scene::of(fault).await;
    let end = timeout(Duration::from_secs(2), client::run(&scene, Patience::Short)).await;
    let end = end.expect("the client ends by its own deadlines");
    let text = scene.mask(&end.text());
    (end, text)
}

#[tokio::test]
async fn explore() {
    for (fault, _) in Fault::ALL {
        let start = std::time::Instant::now();
        let (end, text) = run(fault).await;
        println!("{fault:?} {:?} {:?}: {text}", start.elapsed(), end.is_permanent());
        if let End::Failed { error, .. } = &end {
            println!("   {error:?}");
        }
    }
}
