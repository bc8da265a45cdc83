//! The events that `tracing` sees.

use crate::memory::{Memory, events};
use crate::notes::Notes;
use eventwire_tokio::sse::{EventSourceOptions, LastEvent, connect_with};

#[tokio::test(start_paused = true)]
async fn the_life_of_a_source_is_traced() {
    let notes = Notes::default();
    // With one subscriber, `tracing` asks that of the thread that first comes to an event. This may
    // be the thread of another test, which has none.
    let _second = tracing::Dispatch::new(Notes::default());
    let _guard = tracing::subscriber::set_default(notes.clone());
    let client = Memory::new([events([(0, "data: a\n\n")]), events([(0, "data: b\n\n")])]);
    let options = EventSourceOptions::new().last_event(LastEvent::Data("b"));
    let url = "http://user:hunter2@localhost/?key=hunter2";
    let mut source = connect_with(client, url).options(options).build();
    while source.next().await.is_some() {}
    assert_eq!(
        notes.lines(),
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
