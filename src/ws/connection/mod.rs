//! The connection ([RFC 6455, sections 5 to 7]): whole messages, replies, and the closing
//! handshake.
//!
//! [RFC 6455, sections 5 to 7]: https://www.rfc-editor.org/rfc/rfc6455#section-5

#[expect(clippy::module_inception, reason = "a file is named as the type in it")]
pub(super) mod connection;
pub(super) mod connection_state;
mod into_frame;
#[cfg(feature = "alloc")]
pub(super) mod message;
#[cfg(feature = "alloc")]
pub(super) mod prepared_frame;
pub(super) mod send_error;

#[cfg(feature = "alloc")]
mod message_decoder;
mod reader;
mod reply;
mod writer;

pub use into_frame::IntoFrame;
#[cfg(feature = "alloc")]
pub use message::NotText;
#[cfg(feature = "alloc")]
pub use message_decoder::MessageDecoder;
pub use reader::Reader;
pub use reply::Reply;
pub use writer::Writer;

// Used by the layers above.
#[cfg(feature = "alloc")]
pub(super) use {
    connection::Connection, connection_state::ConnectionState, message::Message,
    prepared_frame::PreparedFrame, send_error::SendError,
};
