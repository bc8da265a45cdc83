//! The chat room: who is there, and what they tell each other.

use crate::files::{File, Files};
use crate::wires::{Departure, OnWires, Told};
use bytes::Bytes;
use eventwire::FanoutOptions;
use eventwire_tokio::hub::{Hub, Listener, since_1970};
use std::sync::Arc;
use tokio::sync::{Mutex, watch};

/// What newcomers find, with the files that go out meanwhile.
const HISTORY: FanoutOptions = FanoutOptions::new().max_items(256).max_bytes(32 << 20);

const MAX_MEMBERS: usize = 200;
const MAX_NAME_CHARS: usize = 24;
const MAX_TEXT_CHARS: usize = 2000;

/// All that is told is told under the lock, so that it comes in one order on both wires.
pub(crate) struct Room {
    hub: Arc<Hub<OnWires>>,
    inside: Mutex<Inside>,
    /// Whether everybody is to leave.
    closed: watch::Sender<bool>,
    /// How many members there are, for the one who waits until all have gone.
    members: watch::Sender<usize>,
}

#[derive(Default)]
struct Inside {
    names: Vec<String>,
    files: Files,
}

/// What a newcomer gets.
pub(crate) struct Membership {
    pub(crate) name: String,
    pub(crate) events: Listener<OnWires>,
    pub(crate) closed: watch::Receiver<bool>,
}

/// There is no place for another member.
pub(crate) struct Full;

impl Room {
    pub(crate) fn new() -> Self {
        let (closed, members) = (watch::Sender::new(false), watch::Sender::new(0));
        Self { hub: Hub::new(HISTORY), inside: Mutex::default(), closed, members }
    }

    /// Lets somebody in, by a name that nobody else has.
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
        self.tell_presence(&inside);
        Ok(Membership { name, events, closed })
    }

    /// Lets a member go.
    pub(crate) async fn leave(&self, name: &str, how: &Departure) {
        let mut inside = self.inside.lock().await;
        inside.names.retain(|it| it != name);
        self.publish(&Told::Left { name, how });
        self.tell_presence(&inside);
    }

    /// Lets somebody listen, from the event after this id, or from the first that is kept: what was
    /// missed, who is there, and what comes.
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

    /// Passes a message on, or says why not.
    pub(crate) async fn say(&self, from: &str, text: &str) -> Result<(), &'static str> {
        if text.trim().is_empty() {
            return Err("There is nothing in it.");
        }
        if text.chars().count() > MAX_TEXT_CHARS {
            return Err("It is too long.");
        }
        let _inside = self.inside.lock().await;
        self.publish(&Told::Message { from, text, at: now() });
        Ok(())
    }

    /// Passes a file on.
    pub(crate) async fn show(&self, from: &str, data: Bytes) {
        let file = File::new(data);
        let mut inside = self.inside.lock().await;
        let url = format!("/file/{}", inside.files.add(file.clone()));
        let (mime, bytes) = (file.mime, file.data.len());
        self.publish(&Told::File { from, url: &url, mime, bytes, at: now() });
        self.hub.push_transient(OnWires::binary(&file.data), bytes);
    }

    /// A file that was shown, unless that was too long ago.
    pub(crate) async fn file(&self, id: u64) -> Option<File> {
        self.inside.lock().await.files.get(id)
    }

    /// Sends everybody out, and waits until they have gone.
    pub(crate) async fn close(&self) {
        let inside = self.inside.lock().await;
        self.closed.send_replace(true);
        drop(inside);
        let mut members = self.members.subscribe();
        // The sender is ours, so this cannot fail.
        let _ = members.wait_for(|&members| members == 0).await;
    }

    fn publish(&self, told: &Told<'_>) {
        self.hub.publish(None, |id| told.encode(Some(id)));
    }

    fn tell_presence(&self, inside: &Inside) {
        self.members.send_replace(inside.names.len());
        let (presence, len) = Told::Presence { names: &inside.names }.encode(None);
        self.hub.push_transient(presence, len);
    }
}

impl Inside {
    /// What is left of a name without what cannot be seen, and with a number if it is taken.
    fn free_name(&self, wanted: &str) -> String {
        let visible = wanted.chars().filter(|it| !it.is_control()).take(MAX_NAME_CHARS);
        let visible: String = visible.collect();
        let name = match visible.trim() {
            "" => "Guest",
            name => name,
        };
        let numbered = (2..).map(|number| format!("{name} {number}"));
        let mut names = std::iter::once(name.to_owned()).chain(numbered);
        names.find(|name| !self.names.contains(name)).expect("numbers do not run out")
    }
}

/// In milliseconds since 1970.
fn now() -> u64 {
    since_1970().as_millis().try_into().unwrap_or(u64::MAX)
}
