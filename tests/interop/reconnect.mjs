// The state that a stream leaves: when Chromium reconnects, and with which id, compared with
// `sse2json --summary`.

import { setTimeout as sleep } from 'node:timers/promises';
import { Checks, Differences, example, jsonLines, launch, output, sendPage, serve } from './common.mjs';

/** Chromium's reconnection time if no stream sets another, in milliseconds. */
const DEFAULT = 3000;
/** A browser that has not reconnected by then has a longer wait, in milliseconds. */
const PATIENCE = 4000;
/**
 * How late a timer may be on a busy machine, in milliseconds. The times below are further apart.
 */
const SLACK = 900;

const EMPTY = /^retry(: ?)?$/m;
const HUGE = /^retry: \d{21,}$/m;
const text = (bytes) => bytes.toString('latin1');
const replace = (pattern, line) => (bytes) => Buffer.from(text(bytes).replace(pattern, line), 'latin1');

const checks = new Checks('reconnect');

// The standard is WHATWG HTML, 9.2.6.
const differences = new Differences(checks, [
  {
    name: 'an empty `retry` restores the default reconnection time',
    standard:
      'If the field value consists of only ASCII digits, then interpret the field value as an integer in base ten, ' +
      'and set the event stream\'s reconnection time to that integer. Otherwise, ignore the field.',
    applies: (bytes) => EMPTY.test(text(bytes)),
    asMeant: replace(EMPTY, ':'),
    asRead: replace(EMPTY, `retry: ${DEFAULT}`),
  },
  {
    name: 'a reconnection time of more than 64 bits is ignored, where ours saturates',
    standard:
      'Interpret the field value as an integer in base ten, and set the event stream\'s reconnection time to that integer. ' +
      '(It sets no bound.)',
    applies: (bytes) => HUGE.test(text(bytes)),
    asMeant: replace(HUGE, 'retry: 18446744073709551615'),
    asRead: replace(HUGE, ':'),
  },
]);

const RETRIES = [
  'retry: 2000', 'retry:2000', 'retry: 02000', 'retry: 0', 'retry: 18446744073709551615', `retry: ${'9'.repeat(30)}`, 'retry', 'retry:', 'retry: ',
  'retry: +5', 'retry: -1', 'retry:  7', 'retry: 5 ', 'retry:\t5', 'retry: 1e1', 'retry: 0x5', 'retry: 1.5', 'retry: ٣', 'retry: ３', 'Retry: 5', 'retry : 5',
];
const IDS = [
  'id: 1\n\n', 'id: 1\ndata: x\n\n', 'id: 1\ndata: x\n\nid: 2\n\n', 'id: 1\n\nid: 2\n', 'id: 1\n\nid: 2', 'id: 1', 'id: 1\n\nid\n\n', 'id: 1\n\nid:\ndata: x\n\n',
  'id: 1\nid: 2\n\n', 'id: 1\n\nid: a\0b\n\n', 'id: \0\n\n', 'id: é天気🌦\n\n', 'id: a\ufeffb\n\n', 'id: a:b c\n\n', 'id: 1\r\rid: 2\r\r', '\ufeffid: 1\n\n', 'ID: 1\n\n',
];
const streams = [
  ...RETRIES.map((line) => `retry: 1000\n${line}\nid: ${line.length}\n\n`),
  ...IDS.map((lines) => `retry: 1000\n${lines}`),
  'id: 1\n\n', // no reconnection time at all
  'retry: 1000\nid: 1\n\nretry: 2000', // a line without an end
  'retry: 1000\nid: 1\n\nretry: 2000\n', // takes effect before its block ends
].map((stream) => ({ bytes: Buffer.from(stream), ended: undefined, delay: undefined, id: '' }));

const server = await serve((request, response) => {
  const stream = streams[request.url.slice(1)];
  if (!stream) return sendPage(response);
  if (stream.ended === undefined) {
    stream.ended = performance.now();
    return response.writeHead(200, { 'content-type': 'text/event-stream' }).end(stream.bytes);
  }
  stream.delay = performance.now() - stream.ended;
  stream.id = Buffer.from(request.headers['last-event-id'] ?? '', 'latin1').toString();
  return response.writeHead(204).end(); // makes the browser give up
});
const browser = await launch();
const page = await browser.newPage();
await page.goto(server.origin);
await page.evaluate((count) => {
  for (let i = 0; i < count; i += 1) new EventSource(`/${i}`);
}, streams.length);
await sleep(PATIENCE + SLACK);
await browser.close();
server.close();

const summary = async (bytes) => jsonLines(await output(example('sse2json'), ['--summary'], bytes)).at(-1);
for (const { bytes, ended, delay, id } of streams) {
  const { expected } = await differences.compare(bytes, summary);
  const time = expected.reconnection_time ?? DEFAULT;
  const name = JSON.stringify(bytes.toString());
  if (time > PATIENCE) {
    checks.ok(name, ended !== undefined && delay === undefined, `came back after ${delay} ms, expected ${time}`);
  } else {
    checks.ok(`${name}, time`, delay > time - 20 && delay < time + SLACK, `came back after ${delay} ms, expected ${time}`);
    checks.equal(`${name}, id`, id, expected.last_event_id);
  }
}
console.log(`  ${streams.length} streams`);
differences.finish();
checks.done();
