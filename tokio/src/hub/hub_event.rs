//! [`HubEvent`], an event in the form for each wire.

use bytes::Bytes;
use eventwire::sse::EventBuilder;
use eventwire::ws::{Frame, PreparedFrame};

/// An event that was encoded once for all listeners, in the form for each wire.
///
/// Over WebSocket the event is a text message of its data. [`from_parts`](Self::from_parts) makes
/// any other pair, such as an event with a URL and a binary message.
#[derive(Clone, Debug)]
pub struct HubEvent {
    block: Option<Bytes>,
    frame: Option<PreparedFrame>,
}

impl HubEvent {
    /// Encodes an event. A block without data, such as a comment, is only for event streams.
    #[must_use]
    pub fn new(event: &EventBuilder<'_>) -> Self {
        let frame = event.get_data().map(|data| Frame::text(data).prepare());
        Self { block: Some(event.to_bytes()), frame }
    }

    /// Creates an event from its forms: encoded blocks for event streams, as
    /// [`EventBuilder::to_bytes`] returns them, and a frame for sockets. `None` is for a wire on
    /// which the event is not sent.
    ///
    /// ```
    /// use eventwire_tokio::HubEvent;
    /// use eventwire_tokio::sse::EventBuilder;
    /// use eventwire_tokio::ws::Frame;
    ///
    /// let image = [0x89, b'P', b'N', b'G'];
    /// let event = EventBuilder::new().data("/image/7").to_bytes();
    /// let event = HubEvent::from_parts(Some(event), Some(Frame::binary(&image).prepare()));
    /// assert_eq!(event.block().map(|block| &block[..]), Some(&b"data: /image/7\n\n"[..]));
    /// ```
    #[must_use]
    pub const fn from_parts(block: Option<Bytes>, frame: Option<PreparedFrame>) -> Self {
        Self { block, frame }
    }

    /// Returns the form for event streams: encoded blocks.
    #[must_use]
    pub const fn block(&self) -> Option<&Bytes> {
        self.block.as_ref()
    }

    /// Returns the form for sockets, which [`WebSocket::send`](crate::ws::WebSocket::send)
    /// takes.
    #[must_use]
    pub const fn frame(&self) -> Option<&PreparedFrame> {
        self.frame.as_ref()
    }

    /// Returns the number of bytes of both forms.
    pub(super) fn len(&self) -> usize {
        let block = self.block.as_ref().map_or(0, Bytes::len);
        block + self.frame.as_ref().map_or(0, PreparedFrame::encoded_len)
    }
}

/// The same as [`HubEvent::new`].
impl From<&EventBuilder<'_>> for HubEvent {
    fn from(event: &EventBuilder<'_>) -> Self {
        Self::new(event)
    }
}
