// Reads the reports of a module.

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
export const text = (bytes) => decoder.decode(bytes);

export const number = (bytes) => Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));

/** Returns a decoder's events and its final state. */
export function readEvents(records) {
  const events = [];
  let type = 'message';
  let data;
  const end = { lastEventId: undefined, retry: null };
  for (const { tag, bytes } of records) {
    if (tag === 't') type = text(bytes);
    else if (tag === 'd') data = text(bytes);
    else if (tag === 'e') {
      events.push({ type, data, lastEventId: text(bytes) });
      type = 'message';
    } else if (tag === 'l') end.lastEventId = text(bytes);
    else if (tag === 'r') end.retry = number(bytes);
    else throw new Error(`a record ${tag}`);
  }
  return { events, ...end };
}

/** Returns the events that a lexer's tokens make (WHATWG HTML, 9.2.6), and the final state. */
export function readTokens(records) {
  const events = [];
  let [type, data, id, lastEventId, retry] = ['', [], '', '', null];
  let field;
  let runs = [];
  for (const { tag, bytes } of records) {
    if (tag === 'f') field = text(bytes);
    else if (tag === ':' || tag === 'u') field = undefined;
    else if (tag === 'v') runs.push(bytes);
    else if (tag === 'n') {
      const value = text(Buffer.concat(runs));
      runs = [];
      if (field === 'data') data.push(value);
      else if (field === 'event') type = value;
      else if (field === 'id' && !value.includes('\0')) id = value;
      else if (field === 'retry' && /^[0-9]+$/.test(value)) retry = Number(value);
    } else if (tag === 'b') {
      lastEventId = id;
      if (data.length > 0) events.push({ type: type || 'message', data: data.join('\n'), lastEventId });
      [type, data] = ['', []];
    } else throw new Error(`a record ${tag}`);
  }
  return { events, lastEventId, retry };
}

const DATA = { t: 'text', b: 'binary' };
const CONTROL = { i: 'ping', o: 'pong' };

/**
 * Returns a connection's events, with adjacent runs joined, its replies, its echo, and its error.
 */
export function readMessages(records) {
  const events = [];
  const [replies, echo] = [[], []];
  let error = null;
  for (const { tag, bytes } of records) {
    const last = events.at(-1);
    if (DATA[tag]) {
      if (last?.unfinished) last.runs.push(bytes);
      else events.push({ type: DATA[tag], runs: [bytes], unfinished: true });
    } else if (tag === '.') delete last.unfinished;
    else if (CONTROL[tag]) events.push({ type: CONTROL[tag], runs: [bytes] });
    else if (tag === 'c') events.push({ type: 'close', code: bytes.length ? number(bytes) : null, reason: '' });
    else if (tag === 'r') last.reason = text(bytes);
    else if (tag === 's') replies.push(bytes);
    else if (tag === 'x') echo.push(bytes);
    else if (tag === '!') error = { code: number(bytes) };
    else if (tag === '@') error.offset = number(bytes);
    else throw new Error(`a record ${tag}`);
  }
  const whole = events.map(({ runs, ...event }) => (runs ? { ...event, data: Buffer.concat(runs).toString('hex') } : event));
  return { events: whole, replies: Buffer.concat(replies), echo: Buffer.concat(echo), error };
}
