// The browser's own parser as oracle: Chromium's EventSource and `sse2json` read the same streams.

import { writeFileSync } from 'node:fs';
import { Checks, Differences, Random, artefact, collect, decode, launch, pool, seed, sendPage, sendStream, serve } from './common.mjs';
import { TYPES, streams } from './streams.mjs';

const checks = new Checks('oracle');

// The standard is WHATWG HTML, 9.2.6.
const differences = new Differences(checks, [
  {
    name: 'a line end right behind the byte order mark ends no line, but begins one',
    standard:
      'The UTF-8 decode algorithm strips one leading UTF-8 Byte Order Mark (BOM), if any. ' +
      'The stream must then be parsed by reading everything line by line, with a U+000D CARRIAGE RETURN ' +
      'U+000A LINE FEED (CRLF) character pair, a single U+000A LINE FEED (LF) character not preceded by a ' +
      'U+000D CARRIAGE RETURN (CR) character, and a single U+000D CARRIAGE RETURN (CR) character not ' +
      'followed by a U+000A LINE FEED (LF) character being the ways in which a line can end.',
    applies: (bytes) => /^\xef\xbb\xbf[\n\r]/.test(bytes.toString('latin1')),
    asMeant: (bytes) => bytes.subarray(3),
    asRead: (bytes) => Buffer.concat([Buffer.from('x'), bytes.subarray(4)]),
  },
]);

const PER_CLASS = 30;
const SHOWN = 20;

const count = Number(process.env.STREAMS ?? 600);
const all = streams(new Random(seed()), count).map((stream, index) => ({
  ...stream,
  index,
  chunk: 1 + new Random(seed() + index).below(64),
  requests: 0,
}));

const server = await serve((request, response) => {
  const index = request.url.match(/^\/(\d+)$/)?.[1];
  if (index === undefined) return sendPage(response);
  all[index].requests += 1;
  return sendStream(response, all[index].bytes, new Random(seed() + Number(index)));
});
const browser = await launch();
console.log(`  seed ${seed()}, ${count} streams, Chromium ${browser.version()}`);
const page = await browser.newPage();
await page.goto(server.origin);
// A browser opens at most six connections to a host.
const seen = await pool(all, 6, ({ index }) => page.evaluate(collect, { url: `/${index}`, types: TYPES }));
await browser.close();
server.close();

const counts = new Map();
const failures = [];
await pool(all, 2, async (stream) => {
  const { index, bytes, chunk, requests } = stream;
  const { opened, events } = seen[index];
  const { ours, expected } = await differences.compare(bytes, (bytes) => decode(bytes, chunk));
  const name = `stream ${index} (${stream.class})`;
  const heard = ours.every(({ event }) => TYPES.includes(event));
  const passed = opened && requests === 1 && heard
    ? checks.equal(name, events, expected)
    : checks.ok(name, false, `opened: ${opened}, requests: ${requests}, types all listened to: ${heard}`);
  if (!passed) {
    failures.push({ index, class: stream.class, chunk, hex: bytes.toString('hex'), chromium: events, sse2json: ours });
  }
  const tally = counts.get(stream.class) ?? { streams: 0, events: 0 };
  counts.set(stream.class, { streams: tally.streams + 1, events: tally.events + ours.length });
});

for (const [name, { streams, events }] of counts) {
  console.log(`  ${name.padEnd(16)} ${`${streams}`.padStart(5)} streams ${`${events}`.padStart(6)} events`);
  checks.ok(`class ${name}`, streams >= PER_CLASS && events >= PER_CLASS, `fewer than ${PER_CLASS} streams or events`);
}
const events = [...counts.values()].reduce((sum, tally) => sum + tally.events, 0);
console.log(`  ${'all'.padEnd(16)} ${`${count}`.padStart(5)} streams ${`${events}`.padStart(6)} events`);
differences.finish();
if (failures.length > 0) {
  const file = artefact('oracle-failures.json');
  writeFileSync(file, JSON.stringify(failures.slice(0, SHOWN), null, 1));
  console.log(`  the first of ${failures.length} failing streams are in ${file}`);
}
checks.done();
