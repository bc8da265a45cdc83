//! `EventCodec` in tokio-util's framed transports.

use bytes::Bytes;
use eventwire::sse::server::KEEP_ALIVE;
use eventwire::sse::{
    DecodeError, EventBuilder, EventCodec, EventId, Item, OwnedDecoder, OwnedItem, ReadError,
};
use eventwire_test_support::cut;
use eventwire_test_support::sse::{RECONNECTS, Rules, Seen, by_bytes_mut};
use eventwire_test_support::transport;
use futures_util::{FutureExt, SinkExt, StreamExt};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::codec::{Decoder, Framed, FramedRead, FramedWrite};
use transport::Pieces;

const STREAM: &[u8] = b"\xEF\xBB\xBFid: 1\r\ndata: a\r\ndata: b\r\n\r\nretry: 70\r\n\r\n: hi\r\n{}\r\n\r\n\
    event: c\ndata: gr\xC3\xBC\xFF\n\nid\n\ndata: a line too long\n\ndata:\n\nid: 2\n\ndata: cut off";

const RULES: [Rules; 4] = [
    Rules::UNLIMITED,
    Rules { max_line: 15, skip: true, ..Rules::VERBOSE },
    Rules { max_line: 15, ..Rules::VERBOSE },
    Rules { unfinished: true, ..Rules::VERBOSE },
];

/// Checks all items. Each future that would have to wait is dropped.
fn check(rules: Rules, stream: &[u8], chunks: &[&[u8]]) {
    let expected = by_bytes_mut(rules.options(), [stream]);
    let decoder = OwnedDecoder::with_options(rules.options());
    let codec = EventCodec::with_decoder(decoder);
    let mut framed = FramedRead::new(Pieces::new(chunks.iter().copied()), codec);
    let mut seen = Vec::new();
    loop {
        let id =
            |framed: &FramedRead<_, EventCodec>| framed.decoder().decoder().last_event_id().clone();
        match framed.next().now_or_never() {
            None => {}
            Some(None) => break,
            Some(Some(Ok(item))) => seen.push(Seen::new(item, &id(&framed))),
            Some(Some(Err(ReadError::Decode(error)))) => seen.push(Seen::Failed(error)),
            Some(Some(Err(error))) => panic!("{error}"),
        }
    }
    assert_eq!(seen, expected.seen, "{chunks:?}");
    let decoder = framed.into_parts().codec.into_decoder();
    assert_eq!(*decoder.last_event_id(), *expected.last_event_id);
    assert_eq!(decoder.reconnection_time(), expected.reconnection_time);
}

#[test]
fn every_split_gives_the_same_items() {
    for rules in RULES {
        check(rules, STREAM, &[STREAM]);
        check(rules, STREAM, &STREAM.chunks(1).collect::<Vec<_>>());
        for at in 0..=STREAM.len() {
            let (front, back) = STREAM.split_at(at);
            check(rules, STREAM, &[front, back]);
        }
    }
    assert_eq!(
        RULES.map(|rules| by_bytes_mut(rules.options(), [STREAM]).seen.len()),
        [4, 9, 7, 10]
    );
}

#[test]
fn reads_that_are_dropped_lose_nothing() {
    // The stream is longer than the read buffer.
    let stream = [STREAM, b"\n\n"].concat().repeat(150);
    let mut random = SmallRng::seed_from_u64(7);
    for _ in 0..20 {
        let lengths: Vec<usize> = (0..200).map(|_| random.random_range(1..500)).collect();
        check(Rules::VERBOSE, &stream, &cut(&stream, &lengths));
    }
}

#[tokio::test]
async fn what_is_unfinished_at_the_end_is_discarded() {
    let mut decoder = OwnedDecoder::new();
    decoder.set_last_event_id(EventId::new("seed").unwrap());
    let mut data = Vec::new();
    for (body, last_event_id) in RECONNECTS {
        let pieces = Pieces::new(body.as_bytes().chunks(3));
        let mut framed = FramedRead::new(pieces, EventCodec::with_decoder(decoder));
        while let Some(item) = framed.next().await {
            let Ok(Item::Event(event)) = item else { panic!("{item:?}") };
            data.push(event.data.to_string());
        }
        assert!(framed.read_buffer().is_empty());
        assert_eq!(**framed.decoder().decoder().last_event_id(), *last_event_id);
        decoder = framed.into_parts().codec.into_decoder();
    }
    assert_eq!(data, ["a", "b", "c", "d"]);
    assert_eq!(decoder.reconnection_time(), Some(Duration::from_millis(10)));
}

#[test]
fn the_end_gives_first_what_is_whole() {
    let mut codec = EventCodec::new();
    let mut buffer = (&b"id: 1\ndata: a\n\ndata: b\n\ndata: c\n"[..]).into();
    for data in ["a", "b"] {
        let Ok(Some(Item::Event(event))) = codec.decode_eof(&mut buffer) else { panic!() };
        assert_eq!((&*event.data, &*event.last_event_id), (data, "1"));
    }
    assert_eq!(codec.decode_eof(&mut buffer).unwrap(), None);
    assert!(buffer.is_empty());
    // A new stream begins: its byte order mark is removed, and its line does not join the old
    // event.
    buffer.extend_from_slice("\u{FEFF}data: d\n\n".as_bytes());
    let Ok(Some(Item::Event(event))) = codec.decode(&mut buffer) else { panic!() };
    assert_eq!((&*event.data, &*event.last_event_id), ("d", "1"));
}

#[tokio::test]
async fn errors() {
    let pieces = Pieces::new([&b"data: a\n\ndata: b"[..]]).then_fail(io::ErrorKind::BrokenPipe);
    let mut framed = FramedRead::new(pieces, EventCodec::new());
    assert!(framed.next().await.unwrap().is_ok());
    let Some(Err(ReadError::Transport(error))) = framed.next().await else { panic!() };
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);

    let decoder = OwnedDecoder::with_options(Rules { max_line: 8, ..Rules::UNLIMITED }.options());
    let pieces = Pieces::new([&b"data: a\n\ndata: long"[..], b"\n\ndata: b\n\n"]);
    let mut framed = FramedRead::new(pieces, EventCodec::with_decoder(decoder));
    assert!(framed.next().await.unwrap().is_ok());
    for _ in 0..3 {
        let Some(Err(ReadError::Decode(error))) = framed.next().await else { panic!() };
        assert_eq!(error, DecodeError::LineTooLong { limit: 8, offset: 17 });
        assert!(framed.next().await.is_none());
    }
}

#[tokio::test]
async fn what_is_written() {
    let (server, mut client) = tokio::io::duplex(16);
    let writer = tokio::spawn(async {
        let mut framed = FramedWrite::new(server, EventCodec::new());
        let message = EventBuilder::new().id(EventId::new("1")?).data("a\nb");
        framed.send(message.clone()).await?;
        framed.send(&message).await?;
        framed.send(Bytes::from_static(KEEP_ALIVE)).await?;
        framed.send(message.to_bytes()).await?;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
    });
    let mut received = String::new();
    client.read_to_string(&mut received).await.unwrap();
    writer.await.unwrap().unwrap();
    let block = "id: 1\ndata: a\ndata: b\n\n";
    assert_eq!(received, [block, block, ":\n\n", block].concat());
}

#[tokio::test]
async fn both_ways_at_once() {
    let (ours, mut theirs) = tokio::io::duplex(64);
    let mut framed = Framed::new(ours, EventCodec::new());
    theirs.write_all(b"data: ping\n\ndata: pi").await.unwrap();
    let Some(Ok(Item::Event(event))) = framed.next().await else { panic!() };
    let message = EventBuilder::try_from(&event).unwrap();
    framed.send(message).await.unwrap();
    let mut received = [0; 12];
    theirs.read_exact(&mut received).await.unwrap();
    assert_eq!(received, *b"data: ping\n\n");
    theirs.write_all(b"ng\n\n").await.unwrap();
    let Some(Ok(Item::Event(event))) = framed.next().await else { panic!() };
    assert_eq!(event.data, "ping");
}

const fn send_sync<T: Send + Sync + Unpin>() {}

const _: () = {
    send_sync::<EventCodec>();
    send_sync::<OwnedItem>();
    send_sync::<ReadError<io::Error>>();
};
