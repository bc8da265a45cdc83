// Conversations between two endpoints, and the events that each of them must report.

import { SUBPROTOCOLS } from './endpoint.mjs';

/** Returns bytes as the endpoints write them: one character for each byte. */
const bytes = (length, byte = (i) => i * 31 + (i >> 8)) =>
  Buffer.from(Uint8Array.from({ length }, (_, i) => byte(i))).toString('latin1');

const MESSAGES = {
  'ASCII text': { text: 'hello, world' },
  'emoji': { text: 'grüße ☃ 👩‍👩‍👧 天気 🦀' },
  'empty text': { text: '' },
  'empty binary': { binary: '' },
  'all byte values': { binary: bytes(256, (i) => i) },
  ...Object.fromEntries([125, 126, 65535, 65536].map((length) => [`${length} bytes`, { binary: bytes(length) }])),
  '16 MiB': { binary: bytes(16 << 20) },
};

const FRAGMENTED = {
  'text in fragments': { message: { text: 'grüße ☃ 👩‍👩‍👧 天気 🦀, cut anywhere' }, size: 3, ping: 'between' },
  'binary in fragments': { message: { binary: bytes(1000) }, size: 125, ping: 'between' },
  'binary in large fragments': { message: { binary: bytes(200_000) }, size: 70_000, ping: 'between' },
};

const PINGS = ['', 'are you there? ☃', 'x'.repeat(125)];
const DONE = { code: 1000, reason: '' };
const BYE = { code: 4321, reason: 'bye ☃' };

const ours = ({ name }) => ['eventwire', 'machine', 'echo_server'].includes(name);

/** Two endpoints and their checks. */
export class Pair {
  constructor(client, server, checks) {
    Object.assign(this, { client, server, checks });
    this.name = `${client.name} to ${server.name}`;
    this.peer = ours(client) ? server : client;
    this.us = ours(client) ? client : server;
  }

  /** The endpoints that take commands. */
  get driven() {
    return [this.client, this.server].filter(({ driven }) => driven);
  }

  other = (endpoint) => (endpoint === this.client ? this.server : this.client);

  equal(what, actual, expected) {
    this.checks.equal(`${this.name}: ${what}`, actual, expected);
  }

  /** Checks the endpoint's next report. Does nothing for an endpoint that sends no reports. */
  async sees(endpoint, what, expected) {
    if (endpoint.driven) this.equal(`${what}, as ${endpoint.name} sees it`, await endpoint.next(), expected);
  }

  async open(options = {}, subprotocol = null) {
    this.client.tell({ open: { address: this.server.address, ...options } });
    for (const endpoint of [this.client, this.server]) {
      await this.sees(endpoint, 'opened', { open: { subprotocol, extensions: '' } });
    }
  }

  /**
   * `from` has sent `messages`. Checks that they arrive, and that they come back if the other side
   * echoes.
   */
  async arrives(from, what, messages) {
    const to = this.other(from);
    const reader = to.driven ? to : from;
    const seen = [];
    while (seen.length < messages.length) seen.push(await reader.next());
    this.equal(`${what} by ${from.name}`, seen, messages);
  }

  async close(by = this.client, closing = DONE) {
    by.tell({ close: closing });
    const { code, reason } = closing ?? { code: 1005, reason: '' };
    const other = this.other(by);
    await this.sees(other, `close ${code}`, { close: { code, reason, clean: true } });
    await this.sees(by, `the answer to close ${code}`, { close: { code, reason, clean: true } });
  }
}

export async function messages(pair) {
  await pair.open();
  for (const from of pair.driven) {
    for (const [what, message] of Object.entries(MESSAGES)) {
      from.tell(message);
      await pair.arrives(from, what, [message]);
    }
  }
  await pair.close();
}

export async function fragments(pair) {
  await pair.open();
  for (const from of pair.driven) {
    for (const [what, fragmented] of Object.entries(FRAGMENTED)) {
      from.tell({ fragments: fragmented });
      await pair.sees(from, `the pong between ${what}`, { pong: fragmented.ping });
      await pair.arrives(from, what, [fragmented.message]);
    }
  }
  await pair.close();
}

export async function pings(pair) {
  await pair.open();
  for (const from of pair.driven) {
    for (const ping of PINGS) {
      from.tell({ ping });
      await pair.sees(from, `the pong of ${Buffer.byteLength(ping)} bytes`, { pong: ping });
    }
  }
  await pair.close();
}

export async function pipeline(pair) {
  const thousand = Array.from({ length: 1000 }, (_, i) => (i % 2 ? { text: `number ${i}` } : { binary: `\0${i}` }));
  await pair.open();
  for (const from of pair.driven) {
    for (const message of thousand) from.tell(message);
    await pair.arrives(from, 'a thousand messages', thousand);
  }
  await pair.close();
}

export async function closings(pair) {
  for (const by of pair.driven) {
    for (const closing of [DONE, BYE]) {
      await pair.open();
      await pair.close(by, closing);
    }
  }
  if (pair.us.driven) {
    await pair.open();
    await pair.close(pair.us, null);
  }
}

/**
 * Clients that fail if the server chooses no subprotocol. RFC 6455, section 4.1, does not demand
 * that.
 */
const INSIST = {
  eventwire: 'the server chose none of the requested subprotocols',
  ws: 'Server sent no subprotocol',
  tungstenite: 'WebSocket protocol error: SubProtocol error: Server sent no subprotocol',
};

/** How servers report a client that hangs up without a close frame. */
const HUNG_UP = {
  tungstenite: { failed: 'WebSocket protocol error: Connection reset without closing handshake' },
  ws: { close: { code: 1006, reason: '', clean: false } },
  websockets: { close: { code: 1006, reason: '', clean: false } },
};

export async function subprotocols(pair) {
  const [best, second] = SUBPROTOCOLS;
  for (const [offered, chosen] of [[[second, 'other', best], best], [['other', second], second]]) {
    await pair.open({ subprotocols: offered }, chosen);
    await pair.close();
  }
  const refused = INSIST[pair.client.name];
  const none = { subprotocols: ['other', 'CHAT.V1'] };
  if (!refused) {
    await pair.open(none);
    return pair.close();
  }
  pair.client.tell({ open: { address: pair.server.address, ...none } });
  await pair.sees(pair.client, 'no subprotocol in common', { refused });
  await pair.sees(pair.server, 'no subprotocol in common', { open: { subprotocol: null, extensions: '' } });
  const hungUp = HUNG_UP[pair.server.name] ?? { failed: 'no close frame' };
  await pair.sees(pair.server, 'a client that insists', hungUp);
}

/** A server that does not compress declines the client's offer. */
export async function declinedDeflate(pair) {
  await pair.open({ deflate: {} });
  const message = { text: 'compressible '.repeat(1000) };
  pair.client.tell(message);
  await pair.arrives(pair.client, 'text after an offer of deflate', [message]);
  if (pair.server.driven) {
    pair.server.tell(message);
    await pair.arrives(pair.server, 'text after an offer of deflate', [message]);
  }
  await pair.close();
}

async function isCutOff(pair, what, code, why) {
  await pair.sees(pair.peer, what, { close: { code, reason: '', clean: true } });
  await pair.sees(pair.us, what, { failed: `${code}: ${why}` });
}

export async function invalidText(pair) {
  for (const text of ['\xff', 'caf\xe9', 'half of a snowman \xe2\x98']) {
    await pair.open();
    pair.peer.tell({ invalid_text: text });
    await isCutOff(pair, `${JSON.stringify(text)} in place of UTF-8`, 1007, 'text that is not UTF-8');
  }
}

/**
 * Tests a message limit of `max` bytes. Our client is given it in `options`, our server when it is
 * started.
 */
export async function limit(pair, max, options = {}) {
  const most = { binary: bytes(max) };
  await pair.open(options);
  pair.peer.tell(most);
  await pair.arrives(pair.peer, `${max} bytes, the limit`, [most]);
  pair.peer.tell({ binary: bytes(max + 1) });
  const tooLong = (least) => `message of at least ${least} bytes, over the limit of ${max}`;
  await isCutOff(pair, `${max + 1} bytes, over the limit`, 1009, tooLong(max + 1));

  await pair.open(options);
  const size = Math.ceil(max * 0.6);
  pair.peer.tell({ fragments: { message: { binary: bytes(2 * size) }, size, ping: 'between' } });
  await pair.sees(pair.peer, 'the pong before the limit', { pong: 'between' });
  // The upper byte of the second frame's length decides already, unless the payload is inflated
  // first.
  const least = pair.inflates ? max + 1 : size + (size & 0xff00);
  await isCutOff(pair, 'over the limit in two frames', 1009, tooLong(least));
}

/** Checks the limit on fragments, which also shows that the peer sends fragments when told to. */
export async function fragmentLimit(pair) {
  await pair.open({ max_fragments: 3 });
  pair.peer.tell({ fragments: { message: { binary: bytes(4) }, size: 1, ping: 'between' } });
  await pair.sees(pair.peer, 'the pong before the limit', { pong: 'between' });
  await isCutOff(pair, 'a fragment too many', 1008, 'message of more than 3 frames');
}
