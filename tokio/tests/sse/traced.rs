//! The events that `tracing` sees.

use crate::memory::{Memory, events};
use eventwire_tokio::sse::{EventSourceOptions, LastEvent, connect_with};
use std::fmt::{self, Write};
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Writes down the fields of all spans and events.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = write!(self.0, "{field}={value:?} ");
    }
}

impl Notes {
    fn note(&self, record: impl FnOnce(&mut Fields)) {
        let mut fields = Fields(String::new());
        record(&mut fields);
        self.0.lock().unwrap().push(fields.0);
    }
}

impl Subscriber for Notes {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("eventwire_tokio::sse")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.note(|fields| span.record(fields));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        assert_eq!(event.parent(), Some(&Id::from_u64(1)));
        self.note(|fields| event.record(fields));
    }
}

#[tokio::test(start_paused = true)]
async fn the_life_of_a_source_is_traced() {
    let notes = Notes::default();
    let _guard = tracing::subscriber::set_default(notes.clone());
    let client = Memory::new([events([(0, "data: a\n\n")]), events([(0, "data: b\n\n")])]);
    let options = EventSourceOptions::new().last_event(LastEvent::Data("b"));
    let url = "http://user:hunter2@localhost/?key=hunter2";
    let mut source = connect_with(client, url).options(options).build();
    while source.next().await.is_some() {}
    assert_eq!(
        *notes.0.lock().unwrap(),
        [
            "host=\"localhost\" ",
            "message=connecting ",
            "message=open ",
            "message=lost error=localhost: unexpected end of the event stream will_retry=true ",
            "message=connecting ",
            "message=open ",
            "message=closed ",
        ]
    );
}
