//! One log of events for many listeners, over Server-Sent Events and WebSocket.

mod blocks;
#[expect(clippy::module_inception, reason = "a file is named as the type in it")]
mod hub;
mod hub_event;
mod hub_options;
mod last_event_id;
mod serve;
mod subscriber;

pub use blocks::Blocks;
pub use hub::Hub;
pub use hub_event::HubEvent;
pub use hub_options::HubOptions;
pub use last_event_id::LastEventId;
pub use serve::Serve;
pub use subscriber::Subscriber;
