//! Who gets which block: a bounded history, and a bounded queue for each open stream.

use bytes::Bytes;
use eventwire::sse::{EventId, EventType, InvalidValue, Message};
use serde_json::json;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc};

/// How many events are kept for those who come back.
const HISTORY: usize = 1000;

/// How many blocks a stream may lag behind before it is ended; its client comes back for the rest.
const QUEUE: usize = 64;

/// Long enough for the pause to be seen.
const RECONNECTION_TIME: Duration = Duration::from_millis(1500);

const RESUMED: EventType<'_> = EventType::from_static("resumed");

/// One lock around it all, so that no event falls between a stream's backlog and its queue, or
/// into both.
#[derive(Default)]
pub(crate) struct Hub(Mutex<State>);

#[derive(Default)]
struct State {
    last_id: u64,
    history: VecDeque<(u64, Bytes)>,
    streams: Vec<Stream>,
}

/// An open stream. It ends, once its queue has been read, when this is dropped.
struct Stream {
    client: Option<String>,
    queue: mpsc::Sender<Bytes>,
}

impl Hub {
    /// Gives an event the next id, encodes it once, and sends it to all.
    pub(crate) async fn publish(&self, event: Message<'_>) -> Result<(), InvalidValue> {
        let mut state = self.0.lock().await;
        let id = state.last_id + 1;
        let block = event.id(EventId::new(&id.to_string())?).to_bytes();
        if state.history.len() == HISTORY {
            state.history.pop_front();
        }
        state.history.push_back((id, block.clone()));
        state.last_id = id;
        state.send(&block);
        Ok(())
    }

    /// Sends a block that is of no use later.
    pub(crate) async fn send(&self, block: &Bytes) {
        self.0.lock().await.send(block);
    }

    /// Opens a stream: what to send at once, and what to send as it comes.
    pub(crate) async fn subscribe(
        &self,
        client: Option<String>,
        last_event_id: Option<&str>,
    ) -> (Vec<Bytes>, mpsc::Receiver<Bytes>) {
        let mut state = self.0.lock().await;
        let mut backlog = vec![Message::new().retry(RECONNECTION_TIME).to_bytes()];
        if let Some(last_event_id) = last_event_id {
            let replay = state.after(last_event_id);
            let resumed = json!({ "last_event_id": last_event_id, "replayed": replay.len() });
            let resumed = resumed.to_string();
            backlog.push(Message::new().event_type(RESUMED).data(&resumed).to_bytes());
            backlog.extend(replay);
        }
        let (queue, live) = mpsc::channel(QUEUE);
        state.streams.push(Stream { client, queue });
        (backlog, live)
    }

    /// Ends the streams of one client; `false` if it has none.
    pub(crate) async fn disconnect(&self, client: &str) -> bool {
        let mut state = self.0.lock().await;
        state.streams.retain(|stream| !stream.queue.is_closed());
        let open = state.streams.len();
        state.streams.retain(|stream| stream.client.as_deref() != Some(client));
        state.streams.len() < open
    }
}

impl State {
    /// Queues a block for every stream, and forgets those that lag or were closed by their client.
    fn send(&mut self, block: &Bytes) {
        self.streams.retain(|stream| stream.queue.try_send(block.clone()).is_ok());
    }

    /// The events after this id; all that are kept if it is none of ours.
    fn after(&self, id: &str) -> Vec<Bytes> {
        let id = id.parse().ok().filter(|&id| id <= self.last_id).unwrap_or(0);
        let newer = self.history.iter().filter(|(event_id, _)| *event_id > id);
        newer.map(|(_, block)| block.clone()).collect()
    }
}
