//! The events of the feed.

use crate::told::since_1970;
use bytes::Bytes;
use eventwire_tokio::eventwire::sse::server::KEEP_ALIVE;
use eventwire_tokio::eventwire::sse::{EventBuilder, EventType};
use eventwire_tokio::{Hub, HubEvent};
use serde_json::json;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

const WEATHER: EventType<'_> = EventType::from_static("weather");
const POEM: EventType<'_> = EventType::from_static("poem");

const REPORTS: [(&str, f64, &str); 4] = [
    ("Bergen", 9.5, "rain ☂"),
    ("Nairobi", 22.0, "sun ☀"),
    ("São Paulo", 18.5, "cloud ☁"),
    ("Harbin", -12.0, "snow ❄"),
];

const POEMS: [&str; 2] = [
    "A line, then a line,\n  indented as it was sent,\n\nand one blank between.",
    "Cut me where you like:\nthe last id that you have seen\nis where I go on.",
];

/// Publishes events for as long as the future is polled: the time, the weather as an event with a
/// type, a poem of several lines, and between them the comment that keeps proxies from closing a
/// silent stream.
pub(crate) async fn run(hub: &Hub) {
    let mut seconds = interval(Duration::from_secs(1));
    // Skip the seconds that the machine slept through.
    seconds.set_missed_tick_behavior(MissedTickBehavior::Skip);
    for second in 0_usize.. {
        seconds.tick().await;
        hub.publish(EventBuilder::new().data(time_of_day()));
        if second % 2 == 0 {
            let comment = Bytes::from_static(KEEP_ALIVE);
            hub.publish_transient(HubEvent::from_parts(Some(comment), None));
        }
        if second % 3 == 0 {
            let (place, celsius, sky) = REPORTS[second / 3 % REPORTS.len()];
            let report = json!({ "place": place, "celsius": celsius, "sky": sky }).to_string();
            hub.publish(EventBuilder::new().event_type(WEATHER).data(report));
        }
        if second % 5 == 0 {
            let poem = POEMS[second / 5 % POEMS.len()];
            hub.publish(EventBuilder::new().event_type(POEM).data(poem));
        }
    }
}

fn time_of_day() -> String {
    let now = since_1970().as_secs();
    format!("{:02}:{:02}:{:02} UTC", now / 3600 % 24, now / 60 % 60, now % 60)
}
