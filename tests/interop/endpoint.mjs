// WebSocket endpoints: programs that obey commands and report what they see.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { endpointProgram, example, python } from './common.mjs';

/** How long an endpoint may take for a report, in milliseconds. */
const PATIENCE = 30_000;

export const SUBPROTOCOLS = ['chat.v2', 'chat.v1'];

const COMMANDS = {
  ws: [process.execPath, `${import.meta.dirname}/ws_endpoint.mjs`],
  websockets: [python(), `${import.meta.dirname}/websockets_endpoint.py`],
  tungstenite: [endpointProgram('tungstenite')],
  eventwire: [endpointProgram('eventwire')],
  machine: [endpointProgram('machine')],
};

/** A program that prints lines. */
export class Program {
  #child;
  #lines;

  constructor(name, [program, ...args]) {
    this.name = name;
    this.#child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, PYTHONUTF8: '1' } });
    this.#child.stdin.on('error', () => {}); // it may be gone; the missing report shows that
    this.#lines = createInterface({ input: this.#child.stdout, crlfDelay: Infinity })[Symbol.asyncIterator]();
  }

  async line() {
    const late = new AbortController();
    const silence = setTimeout(PATIENCE, { value: undefined, done: false }, { signal: late.signal }).catch(() => {});
    const { value, done } = await Promise.race([this.#lines.next(), silence]);
    late.abort();
    if (value === undefined) throw new Error(`${this.name} ${done ? 'ended' : 'was silent for too long'}`);
    return value;
  }

  write(text) {
    this.#child.stdin.write(text);
  }

  get pid() {
    return this.#child.pid;
  }

  get running() {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Sends the program a signal. */
  signal(name) {
    this.#child.kill(name);
  }

  async stop() {
    if (!this.running) return;
    const ended = once(this.#child, 'exit');
    this.signal('SIGKILL');
    await ended;
  }
}

/** An endpoint in any language; endpoints/src/lib.rs defines the commands and reports. */
export class Endpoint extends Program {
  driven = true;

  static client(name) {
    return new Endpoint(name, [...COMMANDS[name], 'client']);
  }

  static async server(name, ...args) {
    const server = new Endpoint(name, [...COMMANDS[name], 'server', ...args]);
    await server.listens();
    return server;
  }

  /**
   * Starts one of our state machines; endpoints/src/bin/machine_endpoint.rs defines its commands
   * and reports.
   */
  static machine(setup) {
    const machine = new Endpoint('machine', COMMANDS.machine);
    machine.tell({ start: setup });
    return machine;
  }

  async listens() {
    const { listening } = await this.next();
    this.address = `127.0.0.1:${listening}`;
  }

  tell(command) {
    this.write(`${JSON.stringify(command)}\n`);
  }

  async next() {
    return JSON.parse(await this.line());
  }
}

/** The example echo server, which prints nothing. */
export class EchoServer extends Program {
  driven = false;

  static async start(...args) {
    const offers = SUBPROTOCOLS.flatMap((name) => ['--subprotocol', name]);
    const server = new EchoServer('echo_server', [example('echo_server'), '127.0.0.1:0', ...offers, ...args]);
    server.address = (await server.line()).replace('echoing on ws://', '');
    return server;
  }
}
