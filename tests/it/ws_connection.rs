//! The closing handshake, the replies owed to a peer, and the frames that may still be sent.

use eventwire::BufferTooSmall;
use eventwire::ws::connection::{Reader, Writer};
use eventwire::ws::frame::{Fault, FrameDecoder, FrameEvent, Role, Run};
use eventwire::ws::{Close, CloseCode, Connection, ConnectionState, Frame, Limits, SendError};
use eventwire_test_support::ws::{ROLES, Stream};

const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;

/// A server's connection, and everything that it has written.
struct Server {
    connection: Connection,
    written: Vec<u8>,
}

impl Server {
    fn new() -> Self {
        Self { connection: Connection::frame_server(Limits::new()), written: Vec::new() }
    }

    /// Receives the stream that `build` writes, without replying. Returns the number of events, or
    /// the close code of the error.
    fn receive(&mut self, build: impl Fn(&mut Stream) -> &mut Stream) -> Result<usize, CloseCode> {
        let mut stream = Stream::new(Role::Server);
        build(&mut stream);
        let mut input = &mut stream.bytes[..];
        let mut events = 0;
        loop {
            match self.connection.receive(&mut input) {
                Ok(Some(_)) => events += 1,
                Ok(None) => return Ok(events),
                Err(error) => return Err(error.close_code()),
            }
        }
    }

    fn send(&mut self, frame: &Frame<&[u8]>) -> Result<(), SendError> {
        let mut buffer = [0; 256];
        let len = self.connection.send(frame, &mut buffer)?;
        self.written.extend(&buffer[..len]);
        Ok(())
    }

    fn reply(&mut self) {
        let mut buffer = [0; FrameDecoder::MIN_BUFFER];
        let len = self.connection.reply(&mut buffer).expect("a server can always answer");
        self.written.extend(&buffer[..len]);
        assert_eq!(self.connection.reply(&mut buffer), Ok(0), "a reply is owed only once");
    }

    /// Checks that these frames are refused with this error, and that nothing is written.
    fn refuses(&mut self, frames: &[Frame<&[u8]>], error: SendError) {
        for frame in frames {
            let before = self.written.len();
            assert_eq!(self.send(frame), Err(error), "{frame:?}");
            assert_eq!(self.written.len(), before);
        }
    }
}

fn close(code: u16) -> Frame<&'static [u8]> {
    Frame::close(Some(Close { code: CloseCode::new(code).unwrap(), reason: "" })).unwrap()
}

/// Returns one frame of each kind, except a close frame.
fn others() -> [Frame<&'static [u8]>; 4] {
    [
        Frame::text("a"),
        Frame::binary(&b"b"[..]),
        Frame::ping(&b""[..]).unwrap(),
        Frame::pong(&b""[..]).unwrap(),
    ]
}

#[test]
fn the_peer_closes_first() {
    for (payload, answer) in
        [(&b""[..], &b"\x88\0"[..]), (b"\x03\xE9going away", b"\x88\x0C\x03\xE9going away")]
    {
        let mut server = Server::new();
        assert_eq!(server.connection.state(), ConnectionState::Open);
        assert_eq!(server.receive(|s| s.frame(CLOSE, payload)), Ok(1));
        assert_eq!(server.connection.state(), ConnectionState::RemoteClosing);
        server.refuses(&others(), SendError::Closed);
        server.reply();
        assert_eq!(server.connection.state(), ConnectionState::Closed);
        assert_eq!(server.written, answer);
        server.refuses(&others(), SendError::Closed);
        server.refuses(&[close(1000)], SendError::Closed);
        // Answering this ping would even be wrong.
        assert_eq!(server.receive(|s| s.frame(PING, b"")), Ok(0));
        server.reply();
        assert_eq!(server.written, answer);
    }
}

#[test]
fn our_own_close_frame_may_answer_the_peers() {
    let mut server = Server::new();
    server.receive(|s| s.frame(CLOSE, b"\x03\xE8")).unwrap();
    server.send(&close(3000)).unwrap();
    assert_eq!(server.connection.state(), ConnectionState::Closed);
    server.reply();
    assert_eq!(server.written, b"\x88\x02\x0B\xB8");
}

#[test]
fn we_close_first() {
    let mut server = Server::new();
    server.send(&close(1000)).unwrap();
    assert_eq!(server.connection.state(), ConnectionState::LocalClosing);
    server.refuses(&others()[..2], SendError::Closed);
    server.refuses(&[close(1000)], SendError::Closed);
    // Frames that the peer sent before it knew are still received, and pings are answered.
    assert_eq!(server.receive(|s| s.frame(0x81, b"late").frame(PING, b"there?")), Ok(2));
    server.reply();
    assert_eq!(server.connection.state(), ConnectionState::LocalClosing);
    assert_eq!(server.receive(|s| s.frame(CLOSE, b"\x03\xE8")), Ok(1));
    assert_eq!(server.connection.state(), ConnectionState::Closed);
    server.reply();
    assert_eq!(server.written, b"\x88\x02\x03\xE8\x8A\x06there?");
    assert_eq!(server.connection.state(), ConnectionState::Closed);
}

#[test]
fn both_close_at_once() {
    let mut server = Server::new();
    server.send(&close(1001)).unwrap();
    server.receive(|s| s.frame(CLOSE, b"\x03\xE8")).unwrap();
    server.reply();
    assert_eq!(server.written, b"\x88\x02\x03\xE9");
    assert_eq!(server.connection.state(), ConnectionState::Closed);
}

#[test]
fn a_peer_that_breaks_the_protocol_is_told_so_once() {
    for (payload, code) in [(&b"\xFF"[..], 1007), (&[b'a'; 101], 1009)] {
        let mut server = Server::new();
        server.connection = Connection::frame_server(Limits::new().max_frame(100));
        let receive = |server: &mut Server| server.receive(|s| s.frame(0x81, payload));
        let code = CloseCode::new(code).unwrap();
        assert_eq!(receive(&mut server), Err(code));
        assert_eq!(server.connection.state(), ConnectionState::RemoteClosing);
        server.refuses(&others(), SendError::Closed);
        server.reply();
        assert_eq!(receive(&mut server), Err(code), "repeated");
        server.reply();
        assert_eq!(server.connection.state(), ConnectionState::Closed);
        assert_eq!(server.written, [&[CLOSE, 2][..], &code.get().to_be_bytes()].concat());
    }
}

#[test]
fn an_error_after_our_close_frame_is_not_answered() {
    let mut server = Server::new();
    server.send(&close(1000)).unwrap();
    assert_eq!(server.receive(|s| s.raw(b"\xFF")), Err(CloseCode::PROTOCOL_ERROR));
    server.reply();
    assert_eq!(server.written, b"\x88\x02\x03\xE8");
    assert_eq!(server.connection.state(), ConnectionState::Closed);
}

/// A connection may answer only the latest ping
/// ([RFC 6455, section 5.5.3](https://www.rfc-editor.org/rfc/rfc6455#section-5.5.3)), so a flood
/// owes one pong.
#[test]
fn pongs_coalesce() {
    let mut server = Server::new();
    let events = server.receive(|s| {
        for number in 0..=u8::MAX {
            s.frame(PING, &[number]);
        }
        s.frame(0x8A, b"unasked")
    });
    assert_eq!(events, Ok(257));
    server.reply();
    assert_eq!(server.written, b"\x8A\x01\xFF");
}

/// After the peer's close frame we send only ours.
#[test]
fn a_close_frame_replaces_a_pong() {
    let mut server = Server::new();
    server.receive(|s| s.frame(PING, b"p").frame(CLOSE, b"")).unwrap();
    server.reply();
    assert_eq!(server.written, b"\x88\x00");
}

#[test]
fn a_reply_that_does_not_fit_is_still_owed() {
    let mut server = Server::new();
    server.receive(|s| s.frame(PING, &[7; 125])).unwrap();
    for room in [0, 1, 2, 126] {
        let mut buffer = [0; 126];
        let too_small = SendError::BufferTooSmall(BufferTooSmall { needed: 127 });
        assert_eq!(server.connection.reply(&mut buffer[..room]), Err(too_small));
    }
    server.reply();
    assert_eq!(server.written, [&[0x8A, 125][..], &[7; 125]].concat());
}

/// The halves of a connection, with replies carried from the reader to the writer.
#[test]
fn halves() {
    let mut written = [0; 256];
    for role in ROLES {
        let mut stream = Stream::new(role);
        stream.frame(PING, b"hi").frame(CLOSE, b"\x03\xE8");
        let mut reader = Reader::new(FrameDecoder::new(role, Limits::new()));
        let mut writer = Writer::client(|| [0; 4]);
        let mut input = &mut stream.bytes[..];

        assert_eq!(
            reader.receive(&mut input),
            Ok(Some(FrameEvent::Ping(&mut b"hi".to_owned()[..])))
        );
        let pong = reader.take_reply().expect("a pong is owed");
        assert!(reader.take_reply().is_none());
        let len = writer.reply(&pong, &mut written).unwrap();
        assert_eq!(&written[..len], b"\x8A\x82\0\0\0\0hi");

        assert!(matches!(reader.receive(&mut input), Ok(Some(FrameEvent::Close(Some(_))))));
        assert!(reader.is_done());
        assert_eq!(writer.state(), ConnectionState::Open);
        let close = reader.take_reply().expect("a close frame is owed");
        let len = writer.reply(&close, &mut written).unwrap();
        assert_eq!(&written[..len], b"\x88\x82\0\0\0\0\x03\xE8");
        assert_eq!(writer.state(), ConnectionState::Closed);
        // A pong that is carried too late is not sent.
        assert_eq!(writer.reply(&pong, &mut written), Ok(0));
    }
}

#[test]
fn a_closed_connection_in_each_of_two_halves() {
    let (mut reader, mut writer) = Connection::frame_server(Limits::new()).split();
    let mut buffer = [0; 64];
    writer.send(close(1000), &mut buffer).unwrap();
    assert_eq!(writer.state(), ConnectionState::LocalClosing);
    let mut stream = Stream::new(Role::Server);
    stream.frame(CLOSE, b"\x03\xE8");
    reader.receive(&mut &mut stream.bytes[..]).unwrap();
    let reply = reader.take_reply().unwrap();
    assert_eq!(writer.reply(&reply, &mut buffer), Ok(0));
    assert_eq!(writer.state(), ConnectionState::Closed);
}

/// Even a reply that did not fit tells the writer that the peer closed.
#[test]
fn no_pong_after_the_peers_close() {
    let mut reader = Reader::new(FrameDecoder::new(Role::Client, Limits::new()));
    let mut writer = Writer::server();
    reader.receive(&mut &mut b"\x89\x00".to_owned()[..]).unwrap();
    let pong = reader.take_reply().unwrap();
    reader.receive(&mut &mut b"\x88\x00".to_owned()[..]).unwrap();
    let close = reader.take_reply().unwrap();
    assert!(writer.reply(&close, &mut []).is_err());
    assert_eq!(writer.state(), ConnectionState::RemoteClosing);
    assert_eq!(writer.reply(&pong, &mut [0; 9]), Ok(0));
    assert_eq!(writer.reply(&close, &mut [0; 9]), Ok(2));
}

#[test]
fn a_reader_owes_the_answer_to_an_error_once() {
    let mut reader = Reader::new(FrameDecoder::new(Role::Server, Limits::new()));
    for _ in 0..3 {
        assert!(reader.receive(&mut &mut b"\x83".to_owned()[..]).is_err());
        assert!(reader.is_done());
    }
    assert!(reader.take_reply().is_some());
    assert!(reader.receive(&mut &mut b"\x83".to_owned()[..]).is_err());
    assert!(reader.take_reply().is_none());
}

/// The default limits: 16 MiB in 131,072 frames, as the docs say.
#[test]
fn default_limits() {
    let receive = |bytes: &[u8]| {
        let mut connection = Connection::frame_client(Limits::new(), || [0; 4]);
        let mut bytes = bytes.to_vec();
        let mut input = &mut bytes[..];
        while connection.receive(&mut input).map_err(|error| error.fault)?.is_some() {}
        Ok(())
    };
    let long = |len: u64| [&b"\x82\x7F"[..], &len.to_be_bytes()].concat();
    assert_eq!(receive(&long(16 << 20)), Ok(()));
    let too_long = Fault::MessageTooLong { limit: 16 << 20, at_least: (16 << 20) + 1 };
    assert_eq!(receive(&long((16 << 20) + 1)), Err(too_long));
    let two = [&b"\x02\x01a\x00"[..], &long(16 << 20)[1..]].concat();
    assert_eq!(receive(&two), Err(too_long));
    let frames = |count: usize| [&b"\x02\x00"[..], &vec![0; 2 * (count - 1)]].concat();
    assert_eq!(receive(&frames(131_072)), Ok(()));
    assert_eq!(receive(&frames(131_073)), Err(Fault::TooManyFragments { limit: 131_072 }));
}

/// Lengths beyond the memory of a 32-bit machine. Cut to 32 bits, the second would be 5.
const BEYOND_32_BITS: [u64; 3] = [1 << 32, 1 << 32 | 5, i64::MAX as u64];

/// Returns the length known from the first bytes of a 64-bit length, once they show that it exceeds
/// `limit`.
fn at_least(len: u64, limit: u64) -> u64 {
    let mut known = (1..=8).map(|bytes: u32| len & (u64::MAX.checked_shl(64 - 8 * bytes).unwrap()));
    known.find(|&known| known > limit).expect("the length exceeds the limit")
}

/// Returns the beginning of a frame of this length: its header and 6 bytes.
fn beginning(role: Role, b0: u8, len: u64) -> Vec<u8> {
    let mut stream = Stream::new(role);
    stream.header(b0, 127).raw(&len.to_be_bytes()).key().payload(b"123456");
    stream.bytes
}

/// Nothing of a frame that is too long is received. Other frames are received as far as they have
/// arrived. Both hold on every machine.
#[test]
fn frames_beyond_32_bits() {
    let memory = usize::MAX as u64;
    let none = Limits::new().max_message(u64::MAX);
    for (role, len) in ROLES.into_iter().flat_map(|role| BEYOND_32_BITS.map(|len| (role, len))) {
        let first = |options| {
            let mut reader = Reader::new(FrameDecoder::new(role, options));
            let mut bytes = beginning(role, 0x82, len);
            match reader.receive(&mut &mut bytes[..]).map_err(|error| error.fault)? {
                Some(FrameEvent::Data(Run { payload, fin, .. })) => Ok((payload.to_vec(), fin)),
                other => panic!("{other:?}"),
            }
        };
        let run = Ok((b"123456".to_vec(), false));
        let limit = Limits::DEFAULT_MAX_MESSAGE;
        let message = |limit| Fault::MessageTooLong { limit, at_least: at_least(len, limit) };
        let frame = |limit| Fault::FrameTooLong { limit, at_least: at_least(len, limit) };
        assert_eq!(first(Limits::new()), Err(message(limit)));
        assert_eq!(first(none), run);
        let expected = if len <= memory { run.clone() } else { Err(frame(memory)) };
        assert_eq!(first(none.max_frame(memory)), expected);
        assert_eq!(first(none.max_frame(len)), run);
        let limit = len - 1;
        assert_eq!(first(none.max_frame(limit)), Err(frame(limit)));
        assert_eq!(first(none.max_message(limit)), Err(message(limit)));
    }
}

/// The frame is received to its end in runs of 64 MiB, and so is the frame after it.
#[test]
fn a_frame_of_more_than_4_gib() {
    let len = 1_u64 << 32 | 5;
    let mut decoder = FrameDecoder::new(Role::Client, Limits::new().max_message(len));
    let mut header = [&b"\x82\x7F"[..], &len.to_be_bytes()].concat();
    assert_eq!(decoder.decode(&mut &mut header[..]), Ok(None));
    // Nobody looks at the bytes, so this takes no time.
    let mut memory = vec![0; 64 << 20];
    let mut left = len;
    while left > 0 {
        let there = memory.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let event = decoder.decode(&mut &mut memory[..there]).unwrap();
        let Some(FrameEvent::Data(Run { payload, fin, .. })) = event else { panic!("{event:?}") };
        left -= payload.len() as u64;
        assert_eq!((payload.len(), fin), (there, left == 0));
    }
    let error = decoder.decode(&mut &mut b"\x83".to_owned()[..]).unwrap_err();
    assert_eq!((error.fault, error.offset), (Fault::ReservedOpCode(3), 10 + len));
}

/// A whole message must fit into memory, where nothing is longer than `isize::MAX` bytes.
#[cfg(feature = "alloc")]
#[test]
fn messages_beyond_32_bits() {
    let most = isize::MAX as u64;
    for (role, len) in ROLES.into_iter().flat_map(|role| BEYOND_32_BITS.map(|len| (role, len))) {
        let first = |options, mut bytes: bytes::BytesMut| {
            let mut decoder = eventwire::ws::connection::MessageDecoder::new(role, options);
            decoder.decode(&mut bytes).map_err(|error| error.fault)
        };
        let limit = Limits::DEFAULT_MAX_MESSAGE;
        let begins = &beginning(role, 0x82, len)[..];
        let fault = |limit, before, len| {
            let at_least = before + at_least(len, limit - before);
            Err(Fault::MessageTooLong { limit, at_least })
        };
        assert_eq!(first(Limits::new(), begins.into()), fault(limit, 0, len));
        let none = Limits::new().max_message(u64::MAX);
        let expected = if len <= most { Ok(None) } else { fault(most, 0, len) };
        assert_eq!(first(none, begins.into()), expected);
        // A message in two frames, which is too long on every machine.
        let mut stream = Stream::new(role);
        stream.frame(0x02, b"1").raw(&beginning(role, 0x80, i64::MAX as u64));
        assert_eq!(first(none, stream.bytes[..].into()), fault(most, 1, i64::MAX as u64));
    }
}

/// A client masks everything it sends, in each way to send, and accepts unmasked frames.
#[test]
fn a_client() {
    let mut client = Connection::frame_client(Limits::new(), || [1, 2, 3, 4]);
    let mut input = &mut b"\x89\x02hi\x88\x00".to_owned()[..];
    let mut buffer = [0; 32];
    let len = client.send(Frame::binary([0; 2]), &mut buffer).unwrap();
    assert_eq!(&buffer[..len], b"\x82\x82\x01\x02\x03\x04\x01\x02");
    client.receive(&mut input).unwrap();
    let len = client.reply(&mut buffer).unwrap();
    assert_eq!(&buffer[..len], b"\x8A\x82\x01\x02\x03\x04ik");
    client.receive(&mut input).unwrap();
    let len = client.reply(&mut buffer).unwrap();
    assert_eq!(&buffer[..len], b"\x88\x80\x01\x02\x03\x04");
    assert_eq!(client.state(), ConnectionState::Closed);
}

#[cfg(feature = "alloc")]
#[test]
fn a_client_with_buffers_that_grow() {
    use bytes::BytesMut;

    let mut client = Connection::client(Limits::new(), || [1, 2, 3, 4]);
    let mut written = Vec::new();
    client.send_to(Frame::binary([0; 2]), &mut written).unwrap();
    client.receive(&mut BytesMut::from(&b"\x89\x02hi"[..])).unwrap();
    // A reply that did not fit is still owed.
    let needed = SendError::BufferTooSmall(BufferTooSmall { needed: 8 });
    assert_eq!(client.reply_to(&mut &mut [0; 7][..]), Err(needed));
    client.reply_to(&mut written).unwrap();
    client.reply_to(&mut written).unwrap();
    assert_eq!(written, b"\x82\x82\x01\x02\x03\x04\x01\x02\x8A\x82\x01\x02\x03\x04ik");
}

/// Once the peer has closed, nothing is sent before the reply, in each way to receive.
#[cfg(feature = "alloc")]
#[test]
fn the_peer_is_known_to_have_closed() {
    use bytes::BytesMut;

    for (end, answer) in
        [(&b"\x88\x80\0\0\0\0"[..], &b"\x88\0"[..]), (b"\x83", b"\x88\x02\x03\xEA")]
    {
        let mut runs = Connection::frame_server(Limits::new());
        let _ = runs.receive_buffer(&mut BytesMut::from(end));
        let mut messages = Connection::server(Limits::new());
        let _ = messages.receive(&mut BytesMut::from(end));
        assert_eq!(
            (runs.state(), messages.state()),
            (ConnectionState::RemoteClosing, ConnectionState::RemoteClosing)
        );
        let mut written = Vec::new();
        let text = Frame::text("a");
        assert_eq!(runs.send_to(text, &mut written), Err(SendError::Closed));
        assert_eq!(messages.send_to(text, &mut written), Err(SendError::Closed));
        runs.reply_to(&mut written).unwrap();
        assert_eq!(written, answer);
        messages.reply_to(&mut written).unwrap();
        assert_eq!(written, answer.repeat(2));
    }
}

#[cfg(feature = "alloc")]
#[test]
fn whole_messages() {
    use bytes::BytesMut;
    use eventwire::ws::Message;

    let mut connection = Connection::server(Limits::new());
    let mut stream = Stream::new(Role::Server);
    stream.frame(0x01, "gr\u{FC}".as_bytes()).frame(PING, b"1").frame(0x80, b"n");
    stream.frame(0x82, b"\xFF").frame(0x8A, b"2").frame(CLOSE, b"\x03\xE8bye").frame(0x81, b"late");
    let mut buffer = BytesMut::from(&stream.bytes[..]);
    let (mut seen, mut written) = (Vec::new(), Vec::new());
    while let Some(message) = connection.receive(&mut buffer).unwrap() {
        seen.push(message);
        connection.reply_to(&mut written).unwrap();
    }
    let close = Close { code: CloseCode::NORMAL, reason: "bye".into() };
    assert_eq!(
        seen,
        [
            Message::Ping(b"1"[..].into()),
            Message::Text("grün".into()),
            Message::Binary(b"\xFF"[..].into()),
            Message::Pong(b"2"[..].into()),
            Message::Close(Some(close)),
        ]
    );
    assert_eq!(written, b"\x8A\x011\x88\x05\x03\xE8bye");
    assert!(buffer.is_empty());
}
