//! The chat room: its members, and the messages between them.

use crate::files::{File, Files};
use crate::wires::{Departure, OnWires, Told};
use bytes::Bytes;
use eventwire::FanoutOptions;
use eventwire_tokio::old::hub::{Hub, Listener, since_1970};
use std::sync::Arc;
use tokio::sync::{Mutex, watch};

/// The events that a new member finds. Files count as bytes while they are being sent.
const HISTORY: FanoutOptions = FanoutOptions::new().max_items(256).max_bytes(32 << 20);

const MAX_MEMBERS: usize = 200;
const MAX_NAME_CHARS: usize = 24;
const MAX_TEXT_CHARS: usize = 2000;

/// Events are published under the lock of `inside`, so that both protocols have them in one order.
pub(crate) struct Room {
    hub: Arc<Hub<OnWires>>,
    inside: Mutex<Inside>,
    /// Whether all members must leave.
    closed: watch::Sender<bool>,
    /// The number of members, for `close`, which waits until it is 0.
    members: watch::Sender<usize>,
}

#[derive(Default)]
struct Inside {
    names: Vec<String>,
    files: Files,
}

/// The name of a new member, its events, and the signal that it must leave.
pub(crate) struct Membership {
    pub(crate) name: String,
    pub(crate) events: Listener<OnWires>,
    pub(crate) closed: watch::Receiver<bool>,
}

/// The room takes no more members.
pub(crate) struct Full;

impl Room {
    pub(crate) fn new() -> Self {
        let (closed, members) = (watch::Sender::new(false), watch::Sender::new(0));
        Self { hub: Hub::new(HISTORY), inside: Mutex::default(), closed, members }
    }

    /// Adds a member, with a name that no other member has.
    pub(crate) async fn enter(&self, wanted: &str) -> Result<Membership, Full> {
        let mut inside = self.inside.lock().await;
        let closed = self.closed.subscribe();
        if *closed.borrow() || inside.names.len() == MAX_MEMBERS {
            return Err(Full);
        }
        let name = inside.free_name(wanted);
        let events = self.hub.listen(Some(b""));
        inside.names.push(name.clone());
        self.publish(&Told::Joined { name: &name });
        self.publish_presence(&inside);
        Ok(Membership { name, events, closed })
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
    pub(crate) async fn listen(
        &self,
        last_event_id: Option<&[u8]>,
    ) -> (Vec<OnWires>, Listener<OnWires>) {
        let inside = self.inside.lock().await;
        let mut listener = self.hub.listen(last_event_id.or(Some(b"")));
        let mut events = listener.missed();
        events.push(Told::Presence { names: &inside.names }.encode(None).0);
        (events, listener)
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
        self.hub.push_transient(OnWires::binary(&file.data), bytes);
    }

    /// Returns a file, if it is still kept.
    pub(crate) async fn file(&self, id: u64) -> Option<File> {
        self.inside.lock().await.files.get(id)
    }

    /// Makes all members leave, and waits until they have left.
    pub(crate) async fn close(&self) {
        let inside = self.inside.lock().await;
        self.closed.send_replace(true);
        drop(inside);
        let mut members = self.members.subscribe();
        // This cannot fail, because the room keeps the sender.
        let _ = members.wait_for(|&members| members == 0).await;
    }

    fn publish(&self, told: &Told<'_>) {
        self.hub.publish(None, |id| told.encode(Some(id)));
    }

    fn publish_presence(&self, inside: &Inside) {
        self.members.send_replace(inside.names.len());
        let (presence, len) = Told::Presence { names: &inside.names }.encode(None);
        self.hub.push_transient(presence, len);
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
        let mut names = std::iter::once(name.to_owned()).chain(numbered);
        names.find(|name| !self.names.contains(name)).expect("there are enough numbers")
    }
}

/// Returns the time in milliseconds since 1970.
fn now() -> u64 {
    since_1970().as_millis().try_into().unwrap_or(u64::MAX)
}
