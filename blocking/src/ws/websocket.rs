//! [`WebSocket`], a connection in either role.

use super::driven::Driven;
use super::halves::{ReadHalf, WriteHalf};
use eventwire::ws::connection::IntoFrame;
use eventwire::ws::frame::IntoClose;
use eventwire::ws::{Close, CloseEvent, Limits, Message, ReadyState, SendError, WebSocketOptions};
use std::iter::FusedIterator;
use std::sync::Arc;
use std::time::Duration;

/// A WebSocket: an [`Iterator`] over the [`Message`]s that arrive, in either role and over any
/// [`Transport`](crate::Transport).
///
/// [`connect`](super::connect) and [`accept`](super::accept) open one.
///
/// While the program waits in [`next`](Iterator::next) or [`close`](Self::close), the socket
/// answers pings and close frames, sends its own pings, and keeps its deadlines. In the meantime it
/// does nothing, because it has no thread of its own. So use it by receiving. To send in one thread
/// and receive in another, [`split`](Self::split) it.
///
/// `next` waits for a message. It returns `None` after the end of the connection. If the connection
/// did not end with the closing handshake, the item before `None` is an error that says why. In
/// both cases [`close_event`](Self::close_event) has the peer's code and reason. Messages are
/// [`Message::Text`] and [`Message::Binary`], and others only if the
/// [options](super::WebSocketOptions) ask for them.
///
/// Dropping a socket tells the peer that this end goes away (code 1001), if the transport takes
/// that at once, and closes the transport. [`close`](Self::close) waits for the peer's answer.
///
/// Memory: about 2 KiB, and up to 64 KiB for each direction that was used. A message that arrives
/// takes what [`Limits`](super::Limits) allow, and one that is sent is copied once or twice, up to
/// 1 MiB at a time.
///
/// ```no_run
/// use eventwire_blocking::ws;
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let mut socket = ws::connect("wss://example.com/chat").open()?;
///     socket.send("hello")?;
///     for message in &mut socket {
///         println!("{}", message?);
///     }
///     println!("{:?}", socket.close_event());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
#[must_use = "dropping a WebSocket closes it"]
pub struct WebSocket {
    driven: Arc<Driven>,
}

impl WebSocket {
    /// The options of a socket that sets none, on both sides: the defaults of [`WebSocketOptions`],
    /// and a ping every 20 s. A peer that does not answer for 20 s is given up. A peer that is gone
    /// would otherwise be noticed only when something is sent to it.
    pub const DEFAULT_OPTIONS: WebSocketOptions =
        WebSocketOptions::new().ping_interval(Duration::from_secs(20));

    pub(super) fn new(driven: Driven) -> Self {
        Self { driven: Arc::new(driven) }
    }

    /// Waits for the next message like [`next`](Iterator::next), but no longer than this time.
    /// Returns `None` if none came. This is for programs that do other things too, such as games,
    /// which call it in each round.
    ///
    /// With a time of zero, this takes a message that has arrived, and otherwise waits for about a
    /// millisecond. Pings are answered meanwhile, as in `next`.
    ///
    /// ```no_run
    /// use eventwire_blocking::ws::{CloseEvent, WebSocket};
    /// use std::time::Duration;
    ///
    /// /// Does what the server says, between two pictures.
    /// fn receive(socket: &mut WebSocket) -> Result<(), CloseEvent> {
    ///     while let Some(message) = socket.next_within(Duration::ZERO)? {
    ///         println!("{message}");
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// If the connection has ended, cleanly or not: the error says how.
    pub fn next_within(&mut self, time: Duration) -> Result<Option<Message>, CloseEvent> {
        self.driven.next_within(time)
    }

    /// Sends a message: text, bytes, a [`Message`], or anything else that [becomes a
    /// frame](IntoFrame). Waits until the transport has taken it.
    ///
    /// Nothing is received meanwhile. If both ends send a lot without receiving, both wait for each
    /// other until the [pong timeout](super::WebSocketOptions::pong_timeout) ends the connection.
    /// A program that does this [splits](Self::split) the socket. Without pings there is no such
    /// limit.
    ///
    /// # Errors
    /// [`SendError::Closed`] if the connection is closing or has ended. [`next`](Iterator::next)
    /// then says why. Other errors are about this message, and the connection goes on.
    pub fn send<F: IntoFrame>(&mut self, message: F) -> Result<(), SendError> {
        self.driven.send(message)
    }

    /// Closes the connection, and waits for the end. Returns how it ended. Messages that still
    /// arrive are dropped. If the connection is closing or has ended already, this returns how that
    /// ended.
    ///
    /// The wait is no longer than the [closing timeout](super::WebSocketOptions::closing_timeout),
    /// counted from the last byte that the peer took of our messages.
    ///
    /// `code` is a number such as `1000`, or a [`CloseCode`](super::CloseCode).
    ///
    /// ```no_run
    /// # let mut socket = eventwire_blocking::ws::connect("ws://localhost/").open()?;
    /// let close = socket.close(1000, "bye")?;
    /// if !close.was_clean {
    ///     eprintln!("{close}");
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the code may not be sent, or the reason is longer than 123 bytes. Nothing happens then.
    pub fn close<'a, C>(&mut self, code: C, reason: &'a str) -> Result<CloseEvent, SendError>
    where
        Close<&'a str, C>: IntoClose,
    {
        self.driven.begin_close(Close::new(code, reason))?;
        Ok(self.driven.read_to_end())
    }

    /// Waits for the end of the connection, and returns how it ended. Messages are dropped.
    pub fn closed(&mut self) -> CloseEvent {
        self.driven.read_to_end()
    }

    /// Returns how the connection ended, or `None` if it has not ended.
    #[must_use]
    pub fn close_event(&self) -> Option<CloseEvent> {
        self.driven.close_event()
    }

    /// Returns whether messages may be sent.
    #[must_use]
    pub fn ready_state(&self) -> ReadyState {
        self.driven.ready_state()
    }

    /// Replaces the limits on the peer's messages, from its next message on. Raise them for a
    /// client that has logged in.
    pub fn set_limits(&mut self, limits: Limits) {
        self.driven.set_limits(limits);
    }

    /// Returns the subprotocol that was agreed on. It is empty if there is none.
    #[must_use]
    pub fn protocol(&self) -> &str {
        &self.driven.protocol
    }

    /// Splits the socket into a half that sends and a half that receives, for two threads. Neither
    /// waits for the other: messages arrive while a message is sent that the peer does not take.
    ///
    /// ```no_run
    /// use eventwire_blocking::ws;
    /// use std::thread;
    ///
    /// fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let (mut tx, rx) = ws::connect("wss://example.com/chat").open()?.split();
    ///     let reader = thread::spawn(move || {
    ///         for message in rx {
    ///             match message {
    ///                 Ok(message) => println!("{message}"),
    ///                 Err(close) => eprintln!("{close}"),
    ///             }
    ///         }
    ///     });
    ///     for line in std::io::stdin().lines() {
    ///         tx.send(line?)?;
    ///     }
    ///     tx.close(1000, "")?;
    ///     let _ = reader.join();
    ///     Ok(())
    /// }
    /// ```
    pub fn split(self) -> (WriteHalf, ReadHalf) {
        (WriteHalf::new(Arc::clone(&self.driven)), ReadHalf::new(self.driven))
    }
}

impl Iterator for WebSocket {
    type Item = Result<Message, CloseEvent>;

    fn next(&mut self) -> Option<Self::Item> {
        self.driven.next()
    }
}

impl FusedIterator for WebSocket {}
