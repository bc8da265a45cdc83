//! The event source of this crate, over reqwest.

use super::end::End;
use super::patience::{Patience, SHORT};
use super::scene::Scene;
use eventwire_tokio::sse::{EventSource, EventSourceOptions, connect_with};

/// Follows the stream to its first error, and returns that.
pub async fn run(scene: &Scene, patience: Patience) -> End {
    match source(scene, patience).next().await {
        Some(Ok(_)) => End::Open,
        None => End::Clean,
        Some(Err(error)) => {
            End::Failed { is_permanent: Some(!error.will_retry()), error: error.into() }
        }
    }
}

fn source(scene: &Scene, patience: Patience) -> EventSource {
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    #[cfg(feature = "reqwest-tls")]
    let client = client.tls_backend_preconfigured((*scene.tls).clone());
    let mut options = EventSourceOptions::new();
    if patience == Patience::Short {
        options = options.response_timeout(SHORT).idle_timeout(SHORT);
    }
    connect_with(client.build().unwrap(), scene.url("http")).options(options).build()
}
