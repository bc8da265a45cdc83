// The test vectors and more through a module, each whole, byte by byte and cut in two:
// vectors.mjs TIER MODULE.wasm

import { deepStrictEqual } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { handshakes } from './handshakes.mjs';
import { Module } from './module.mjs';
import { encoding, masks, streams, texts } from './random.mjs';
import { readEvents, readMessages, readTokens } from './reports.mjs';

const [tier, path] = process.argv.slice(2);
const has = {
  core: { alloc: false, handshake: false },
  alloc: { alloc: true, handshake: false },
  default: { alloc: true, handshake: true },
  simd128: { alloc: true, handshake: true },
}[tier];
const decoders = { sse_decoder: readEvents, sse_lexer: readTokens, ...(has.alloc && { sse_bytes_decoder: readEvents }) };
const endpoints = ['ws_runs', ...(has.alloc ? ['ws_messages'] : [])];

const module = new Module(path);
let passed = 0;
let failed = 0;

/** Returns the vectors of a file, which must have at least `least`. */
function vectors(name, least) {
  const all = JSON.parse(readFileSync(new URL(`../../support/src/vectors/${name}.json`, import.meta.url)));
  if (all.length < least) throw new Error(`${name}.json is not complete`);
  return all;
}

/** Counts a check, and prints a failure. */
function check(name, body) {
  try {
    body();
    passed += 1;
  } catch (error) {
    failed += 1;
    console.log(`  ${name}: ${error.message}`);
  }
}

/**
 * Parses pieces of hexadecimal digits. A number after an asterisk says how often to repeat a piece.
 */
function unhex(text) {
  const pieces = text.split(' ').map((piece) => {
    const [hex, times = 1] = piece.split('*');
    return Buffer.from(hex.repeat(times), 'hex');
  });
  return Buffer.concat(pieces);
}

/**
 * Yields the ends of chunks: whole, byte by byte, and in two, cut everywhere or near headers and
 * ends.
 */
function* everyCut({ length }) {
  yield [length];
  yield Array.from({ length }, (_, i) => i + 1);
  for (let at = 0; at <= length; at += 1) {
    if (length < 600 || at < 20 || length - at < 20) yield [at, length];
  }
}

/** Joins the events of each message. An unfinished message comes last, if `keep` is set. */
function whole(events, keep) {
  const all = [];
  let begun;
  for (const event of events) {
    if (event.type !== 'text' && event.type !== 'binary') all.push(event);
    else {
      begun = { ...event, data: (begun?.data ?? '') + event.data };
      if (!event.unfinished) {
        all.push(begun);
        begun = undefined;
      }
    }
  }
  return begun && keep ? [...all, begun] : all;
}

for (const vector of vectors('sse', 32)) {
  const { name, chunks, expected_events, expected_retry, retry_unspecified, expected_final_last_event_id } = vector;
  const stream = unhex(chunks.join(' '));
  let end = 0;
  const asGiven = chunks.map((hex) => (end += hex.length / 2));
  for (const [decoder, read] of Object.entries(decoders)) {
    check(`${decoder}, ${name}`, () => {
      for (const ends of [asGiven, ...everyCut(stream)]) {
        const { events, lastEventId, retry } = read(module.records(decoder, stream, ends));
        deepStrictEqual(events, expected_events, `cut at ${ends}`);
        deepStrictEqual(lastEventId, expected_final_last_event_id, `cut at ${ends}`);
        if (!retry_unspecified) deepStrictEqual(retry, expected_retry, `cut at ${ends}`);
      }
    });
  }
}

const NO_LIMITS = [2n ** 64n - 1n, 2n ** 64n - 1n, 2 ** 31 - 1];
for (const vector of vectors('ws', 80)) {
  const { name, role, received, expected_events, expected_replies, expected_error } = vector;
  const stream = unhex(received);
  const limits = [vector.max_frame ?? NO_LIMITS[0], vector.max_message ?? 16 << 20].map(BigInt);
  limits.push(vector.max_fragments ?? 128 << 10);
  const expected = expected_events.map((event) => ('data' in event ? { ...event, data: unhex(event.data).toString('hex') } : event));
  for (const endpoint of endpoints) {
    const inRuns = endpoint === 'ws_runs';
    const shown = inRuns ? expected : whole(expected, false);
    // The peer must read the echo as the same messages.
    const echoed = whole(expected.filter(({ type }) => type === 'text' || type === 'binary'), inRuns);
    check(`${endpoint}, ${name}`, () => {
      for (const ends of everyCut(stream)) {
        const at = `cut at ${ends.slice(0, 3)}`;
        const { events, replies, echo, error } = readMessages(module.records(endpoint, stream, ends, [role === 'client', ...limits]));
        deepStrictEqual(events, shown, at);
        deepStrictEqual(replies.toString('hex'), unhex(expected_replies).toString('hex'), at);
        deepStrictEqual(error, expected_error, at);
        const heard = readMessages(module.records(endpoint, echo, [echo.length], [role === 'server', ...NO_LIMITS]));
        deepStrictEqual([heard.events, heard.error], [echoed, null], at);
      }
    });
  }
}

check('masks of every length at every alignment', () => masks(module));
check('text that is not ASCII somewhere', () => texts(module));
check('events as they are written', () => encoding(module));
for (const decoder of Object.keys(decoders)) {
  check(`${decoder}, random streams`, () => streams(module, decoder, decoders[decoder], 2000));
}
if (has.handshake) handshakes(module, check);

console.log(`wasm: ${tier} ${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
