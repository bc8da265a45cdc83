//! Connections that send the replies they owe and echo their messages. All masks have the key of
//! the RFC's examples.

use crate::call::{Call, Report};
#[cfg(feature = "alloc")]
use bytes::{Bytes, BytesMut};
#[cfg(feature = "alloc")]
use eventwire::Utf8Bytes;
#[cfg(feature = "alloc")]
use eventwire::ws::Message;
#[cfg(feature = "alloc")]
use eventwire::ws::connection::MessageDecoder;
use eventwire::ws::frame::{DataKind, FrameEvent, MaskKey, Run};
use eventwire::ws::{Close, Connection, ConnectionState, Limits, MaskSource, ProtocolError};

fn key() -> [u8; 4] {
    [0x37, 0xFA, 0x21, 0x3D]
}

fn options(max_frame: u64, max_message: u64, max_fragments: u32) -> Limits {
    Limits::new().max_frame(max_frame).max_message(max_message).max_fragments(max_fragments)
}

/// Receives payload in runs, in the host's memory. The next chunk begins at the bytes that are
/// left.
#[unsafe(no_mangle)]
extern "C" fn ws_runs(
    call: &mut Call,
    client: bool,
    max_frame: u64,
    max_message: u64,
    max_fragments: u32,
) -> usize {
    let options = options(max_frame, max_message, max_fragments);
    if client {
        runs(Connection::frame_client(options, key), call)
    } else {
        runs(Connection::frame_server(options), call)
    }
}

fn runs<M: MaskSource>(mut connection: Connection<M>, call: &mut Call) -> usize {
    let (stream, ends, mut report) = call.parts();
    let mut start = 0;
    for &end in ends {
        let mut input = &mut stream[start..end];
        loop {
            let received = connection.receive(&mut input);
            match answer(&mut connection, received, &mut report) {
                Ok(true) => {}
                Ok(false) => break,
                Err(_) => return report.finish(),
            }
        }
        start = end - input.len();
    }
    report.finish()
}

/// Receives whole messages, in memory that grows.
#[cfg(feature = "alloc")]
#[unsafe(no_mangle)]
extern "C" fn ws_messages(
    call: &mut Call,
    client: bool,
    max_frame: u64,
    max_message: u64,
    max_fragments: u32,
) -> usize {
    let options = options(max_frame, max_message, max_fragments);
    if client {
        messages(Connection::client(options, key), call)
    } else {
        messages(Connection::server(options), call)
    }
}

#[cfg(feature = "alloc")]
fn messages<M: MaskSource>(
    mut connection: Connection<M, MessageDecoder>,
    call: &mut Call,
) -> usize {
    let (stream, ends, mut report) = call.parts();
    let mut buffer = BytesMut::new();
    let mut start = 0;
    for &end in ends {
        buffer.extend_from_slice(&stream[start..end]);
        start = end;
        loop {
            let received = connection.receive(&mut buffer).map(|message| message.map(as_event));
            match answer(&mut connection, received, &mut report) {
                Ok(true) => {}
                Ok(false) => break,
                Err(_) => return report.finish(),
            }
        }
    }
    report.finish()
}

#[cfg(feature = "alloc")]
fn as_event(message: Message) -> FrameEvent<Bytes, Utf8Bytes> {
    let whole =
        |kind, payload| FrameEvent::Data(Run { kind, compressed: false, payload, fin: true });
    match message {
        Message::Text(text) => whole(DataKind::Text, text.into()),
        Message::Binary(payload) => whole(DataKind::Binary, payload),
        Message::Ping(payload) => FrameEvent::Ping(payload),
        Message::Pong(payload) => FrameEvent::Pong(payload),
        Message::Close(close) => FrameEvent::Close(close),
        Message::Skipped(error) => FrameEvent::Skipped(error),
    }
}

/// Echoes the message, sends the replies, and reports both. Returns whether there may be more.
fn answer<M: MaskSource, D, P: AsRef<[u8]>, R: AsRef<str>>(
    connection: &mut Connection<M, D>,
    received: Result<Option<FrameEvent<P, R>>, ProtocolError>,
    report: &mut Report<'_>,
) -> Result<bool, ProtocolError> {
    if let Ok(Some(FrameEvent::Data(run))) = &received
        && connection.state() == ConnectionState::Open
    {
        report.add(b'x', |room| connection.writer().send_run(run, room).unwrap_or(0));
    }
    report.add(b's', |room| connection.reply(room).unwrap_or(0));
    match &received {
        Ok(Some(event)) => event_to(report, event),
        Ok(None) => {}
        Err(error) => {
            report.add_number(b'!', error.close_code().get().into());
            report.add_number(b'@', error.offset);
        }
    }
    received.map(|event| event.is_some())
}

fn event_to<P: AsRef<[u8]>, R: AsRef<str>>(report: &mut Report<'_>, event: &FrameEvent<P, R>) {
    match event {
        FrameEvent::Data(Run { kind, payload, fin, .. }) => {
            let tag = if *kind == DataKind::Text { b't' } else { b'b' };
            report.add_bytes(tag, payload.as_ref());
            if *fin {
                report.add_bytes(b'.', b"");
            }
        }
        FrameEvent::Ping(payload) => report.add_bytes(b'i', payload.as_ref()),
        FrameEvent::Pong(payload) => report.add_bytes(b'o', payload.as_ref()),
        FrameEvent::Close(None) => report.add_bytes(b'c', b""),
        FrameEvent::Skipped(_) => report.add_bytes(b'?', b""),
        FrameEvent::Close(Some(Close { code, reason })) => {
            report.add_number(b'c', code.get().into());
            report.add_bytes(b'r', reason.as_ref().as_bytes());
        }
    }
}

/// Masks the stream in place and, from the unmasked bytes, to a copy.
#[unsafe(no_mangle)]
extern "C" fn ws_mask(call: &mut Call, key: u32) -> usize {
    let (payload, _, mut report) = call.parts();
    let key = MaskKey(key.to_le_bytes());
    report.add(b'm', |room| key.clone().copy(payload, room).map_or(0, |()| payload.len()));
    key.clone().apply(payload);
    report.finish()
}
