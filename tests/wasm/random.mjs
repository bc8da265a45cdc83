// Random input, and every length at every alignment, for the scalar loops and the vector code.

import { deepStrictEqual } from 'node:assert/strict';
import { readMessages } from './reports.mjs';

/** Random integers in `0..n` from a seed (mulberry32). */
function chance(seed) {
  let state = seed >>> 0;
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return Math.floor((((z ^ (z >>> 14)) >>> 0) / 2 ** 32) * n);
  };
}

const same = (found, expected, where) => deepStrictEqual(Buffer.from(found).toString('latin1'), expected.toString('latin1'), where);
const masked = (bytes, key) => Buffer.from(bytes).map((byte, i) => byte ^ key[i % 4]);
const LENGTHS = [...Array(301).keys(), 4090, 4095, 4096, 4097];

/** Tests masking, in place and to a copy: nothing else may be written. */
export function masks(module) {
  const key = [0x12, 0x91, 0x37, 0xfe];
  const bytes = Buffer.from(Array.from({ length: 4100 }, (_, i) => i * 7));
  for (let offset = 0; offset < 64; offset += 1) {
    for (const length of LENGTHS) {
      const payload = bytes.subarray(0, length);
      const around = module.memory(offset, 128 + length);
      around.fill(0xee);
      const at = `${length} bytes at ${offset}`;
      const [{ bytes: copy }] = module.records('ws_mask', payload, [], [Buffer.from(key).readInt32LE()], { offset });
      const expected = masked(payload, key);
      same(copy, expected, at);
      same(module.memory(64 + offset, length), expected, at);
      same(module.memory(32 + offset, 32), Buffer.alloc(32, 0xee), `before ${at}`);
      same(module.memory(64 + offset + length, 32), Buffer.alloc(32, 0xee), `behind ${at}`);
    }
  }
}

/** Tests text with one byte that is not ASCII, of a whole character or of none, at every place. */
export function texts(module) {
  const key = [0x37, 0xfa, 0x21, 0x3d];
  for (let length = 2; length < 300; length += length < 70 ? 1 : 23) {
    const header = length < 126 ? [0x81, 0x80 | length, ...key] : [0x81, 0xfe, length >> 8, length & 255, ...key];
    for (let place = 0; place < length - 1; place += 1) {
      const [valid, invalid] = [Buffer.alloc(length, 'x'), Buffer.alloc(length, 'x')];
      valid.write('é', place);
      invalid[place] = 0x80;
      const read = (text) => {
        const stream = Buffer.concat([Buffer.from(header), masked(text, key)]);
        return readMessages(module.records('ws_runs', stream, [stream.length], [false, 1n << 40n, 1n << 40n, 9], { offset: place % 64 }));
      };
      deepStrictEqual(read(valid).events, [{ type: 'text', data: valid.toString('hex') }]);
      deepStrictEqual(read(invalid).error, { code: 1007, offset: header.length + place });
    }
  }
}

/** Tests the encoding of events. */
export function encoding(module) {
  const below = chance(7);
  const piece = () => (below(12) ? String.fromCharCode(97 + below(26)) : ['\n', '\r', '\r\n', 'é'][below(4)]);
  const texts = [...LENGTHS, 600, 700, 1500].flatMap((length) => {
    const random = Array.from({ length }, piece).join('');
    return [random, 'x'.repeat(length), `${'x'.repeat(length)}\r${'y'.repeat(length)}`];
  });
  texts.forEach((text, i) => {
    const [{ bytes }] = module.records('sse_encode', Buffer.from(text), [], [], { offset: i % 64 });
    const expected = text.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`).join('');
    same(bytes, Buffer.from(`${expected}\n`), JSON.stringify(text));
  });
}

/** Returns the events that WHATWG HTML, 9.2.6, makes of a whole stream. */
function reference(stream) {
  const lines = new TextDecoder().decode(stream).split(/\r\n|\r|\n/).slice(0, -1);
  const events = [];
  let [type, data, id, lastEventId, retry] = ['', '', '', '', null];
  for (const line of lines) {
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (line === '') {
      lastEventId = id;
      if (data !== '') events.push({ type: type || 'message', data: data.slice(0, -1), lastEventId });
      [type, data] = ['', ''];
    } else if (field === 'data') data += `${value}\n`;
    else if (field === 'event') type = value;
    else if (field === 'id' && !value.includes('\0')) id = value;
    else if (field === 'retry' && /^[0-9]+$/.test(value)) retry = Number(value);
  }
  return { events, lastEventId, retry };
}

const PIECES = [
  'data', 'data: ', '\ndata: ', '\n\ndata:', '\r\n\r\n', 'event: ', 'id', 'id: ', 'retry: ', ':', ' ', '1', '23',
  '\n', '\n\n', '\r', '\r\n', 'é', '天気', '\0', '\ufeff', 'x'.repeat(70), [0xff], [0xe2, 0x82],
];

/** Tests streams that are built and cut at random. */
export function streams(module, decoder, read, count) {
  const below = chance(1);
  let events = 0;
  for (let n = 0; n < count; n += 1) {
    const pieces = Array.from({ length: 1 + below(60) }, () => Buffer.from(PIECES[below(PIECES.length)]));
    const stream = Buffer.concat(pieces);
    const ends = [];
    for (let end = 0; end < stream.length; ends.push(end)) end = Math.min(stream.length, end + below(1 + below(200)));
    const found = read(module.records(decoder, stream, ends, [], { offset: below(64) }));
    deepStrictEqual(found, reference(stream), `${stream.toString('hex')} cut at ${ends}`);
    events += found.events.length;
  }
  if (events < count) throw new Error(`only ${events} events in ${count} streams`);
}
