// Helpers shared by the parts: randomness, checks, child processes, servers, the browser.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';

/** Reads a setting that `run` provides. */
function setting(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: start this with tests/interop/run`);
  return value;
}

/** Returns the path for a file of failures or a screenshot. */
export function artefact(name) {
  const folder = setting('EVENTWIRE_OUT');
  mkdirSync(folder, { recursive: true });
  return `${folder}/${name}`;
}

export const example = (name) => `${setting('EVENTWIRE_PROGRAMS')}/${name}`;
export const endpointProgram = (name) => `${setting('EVENTWIRE_PROGRAMS')}/${name}_endpoint`;
export const python = () => setting('EVENTWIRE_PYTHON');

/** Random numbers from a seed (mulberry32). */
export class Random {
  #state;

  constructor(seed) {
    this.#state = seed >>> 0;
  }

  /** Returns an integer in `0..n`. */
  below(n) {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let z = this.#state;
    z = Math.imul(z ^ (z >>> 15), z | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return Math.floor((((z ^ (z >>> 14)) >>> 0) / 2 ** 32) * n);
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  /** Returns true `n` times in a hundred. */
  percent(n) {
    return this.below(100) < n;
  }

  /** Returns `count` results of `make`. */
  times(count, make) {
    return Array.from({ length: count }, make);
  }
}

/** Returns the seed of this run, which the environment may set. */
export function seed() {
  const seed = Number(process.env.SEED ?? 1);
  if (!Number.isInteger(seed)) throw new Error('SEED must be an integer');
  return seed;
}

/** Counts passed and failed checks. Prints failures as they happen. */
export class Checks {
  #passed = 0;
  #failed = 0;

  constructor(part) {
    this.part = part;
  }

  ok(name, passed, detail = '') {
    if (passed) {
      this.#passed += 1;
    } else {
      this.#failed += 1;
      console.log(`  FAILED ${name}${detail && `: ${detail}`}`);
    }
    return passed;
  }

  equal(name, actual, expected) {
    return this.ok(name, isDeepStrictEqual(actual, expected), difference(actual, expected));
  }

  /**
   * Checks that a known difference between a client and the standard still occurs. Prints it,
   * because users may want to know.
   */
  occurred(difference, occurred) {
    if (this.ok(difference, occurred, 'it no longer occurs: remove it')) console.log(`  differs: ${difference}`);
  }

  /** Prints the line that `run` adds up. */
  done() {
    console.log(`${this.part}: ${this.#passed} passed, ${this.#failed} failed`);
    process.exitCode = this.#failed || !this.#passed ? 1 : 0;
  }
}

/**
 * Where Chromium differs from the standard. If a difference `applies` to a stream, we must read the
 * stream `asMeant`, which leaves no room for doubt, and Chromium reads it `asRead`. At most one
 * difference may apply to a stream.
 */
export class Differences {
  #checks;
  #table;
  #occurred = new Set();

  constructor(checks, table) {
    this.#checks = checks;
    this.#table = table;
  }

  /** Reads `bytes` with `read`. Returns our result, and the result expected of Chromium. */
  async compare(bytes, read) {
    const ours = await read(bytes);
    const difference = this.#table.find(({ applies }) => applies(bytes));
    if (!difference) return { ours, expected: ours };
    const expected = await read(difference.asRead(bytes));
    this.#checks.equal(`as the standard says: ${difference.name}`, ours, await read(difference.asMeant(bytes)));
    if (!isDeepStrictEqual(expected, ours)) this.#occurred.add(difference);
    return { ours, expected };
  }

  /** Checks that every listed difference has occurred. */
  finish() {
    for (const difference of this.#table) {
      this.#checks.occurred(`Chromium: ${difference.name}`, this.#occurred.has(difference));
    }
  }
}

/** Describes in one line where two values differ. */
function difference(actual, expected) {
  const show = (value) => {
    const text = JSON.stringify(value) ?? 'nothing';
    return text.length > 200 ? `${text.slice(0, 200)}… (${text.length} characters)` : text;
  };
  if (!Array.isArray(actual) || !Array.isArray(expected)) {
    return `${show(actual)}, expected ${show(expected)}`;
  }
  const length = Math.max(actual.length, expected.length);
  for (let i = 0; i < length; i += 1) {
    if (!isDeepStrictEqual(actual[i], expected[i])) {
      return `[${i}] of ${actual.length} is ${show(actual[i])}, expected ${show(expected[i])} of ${expected.length}`;
    }
  }
  return '';
}

/** Every process that `start` started, so that the part can stop them. */
export const children = [];

/** Starts a program whose output the caller reads. */
export function start(program, args, stdin = 'ignore') {
  const child = spawn(program, args, { stdio: [stdin, 'pipe', 'inherit'] });
  children.push(child);
  return child;
}

/** Runs a program on `input` until it exits. */
export async function run(program, args = [], input = '') {
  const child = spawn(program, args);
  const output = [[], []];
  child.stdout.on('data', (chunk) => output[0].push(chunk));
  child.stderr.on('data', (chunk) => output[1].push(chunk));
  child.stdin.on('error', () => {}); // it may exit without reading; the caller sees its status
  child.stdin.end(input);
  const [status] = await once(child, 'close');
  return { status, stdout: Buffer.concat(output[0]), stderr: Buffer.concat(output[1]).toString() };
}

/** Like `run`, for programs that must succeed. Returns their output. */
export async function output(program, args, input) {
  const { status, stdout, stderr } = await run(program, args, input);
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: status ${status}: ${stderr}`);
  return stdout;
}

export const jsonLines = (text) => text.toString().split('\n').filter(Boolean).map((line) => JSON.parse(line));

/** Returns the events that our decoder finds in `bytes`. */
export const decode = async (bytes, chunk = 65536) =>
  jsonLines(await output(example('sse2json'), ['--chunk', `${chunk}`], bytes));

/** Returns the results of `work` for all items. At most `atOnce` run at the same time. */
export async function pool(items, atOnce, work) {
  const results = [];
  const rest = items.entries();
  const worker = async () => {
    for (const [i, item] of rest) results[i] = await work(item, i);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}

/**
 * Waits until `condition` returns a truthy value, and returns that. Returns `undefined` after a
 * timeout.
 */
export async function until(condition, seconds = 20) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(50)) {
    const value = await condition();
    if (value) return value;
  }
  return undefined;
}

/** Starts an HTTP server on a free loopback port. */
export async function serve(handler) {
  const server = createServer({ noDelay: true }, handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Answers with an event stream, sent in pieces of random sizes. */
export async function sendStream(response, bytes, random) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.flushHeaders();
  const cuts = random.percent(40) && bytes.length < 1000
    ? bytes.keys()
    : random.times(random.below(12), () => random.below(bytes.length + 1)).sort((a, b) => a - b);
  let start = 0;
  for (const cut of [...cuts, bytes.length]) {
    if (cut === start) continue;
    response.write(bytes.subarray(start, cut));
    await setImmediate();
    start = cut;
  }
  response.end();
}

export const sendPage = (response) =>
  response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>interop</title><link rel=icon href=data:,>');

export const launch = () =>
  chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });

/** Returns the number in an id that `Replay` assigned; it follows the id of the run. */
export const numberIn = (id) => Number(id.split('-').at(-1));

/**
 * Collects the events of an EventSource until the stream's first error. Runs in a page or in Node.
 */
export function collect({ url, types }) {
  return new Promise((resolve) => {
    const source = new EventSource(url);
    const result = { opened: false, events: [] };
    source.onopen = () => {
      result.opened = true;
    };
    for (const type of types) {
      source.addEventListener(type, (event) => {
        result.events.push({ event: event.type, data: event.data, last_event_id: event.lastEventId });
      });
    }
    source.onerror = () => {
      source.close(); // before it can reconnect, whatever the stream's `retry` says
      resolve(result);
    };
  });
}
