// A WebSocket client that may send anything, valid or not: plain bytes over TCP.

import { once } from 'node:events';
import { connect } from 'node:net';
import { until } from './common.mjs';

export const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

/** Builds a client's frame. Its mask of zeros leaves the payload unchanged. */
export function frame(kind, payload, { length = payload.length, fin = true, rsv = 0 } = {}) {
  const header = [(fin ? 0x80 : 0) | (rsv << 4) | OPCODES[kind]];
  if (length < 126) header.push(0x80 | length);
  else if (length < 65536) header.push(0x80 | 126, length >> 8, length & 255);
  else header.push(0x80 | 127, 0, 0, 0, 0, ...[24, 16, 8, 0].map((shift) => (length >>> shift) & 255));
  return Buffer.concat([Buffer.from([...header, 0, 0, 0, 0]), Buffer.from(payload)]);
}

/** Yields the whole frames in `bytes`, from either side, with payloads unmasked. */
export function* rawFrames(bytes) {
  for (let at = 0; at + 2 <= bytes.length; ) {
    const [first, second] = [bytes[at], bytes[at + 1]];
    at += 2;
    let length = second & 127;
    const extended = { 126: 2, 127: 8 }[length] ?? 0;
    const masked = second >> 7 === 1;
    if (at + extended + 4 * masked > bytes.length) return;
    if (extended > 0) length = Number(extended === 2 ? bytes.readUInt16BE(at) : bytes.readBigUInt64BE(at));
    at += extended;
    const mask = bytes.subarray(at, at + 4 * masked);
    at += mask.length;
    if (at + length > bytes.length) return;
    let payload = bytes.subarray(at, at + length);
    if (masked) payload = payload.map((byte, i) => byte ^ mask[i & 3]);
    at += length;
    const [kind] = Object.entries(OPCODES).find(([, number]) => number === (first & 15));
    yield { kind, fin: first >> 7 === 1, rsv: (first >> 4) & 7, masked, payload };
  }
}

/** Yields the server's frames in `bytes`, which must be valid and unfragmented. */
export function* frames(bytes) {
  for (const { kind, payload } of rawFrames(bytes)) {
    if (kind !== 'close') yield { kind, payload };
    else yield { kind, code: payload.length ? payload.readUInt16BE(0) : undefined, reason: payload.subarray(2).toString() };
  }
}

export class RawClient {
  #chunks = [];
  #ended = false;
  #error;

  /**
   * Sends a request with these headers added to the usual ones or replacing them, and `behind`
   * right after it.
   */
  static async open(host, target, headers = {}, behind = '') {
    const [hostname, port] = host.split(':');
    const client = new RawClient();
    client.socket = connect(Number(port), hostname);
    client.socket.on('data', (chunk) => client.#chunks.push(chunk));
    client.socket.on('error', (error) => (client.#error = error));
    client.socket.on('close', () => (client.#ended = true));
    client.socket.on('end', () => (client.#ended = true));
    await once(client.socket, 'connect');
    const all = {
      Host: host,
      Upgrade: 'websocket',
      Connection: 'Upgrade',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      ...headers,
    };
    const lines = Object.entries(all).filter(([, value]) => value !== undefined).map(([name, value]) => `${name}: ${value}\r\n`);
    client.socket.write(Buffer.concat([Buffer.from(`GET ${target} HTTP/1.1\r\n${lines.join('')}\r\n`), Buffer.from(behind)]));
    return client;
  }

  get #received() {
    this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0];
  }

  /** Returns the response's head once it is whole. */
  head() {
    return until(() => {
      const end = this.#received.indexOf('\r\n\r\n');
      return end >= 0 && this.#received.subarray(0, end).toString();
    });
  }

  async status() {
    return Number((await this.head())?.split(' ')[1]);
  }

  /** Returns all frames so far. */
  frames() {
    return [...frames(this.#received.subarray(this.#received.indexOf('\r\n\r\n') + 4))];
  }

  /** Returns the first frame that satisfies `wanted`. */
  frame(wanted, seconds) {
    return until(() => this.frames().find(wanted), seconds);
  }

  /** Returns the close frame once the server has shut the transport down. */
  async closed(seconds) {
    await until(() => this.#ended, seconds);
    return this.#ended ? this.frames().find(({ kind }) => kind === 'close') ?? 'no close frame' : 'still open';
  }

  /**
   * Returns everything received, in Latin-1, once the server has hung up. Fails if the server does
   * not hang up, or if the connection breaks.
   */
  async all() {
    await until(() => this.#ended, 10);
    this.socket.destroy();
    if (this.#error) throw this.#error;
    if (!this.#ended) throw new Error('the answer did not end');
    return this.#received.toString('latin1');
  }
}
