// Times modules at the same work, in turn: bench.mjs NAME=MODULE.wasm...
// Prints median nanoseconds for each event or message, and how many times faster each is than the
// first.

import { Module } from './module.mjs';

const ROUNDS = 15;
const MILLISECONDS = 20;

const repeat = (text, times) => Buffer.from(text.repeat(times));
const json = (length) => '{"id":"chatcmpl-8","object":"chat.completion.chunk","created":1700000000,"text":"'.padEnd(length, 'lorem ipsum ');
const prose = (length) => 'Grüße, 天気 und лето: '.repeat(length);

/** A client's frame, masked by zeros. */
function frame(opcode, payload) {
  const length = payload.length;
  const header = [0x80 | opcode];
  if (length < 126) header.push(0x80 | length);
  else if (length < 65536) header.push(0xfe, length >> 8, length & 255);
  else header.push(0xff, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 255, length & 255);
  return Buffer.concat([Buffer.from([...header, 0, 0, 0, 0]), payload]);
}
const frames = (opcode, payload, times) => Buffer.concat(Array(times).fill(frame(opcode, payload)));

/** The rows: a title, an export, its input, and how many events or messages that input holds. */
const ROWS = [
  ['sse, decode: OpenAI chunk, 180 B', 'bench_sse_decoder', repeat(`data: ${json(172)}\n\n`, 90), 90],
  ['sse, decode: 1 KiB', 'bench_sse_decoder', repeat(`data: ${json(1016)}\n\n`, 16), 16],
  ['sse, decode: 1 KiB, not ASCII', 'bench_sse_decoder', repeat(`data: ${prose(35)}\n\n`, 16), 16],
  ['sse, decode: data: 1', 'bench_sse_decoder', repeat('data: 1\n\n', 1000), 1000],
  ['sse, decode: 20 lines of 60 B', 'bench_sse_decoder', repeat(`${`data: ${json(54)}\n`.repeat(20)}\n`, 12), 12],
  ['sse, decode: one line of 1 MiB', 'bench_sse_decoder', repeat(`data: ${json(1 << 20)}\n\n`, 1), 1],
  ['sse, encode: 20 B', 'bench_sse_encode', repeat('x', 20), 1],
  ['sse, encode: 1 KiB', 'bench_sse_encode', Buffer.from(json(1024)), 1],
  ['sse, encode: 20 lines of 60 B', 'bench_sse_encode', repeat(`${json(59)}\n`, 20), 1],
  ['ws, decode: text, 20 B', 'bench_ws_decoder', frames(1, repeat('x', 20), 600), 600],
  ['ws, decode: text, 1 KiB', 'bench_ws_decoder', frames(1, Buffer.from(json(1024)), 16), 16],
  ['ws, decode: text, 1 KiB, not ASCII', 'bench_ws_decoder', frames(1, Buffer.from(prose(35)), 16), 16],
  ['ws, decode: binary, 64 KiB', 'bench_ws_decoder', frames(2, Buffer.alloc(65536, 7), 1), 1],
  ['ws, send: masked, 20 B', 'bench_ws_send', Buffer.alloc(20, 7), 1],
  ['ws, send: masked, 1 KiB', 'bench_ws_send', Buffer.alloc(1024, 7), 1],
  ['ws, send: masked, 64 KiB', 'bench_ws_send', Buffer.alloc(65536, 7), 1],
  ['ws, mask: 64 B', 'bench_ws_mask', Buffer.alloc(64, 7), 1],
  ['ws, mask: 16 KiB', 'bench_ws_mask', Buffer.alloc(16384, 7), 1],
];

const modules = process.argv.slice(2).map((argument) => {
  const [name, path] = argument.split('=');
  return { name, module: new Module(path) };
});

function time(module, name, bytes, rounds) {
  const start = process.hrtime.bigint();
  const { result } = module.call(name, bytes, [bytes.length], [rounds], { room: 0 });
  return { nanoseconds: Number(process.hrtime.bigint() - start), result };
}

const median = (numbers) => numbers.sort((a, b) => a - b)[numbers.length >> 1];

console.log(`| work | ${modules.map(({ name }) => name).join(' | ')} |`);
console.log(`|---|${'---|'.repeat(modules.length)}`);
for (const [title, name, bytes, count] of ROWS) {
  // Choose a number of rounds that takes some time, once everything is compiled.
  let rounds = 1;
  for (const { module } of modules) {
    const until = performance.now() + 150;
    while (performance.now() < until) {
      const { nanoseconds } = time(module, name, bytes, rounds);
      if (nanoseconds < MILLISECONDS * 1e6) rounds = Math.ceil(rounds * 1.5);
    }
  }
  const times = modules.map(() => []);
  const results = new Set();
  for (let round = 0; round < ROUNDS; round += 1) {
    modules.forEach(({ module }, i) => {
      const { nanoseconds, result } = time(module, name, bytes, rounds);
      times[i].push(nanoseconds / rounds / count);
      results.add(result);
    });
  }
  if (results.size !== 1 || results.has(0)) throw new Error(`${title}: the results differ`);
  const medians = times.map(median);
  const cells = medians.map((ns, i) => `${ns.toPrecision(3)} ns${i ? ` (${(medians[0] / ns).toFixed(2)})` : ''}`);
  console.log(`| ${title} | ${cells.join(' | ')} |`);
}
