//! The chat room: its members, and the messages between them.

use crate::files::{File, Files};
use crate::told::{Departure, Told, since_1970};
use bytes::Bytes;
use eventwire_tokio::ws::Frame;
use eventwire_tokio::{Hub, HubEvent, HubOptions, LastEventId, Subscriber};
use std::iter;
use tokio::sync::Mutex;

/// The events that a new member finds. Files count as bytes while they are being sent.
const OPTIONS: HubOptions = HubOptions::new().max_events(256).max_bytes(32 << 20);

const MAX_MEMBERS: usize = 200;
const MAX_NAME_CHARS: usize = 24;
const MAX_TEXT_CHARS: usize = 2000;

/// Events are published under the lock of `inside`, so that they are in the order of its changes.
pub(crate) struct Room {
    hub: Hub,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    names: Vec<String>,
    files: Files,
}

/// The name of a new member, and its events.
pub(crate) struct Membership {
    pub(crate) name: String,
    pub(crate) events: Subscriber,
}

/// The room takes no more members.
pub(crate) struct Full;

impl Room {
    pub(crate) fn new() -> Self {
        Self { hub: Hub::new(OPTIONS), inside: Mutex::default() }
    }

    /// Adds a member, with a name that no other member has.
    pub(crate) async fn enter(&self, wanted: &str) -> Result<Membership, Full> {
        let mut inside = self.inside.lock().await;
        if inside.names.len() == MAX_MEMBERS {
            return Err(Full);
        }
        let name = inside.free_name(wanted);
        let events = self.hub.subscribe_from_oldest();
        inside.names.push(name.clone());
        self.publish(&Told::Joined { name: &name });
        self.publish_presence(&inside);
        Ok(Membership { name, events })
    }

    /// Removes a member.
    pub(crate) async fn leave(&self, name: &str, departure: &Departure) {
        let mut inside = self.inside.lock().await;
        inside.names.retain(|other| other != name);
        self.publish(&Told::Left { name, departure });
        self.publish_presence(&inside);
    }

    /// Listens from the event after this id, or from the oldest event that is kept. Returns the
    /// missed events, followed by the names of the members, and the listener for later events.
    pub(crate) async fn listen(&self, last: LastEventId) -> (Vec<HubEvent>, Subscriber) {
        let inside = self.inside.lock().await;
        let mut later = self.hub.resume(&last.or_oldest());
        let mut events = missed(&mut later);
        events.push(HubEvent::new(&Told::Presence { names: &inside.names }.event()));
        (events, later)
    }

    /// Sends a text to everyone. The error is a sentence for the sender.
    pub(crate) async fn say(&self, from: &str, text: &str) -> Result<(), &'static str> {
        if text.trim().is_empty() {
            return Err("The message is empty.");
        }
        if text.chars().count() > MAX_TEXT_CHARS {
            return Err("The message is too long.");
        }
        let _inside = self.inside.lock().await;
        self.publish(&Told::Message { from, text, at: now() });
        Ok(())
    }

    /// Sends a file to everyone.
    pub(crate) async fn show(&self, from: &str, data: Bytes) {
        let file = File::new(data);
        let mut inside = self.inside.lock().await;
        let url = format!("/file/{}", inside.files.add(file.clone()));
        let (mime, bytes) = (file.mime, file.data.len());
        self.publish(&Told::File { from, url: &url, mime, bytes, at: now() });
        // Listeners over SSE load the file by its URL.
        let frame = Frame::binary(&file.data).prepare();
        self.hub.publish_transient(HubEvent::from_parts(None, Some(frame)));
    }

    /// Returns a file, if it is still kept.
    pub(crate) async fn file(&self, id: u64) -> Option<File> {
        self.inside.lock().await.files.get(id)
    }

    /// Makes all members and listeners leave, and waits for them.
    pub(crate) async fn close(&self) {
        self.hub.shutdown().await;
    }

    fn publish(&self, told: &Told<'_>) {
        self.hub.publish(told.event());
    }

    fn publish_presence(&self, inside: &Inside) {
        let presence = Told::Presence { names: &inside.names }.event();
        self.hub.publish_transient(&presence);
    }
}

impl Inside {
    /// Returns this name without its invisible characters, and with a number if the name is taken.
    fn free_name(&self, wanted: &str) -> String {
        let visible =
            wanted.chars().filter(|character| !character.is_control()).take(MAX_NAME_CHARS);
        let visible: String = visible.collect();
        let name = match visible.trim() {
            "" => "Guest",
            name => name,
        };
        let numbered = (2..).map(|number| format!("{name} {number}"));
        let mut names = iter::once(name.to_owned()).chain(numbered);
        names.find(|name| !self.names.contains(name)).expect("there are enough numbers")
    }
}

/// Returns the events that a new listener has missed. A new listener cannot have lagged.
pub(crate) fn missed(listener: &mut Subscriber) -> Vec<HubEvent> {
    iter::from_fn(|| listener.try_next().ok().flatten()).collect()
}

/// Returns the time in milliseconds since 1970.
fn now() -> u64 {
    since_1970().as_millis().try_into().unwrap_or(u64::MAX)
}
