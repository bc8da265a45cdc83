// The cast of `redis.mjs`: a Redis, servers that share it, a balancer in front of them, and
// readers.

import { EventSource } from 'eventsource';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { endpointProgram, example, output, python, until } from './common.mjs';
import { Program } from './endpoint.mjs';

/** Everything that runs, so that it is stopped by its pid whatever happens. */
const processes = new Set();
process.on('SIGTERM', () => process.exit(1));
process.on('exit', () => [...processes].forEach((child) => child.kill('SIGKILL')));

class Process {
  #child;

  spawn(program, args) {
    this.#child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    processes.add(this.#child);
    this.#child.once('exit', () => processes.delete(this.#child));
    this.lines = createInterface({ input: this.#child.stdout });
    this.complaints = [];
    createInterface({ input: this.#child.stderr }).on('line', (line) => this.complaints.push(line));
  }

  get pid() {
    return this.#child.pid;
  }

  get running() {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  signal(name) {
    this.#child.kill(name);
  }

  async stop(signal = 'SIGKILL') {
    if (!this.running) return;
    const ended = once(this.#child, 'exit');
    this.signal(signal);
    await ended;
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

/** A Redis that has stored every write it acknowledges, whatever happens to it. */
export class Redis extends Process {
  constructor(folder) {
    super();
    this.folder = folder;
  }

  async start() {
    this.port ??= await freePort();
    const settings = { port: this.port, bind: '127.0.0.1', dir: this.folder, appendonly: 'yes', appendfsync: 'always', save: '' };
    this.spawn('redis-server', Object.entries(settings).flatMap(([name, value]) => [`--${name}`, `${value}`]));
    const ready = await until(() => this.#ping(), 10);
    if (!ready) throw new Error(`redis-server does not respond: ${this.complaints.join('\n')}`);
  }

  get url() {
    return `redis://127.0.0.1:${this.port}/`;
  }

  #ping() {
    return new Promise((resolve) => {
      const socket = connect(this.port, '127.0.0.1', () => socket.write('PING\r\n'));
      const answer = (is) => {
        socket.destroy();
        resolve(is);
      };
      socket.once('data', (data) => answer(data.toString().startsWith('+PONG')));
      socket.once('error', () => answer(false));
      socket.once('close', () => answer(false));
    });
  }

  /** Returns all entries, or those after an id, as Redis' own client prints them. */
  async entries(behind) {
    const range = ['XRANGE', 'events', behind ? `(${behind}` : '-', '+'];
    const lines = (await output('redis-cli', ['-p', `${this.port}`, '--raw', ...range])).toString().split('\n').slice(0, -1);
    const entries = [];
    for (let i = 0; i + 2 < lines.length; i += 3) entries.push({ id: lines[i], data: lines[i + 2] });
    return entries;
  }
}

/** The example server. */
export class Server extends Process {
  constructor(redis, ...options) {
    super();
    this.command = [...options, '127.0.0.1:0', redis.url];
  }

  async start() {
    this.spawn(example('redis_fanout'), this.command);
    const [line] = await once(this.lines, 'line');
    this.origin = line.replace('listening on ', '');
    this.port = Number(new URL(this.origin).port);
    return this;
  }

  async publish(data) {
    const began = performance.now();
    const signal = AbortSignal.timeout(10_000);
    const response = await fetch(`${this.origin}/publish`, { method: 'POST', body: data, signal });
    return { status: response.status, text: await response.text(), ms: performance.now() - began };
  }
}

/** Passes each new connection to the next server that accepts it, in turn. */
export class Balancer {
  #next = 0;
  #pairs = new Set();
  #server;
  connections = 0;

  constructor(servers) {
    this.servers = servers;
  }

  async start() {
    this.#server = createServer((client) => this.#pass(client)).listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.address = `127.0.0.1:${this.#server.address().port}`;
    this.origin = `http://${this.address}`;
  }

  async #pass(client) {
    client.on('error', () => {});
    for (let tries = 0; tries < this.servers.length; tries += 1) {
      this.#next += 1;
      const server = connect(this.servers[this.#next % this.servers.length].port, '127.0.0.1');
      const is = await new Promise((resolve) => {
        server.once('connect', () => resolve(true));
        server.once('error', () => resolve(false));
      });
      if (!is) continue;
      this.connections += 1;
      const pair = [client, server];
      this.#pairs.add(pair);
      for (const [from, to] of [pair, [...pair].reverse()]) {
        from.on('error', () => {});
        from.once('close', () => {
          this.#pairs.delete(pair);
          to.destroy();
        });
        from.pipe(to);
      }
      return;
    }
    client.destroy();
  }

  /** Cuts one open connection. */
  cut(random) {
    if (this.#pairs.size) random.pick([...this.#pairs])[0].destroy();
  }

  close() {
    this.#server.close();
    for (const [client] of this.#pairs) client.destroy();
  }
}

/** Sorts a reader's events. */
class Reader {
  seen = [];
  resets = [];
  connects = 0;

  event({ event, data, last_event_id }) {
    if (event === 'reset') this.resets.push(data);
    else this.seen.push({ id: last_event_id, data });
  }
}

/** Reads with `fetch`, remembers the last event id, and reconnects at once. */
export class FetchReader extends Reader {
  #controller = new AbortController();
  statuses = [];
  comments = 0;
  paused = undefined;

  constructor(origin, id) {
    super();
    this.id = id;
    this.#read(`${origin}/events`);
  }

  async #read(url) {
    const { signal } = this.#controller;
    while (!signal.aborted) {
      try {
        const headers = this.id === undefined ? {} : { 'last-event-id': this.id };
        const { status, body } = await fetch(url, { headers, signal });
        this.connects += 1;
        this.statuses.push(status);
        let text = '';
        for await (const piece of body.pipeThrough(new TextDecoderStream())) {
          const blocks = (text + piece).split('\n\n');
          text = blocks.pop();
          blocks.forEach((block) => this.#block(block));
          await this.paused;
        }
      } catch {
        // The stream was cut off.
      }
      await sleep(50);
    }
  }

  /** Parses a block as our encoder writes it. */
  #block(block) {
    const fields = Object.fromEntries(block.split('\n').map((line) => [line.split(':')[0], line.slice(line.indexOf(':') + 2)]));
    if ('' in fields) this.comments += 1;
    this.id = fields.id ?? this.id;
    if ('data' in fields) this.event({ event: fields.event, data: fields.data, last_event_id: this.id });
  }

  stop() {
    this.#controller.abort();
  }
}

export class NpmReader extends Reader {
  constructor(origin) {
    super();
    this.source = new EventSource(`${origin}/events`);
    this.source.onopen = () => (this.connects += 1);
    for (const type of ['message', 'reset']) {
      this.source.addEventListener(type, ({ data, lastEventId }) => this.event({ event: type, data, last_event_id: lastEventId }));
    }
  }

  stop() {
    this.source.close();
  }
}

/** A program that prints a line of JSON for each event, and other lines. */
export class ProgramReader extends Reader {
  #program;

  static python = (origin) => new ProgramReader('httpx-sse', [python(), `${import.meta.dirname}/follow.py`, `${origin}/events`]);
  static machine = (origin) =>
    new ProgramReader('event_source', [endpointProgram('event_source'), origin.replace('http://', ''), '/events']);

  constructor(name, command) {
    super();
    this.#program = new Program(name, command);
    processes.add({ kill: (name) => this.#program.signal(name) });
    (async () => {
      for (;;) {
        const line = JSON.parse(await this.#program.line());
        if ('open' in line || 'status' in line) this.connects += 1;
        else if (typeof line.event === 'object') this.event(line.event);
        else if ('event' in line) this.event(line);
      }
    })().catch(() => {}); // stopped
  }

  stop() {
    return this.#program.stop();
  }
}

/** Chromium's EventSource. */
export class PageReader extends Reader {
  static async open(browser, origin) {
    const reader = new PageReader();
    reader.page = await browser.newPage();
    await reader.page.goto(origin);
    await reader.page.evaluate(() => {
      window.got = { events: [], connects: 0 };
      const source = new EventSource('/events');
      source.onopen = () => (window.got.connects += 1);
      for (const type of ['message', 'reset']) {
        source.addEventListener(type, ({ data, lastEventId }) => window.got.events.push({ event: type, data, last_event_id: lastEventId }));
      }
    });
    return reader;
  }

  /** Fetches the page's new events. */
  async look() {
    const { events, connects } = await this.page.evaluate(() => ({ events: window.got.events.splice(0), connects: window.got.connects }));
    this.connects = connects;
    events.forEach((event) => this.event(event));
  }

  stop() {
    return this.page.close();
  }
}
