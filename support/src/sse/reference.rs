//! Two naive implementations of the standard. They share no code with the crate, take a stream
//! whole, and do everything the slow and obvious way.

use super::{Rules, Seen, Trace};
use eventwire::sse::DecodeError;
use std::time::Duration;

/// A dispatched event as a page sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageEvent {
    pub event_type: String,
    pub data: String,
    pub last_event_id: String,
}

/// Returns the events of a stream and its final last event ID. Follows [WHATWG HTML, 9.2.6] to the
/// letter, on text: the stream is decoded as UTF-8 before it is parsed.
///
/// [WHATWG HTML, 9.2.6]:
/// https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
pub fn message_events(stream: &[u8]) -> (Vec<MessageEvent>, String) {
    let text = String::from_utf8_lossy(stream);
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    // Anything after the last line end is an unfinished line.
    let lines = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    let (mut data, mut event_type, mut id) = (String::new(), String::new(), String::new());
    let mut last_event_id = String::new();
    let mut events = Vec::new();
    for line in lines {
        if line.is_empty() {
            last_event_id.clone_from(&id);
            if !data.is_empty() {
                data.pop();
                let named = !event_type.is_empty();
                events.push(MessageEvent {
                    event_type: if named { event_type.clone() } else { "message".into() },
                    data: data.clone(),
                    last_event_id: id.clone(),
                });
            }
            data.clear();
            event_type.clear();
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => event_type = value.into(),
            "data" => data = data + value + "\n",
            "id" if !value.contains('\0') => id = value.into(),
            _ => {}
        }
    }
    (events, last_event_id)
}

/// Returns everything that a decoder should show of a stream, with bytes, limits and offsets.
pub fn trace(rules: Rules, stream: &[u8]) -> Trace {
    let mut reader = Reader { rules, ..Reader::default() };
    let mark = [0xEF, 0xBB, 0xBF];
    // A stream that is a prefix of a byte order mark holds no line yet.
    let mut at =
        if stream.starts_with(&mark) || mark.starts_with(stream) { stream.len().min(3) } else { 0 };
    while at < stream.len() && !reader.dead {
        let is_end = |byte: &u8| *byte == b'\r' || *byte == b'\n';
        let end = stream[at..].iter().position(is_end).map(|len| at + len);
        let line = &stream[at..end.unwrap_or(stream.len())];
        let crlf =
            end.is_some_and(|end| stream[end] == b'\r' && stream.get(end + 1) == Some(&b'\n'));
        reader.line(at, line, end.is_some(), crlf);
        at = end.map_or(stream.len(), |end| end + 1 + usize::from(crlf));
    }
    reader.finish();
    let Reader { seen, last_event_id, reconnection_time, .. } = reader;
    Trace { seen, last_event_id, reconnection_time }
}

#[derive(Default)]
struct Reader {
    rules: Rules,
    seen: Vec<Seen>,
    last_event_id: String,
    reconnection_time: Option<Duration>,
    dead: bool,
    skipping: bool,
    /// The stream ended inside a field name.
    nameless: bool,
    /// Offset of the block's first field line.
    block: Option<usize>,
    event_type: Option<Vec<u8>>,
    data: Option<Vec<u8>>,
    id: Option<Vec<u8>>,
    retry: Option<Duration>,
}

/// Whether a line that begins with these bytes can be a field.
fn may_be_field(begun: &[u8]) -> bool {
    let mut fields = ["data:", "event:", "id:", "retry:"].iter().map(|name| name.as_bytes());
    fields.any(|name| name.starts_with(begun) || begun.starts_with(name))
}

impl Reader {
    fn line(&mut self, at: usize, line: &[u8], ended: bool, crlf: bool) {
        if line.is_empty() {
            if self.skipping {
                self.skipping = false;
            } else if ended && self.block.is_some() {
                self.dispatch();
            }
            return;
        }
        if self.skipping {
            return;
        }
        // Judge every byte of the line, up to its LF or CR, at its offset in the stream.
        let block = self.block.unwrap_or(at);
        for byte in at..at + line.len() + usize::from(ended) {
            let long_line = byte - at >= self.rules.max_line && byte < at + line.len();
            let long_event = byte - block >= self.rules.max_event;
            if !long_line && !long_event {
                continue;
            }
            let outside = self.block.is_none();
            if outside && self.says_nothing(&line[..line.len().min(byte + 1 - at)]) {
                break;
            }
            let offset = byte as u64;
            self.limit(if long_line {
                DecodeError::LineTooLong { limit: self.rules.max_line, offset }
            } else {
                DecodeError::EventTooLong { limit: self.rules.max_event, offset }
            });
            let alone = outside && !may_be_field(&line[..line.len().min(byte + 1 - at)]);
            self.skipping &= !alone;
            return;
        }
        if !ended {
            self.cut_off(line);
            return;
        }
        self.field(at, line);
        let lf = at + line.len() + 1;
        if let Some(block) = self.block
            && crlf
            && lf - block >= self.rules.max_event
        {
            let limit = self.rules.max_event;
            self.limit(DecodeError::EventTooLong { limit, offset: lf as u64 });
        }
    }

    /// Whether a line that begins with these bytes can neither be a field nor be shown.
    fn says_nothing(&self, begun: &[u8]) -> bool {
        let comment = begun[0] == b':';
        let shown = if comment { self.rules.comments } else { self.rules.unknown_lines };
        !may_be_field(begun) && !shown
    }

    /// Handles a stream that ended in this line. The line has passed no limit.
    fn cut_off(&mut self, line: &[u8]) {
        if !self.rules.unfinished {
            return;
        }
        let outside = self.block.is_none();
        if outside && !may_be_field(line) {
            if !self.says_nothing(line) {
                let line = line.to_vec();
                self.seen.push(match line.strip_prefix(b":") {
                    Some(text) => Seen::Comment(text.strip_prefix(b" ").unwrap_or(text).to_vec()),
                    None => Seen::Unknown(line),
                });
            }
            return;
        }
        self.nameless = !line.contains(&b':');
        if self.nameless {
            return;
        }
        let before = self.reconnection_time;
        self.field(0, line);
        if self.data.is_none() {
            self.reconnection_time = before;
        }
    }

    /// Handles the end of the stream.
    fn finish(&mut self) {
        let unfinished = self.rules.unfinished && !self.dead && !self.skipping && !self.nameless;
        if unfinished && self.data.is_some() {
            self.dispatch();
        }
    }

    fn field(&mut self, at: usize, line: &[u8]) {
        let colon = line.iter().position(|&byte| byte == b':');
        let name = &line[..colon.unwrap_or(line.len())];
        let mut value = colon.map_or(&b""[..], |colon| &line[colon + 1..]);
        if value.first() == Some(&b' ') {
            value = &value[1..];
        }
        match name {
            b"" => {
                if self.rules.comments && self.block.is_none() {
                    self.seen.push(Seen::Comment(value.into()));
                }
                return;
            }
            b"data" => match &mut self.data {
                Some(data) => {
                    data.push(b'\n');
                    data.extend(value);
                }
                None => self.data = Some(value.into()),
            },
            b"event" => self.event_type = Some(value.into()).filter(|it: &Vec<u8>| !it.is_empty()),
            b"id" if !value.contains(&0) => self.id = Some(value.into()),
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                let digits = std::str::from_utf8(value).unwrap();
                let time = Duration::from_millis(digits.parse().unwrap_or(u64::MAX));
                self.retry = Some(time);
                self.reconnection_time = Some(time);
            }
            b"id" | b"retry" => return, // invalid
            _ => {
                if self.rules.unknown_lines && self.block.is_none() {
                    self.seen.push(Seen::Unknown(line.into()));
                }
                return;
            }
        }
        self.block.get_or_insert(at);
    }

    fn dispatch(&mut self) {
        if let Some(id) = &self.id {
            self.last_event_id = String::from_utf8_lossy(id).into_owned();
        }
        let event_type = self.event_type.take();
        let id = self.id.take();
        let retry = self.retry.take();
        match self.data.take() {
            Some(data) => {
                let last_event_id = self.last_event_id.clone();
                self.seen.push(Seen::Event { event_type, data, id, retry, last_event_id });
            }
            None if self.rules.blocks => self.seen.push(Seen::Block { event_type, id, retry }),
            None => {}
        }
        self.block = None;
    }

    fn limit(&mut self, error: DecodeError) {
        if self.rules.skip {
            if let Some(id) = &self.id {
                self.last_event_id = String::from_utf8_lossy(id).into_owned();
            }
            self.seen.push(Seen::Skipped(error));
            (self.event_type, self.data, self.id, self.retry) = (None, None, None, None);
            self.block = None;
            self.skipping = true;
        } else {
            self.seen.push(Seen::Failed(error));
            self.dead = true;
        }
    }
}
