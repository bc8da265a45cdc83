// permessage-deflate (RFC 7692): our endpoints and others, in both roles. Checks their reports and
// the bytes on the wire.

import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import zlib from 'node:zlib';
import { Checks, Random, artefact, example, jsonLines, launch, pool, run, seed, sendPage, serve } from './common.mjs';
import * as conversations from './conversations.mjs';
import { Pair } from './conversations.mjs';
import { EchoServer, Endpoint } from './endpoint.mjs';
import { RawClient, frame } from './frames.mjs';
import { Recorder } from './recorder.mjs';

const checks = new Checks('deflate');
const random = new Random(seed());
const HEADER = 'Sec-WebSocket-Extensions';
/** The bytes at a message's end that are not sent (RFC 7692, section 7.2.1). */
const TAIL = Buffer.from([0, 0, 0xff, 0xff]);
/**
 * The least size of an unfragmented message that is compressed, in bytes: by us, and by `ws`
 * without context takeover.
 */
const THRESHOLD = { ours: 64, ws: 1024 };

const [SN, CN, CB] = ['server_no_context_takeover', 'client_no_context_takeover', 'client_max_window_bits'];
const sb = (bits) => `server_max_window_bits=${bits}`;
const cb = (bits) => `${CB}=${bits}`;
const deflate = (...params) => ['permessage-deflate', ...params].join('; ');

/**
 * Parses the parameters of an extension into an object. Returns `undefined` without an extension.
 */
function params(text) {
  if (!text) return undefined;
  const [, ...list] = text.split('; ');
  return Object.fromEntries(list.map((param) => param.split('=')).map(([name, value]) => [name, value ? Number(value) : true]));
}

/** Formats the parameters in our order. */
const asText = (agreed) =>
  agreed
    ? deflate(...[SN, CN, 'server_max_window_bits', CB].filter((name) => agreed[name]).map((name) => (agreed[name] === true ? name : `${name}=${agreed[name]}`)))
    : '';

/** How a side compresses: whether it takes the context over, and with which window. */
const takesOver = (agreed, side) => !agreed[`${side}_no_context_takeover`];
const window = (agreed, side) => agreed[`${side}_max_window_bits`] ?? 15;

/* The messages. */

const latin1 = (bytes) => Buffer.from(bytes).toString('latin1');
const noise = (length) => Buffer.from(random.times(length, () => random.below(256)));
const LETTERS = 'etaoinshrdluETAOINSHRDLU0123456789.,';
const letters = (length) => random.times(length, () => LETTERS[random.below(LETTERS.length)]).join('');

/**
 * A message that repeats text from this many bytes back gets shorter only if the window reaches
 * that far. zlib needs some of the window for itself.
 */
const DISTANCES = [200, 700, 3000, 20_000];
const reaches = (bits, distance) => distance <= 2 ** Math.max(bits, 9) - 262;

/** Long enough for `ws` to compress it in any case. */
const SAID_BEFORE = letters(THRESHOLD.ws + 100);
const SHORT = [
  ...Array.from({ length: 3 }, () => ({ text: '' })),
  { binary: '' },
  { text: 'short' },
  { text: 'x'.repeat(THRESHOLD.ours - 1) },
  { text: 'x'.repeat(THRESHOLD.ours) },
  { text: SAID_BEFORE },
  { text: SAID_BEFORE },
  { text: 'grüße ☃ 👩‍👩‍👧 天気 🦀 '.repeat(20) },
  { binary: latin1(noise(500)), random: true },
  ...DISTANCES.map((distance) => {
    const half = latin1(noise(distance));
    return { binary: half + half, distance };
  }),
  { text: 'the end '.repeat(200) },
];
const LONG = [
  { text: 'compressible '.repeat(1 << 20).slice(0, 1 << 20) },
  { binary: latin1(randomFillSync(Buffer.alloc(1 << 20))), random: true },
];
const FRAGMENTED = [
  { message: { text: 'grüße ☃ 👩‍👩‍👧 天気 🦀, cut anywhere' }, size: 3, ping: 'between' },
  { message: { binary: latin1(noise(1000)).repeat(70) }, size: 20_000, ping: 'amid' },
];

const plain = ({ text, binary }) => (text === undefined ? { binary } : { text });
const payloadOf = ({ text, binary }) => (text === undefined ? Buffer.from(binary, 'latin1') : Buffer.from(text));

/* Inflates by zlib, which keeps to the agreed window. */

class Inflater {
  #chunks = [];

  constructor(bits) {
    // Within one call, zlib lets distances reach back into all of that call's output.
    const chunkSize = bits < 12 ? 64 : bits < 15 ? 512 : 1 << 16;
    this.zlib = zlib.createInflateRaw({ windowBits: bits, chunkSize }).on('data', (chunk) => this.#chunks.push(chunk));
    this.failed = once(this.zlib, 'error').then(([error]) => Promise.reject(error));
    this.failed.catch(() => {});
  }

  async inflate(payload) {
    this.zlib.write(payload);
    this.zlib.write(TAIL);
    await Promise.race([this.failed, new Promise((resolve) => this.zlib.flush(resolve))]);
    return Buffer.concat(this.#chunks.splice(0));
  }

  close() {
    this.zlib.close();
  }
}

/** Returns the data messages among frames. */
function messagesIn(frames) {
  const messages = [];
  for (const frame of frames) {
    if (frame.kind === 'text' || frame.kind === 'binary') messages.push({ kind: frame.kind, compressed: frame.rsv === 4, frames: [frame] });
    else if (frame.kind === 'continuation') messages.at(-1).frames.push(frame);
  }
  for (const message of messages) message.payload = Buffer.concat(message.frames.map(({ payload }) => payload));
  return messages;
}

/** Returns each message as it was before compression. */
async function inflated(messages, agreed, side) {
  const results = [];
  let inflater;
  for (const { compressed, payload } of messages) {
    if (!compressed) {
      results.push(payload);
      continue;
    }
    inflater ??= new Inflater(window(agreed, side));
    results.push(await inflater.inflate(payload));
    if (!takesOver(agreed, side)) {
      inflater.close();
      inflater = undefined;
    }
  }
  inflater?.close();
  return results;
}

/** Who sent a message twice, and whether that saved bytes. */
const savings = new Set();

/**
 * Whether a sender compresses a message whose first frame has `first` bytes. `undefined` means
 * unknown.
 */
const COMPRESSES = {
  ours: ({ said, first, fragmented, takeover, bits, minLen = THRESHOLD.ours }) => {
    if (!fragmented && first < minLen) return false;
    if (said.unsure && !takeover && !fragmented) return undefined;
    // The message may be shorter uncompressed.
    return takeover || fragmented || !(said.random || (said.distance && !reaches(bits, said.distance)));
  },
  ws: ({ first, takeover }) => takeover || first >= THRESHOLD.ws,
  websockets: () => true,
  Chromium: () => true,
};
const rule = (name) => COMPRESSES[name] ?? COMPRESSES.ours;

/** Two endpoints that compress, and a recorder between them. */
class Compressed extends Pair {
  /** `agreed` is the parameters that both sides hold, if they are more than `answer` says. */
  constructor(client, server, recorder, { offer, answer, agreed = answer, ours = {}, theirs = {}, what }) {
    super(client, server, checks);
    Object.assign(this, { recorder, offer, answer, ours, theirs });
    this.agreed = params(agreed);
    this.name = `${this.name}, ${what}`;
  }

  get inflates() {
    return true;
  }

  get settings() {
    return this.client === this.us ? this.ours : this.theirs;
  }

  async open(options = {}) {
    this.said = { client: [], server: [] };
    this.client.tell({ open: { address: this.recorder.address, deflate: this.settings, ...options } });
    for (const endpoint of [this.client, this.server]) {
      await this.sees(endpoint, 'opened', { open: this.opened(endpoint) });
    }
    this.wire = this.recorder.last;
    this.equal('the offer', this.wire.client.header(HEADER), this.offer);
    this.equal('the answer', this.wire.server.header(HEADER), this.answer);
  }

  /** The report that an endpoint must send when the connection opens. */
  opened({ name }) {
    const { agreed, answer } = this;
    const role = this.client.name === name ? 'client' : 'server';
    const other = role === 'client' ? 'server' : 'client';
    const subprotocol = null;
    switch (name) {
      case 'machine':
        return { extensions: asText(agreed), deflate_params: agreed ? asText(agreed) : null };
      case 'ws':
        // The client keeps to its own announcement, although the server's answer does not repeat
        // it.
        return agreed
          ? { subprotocol, extensions: 'permessage-deflate', params: role === 'server' ? params(answer) : { ...params(answer), ...(agreed[CB] && { [CB]: agreed[CB] }) } }
          : { subprotocol, extensions: '' };
      case 'websockets': {
        const says = (of) => `no_context_takeover=${of ? 'True' : 'False'}`;
        const both = agreed && [
          `remote_${says(!takesOver(agreed, other))}`, `local_${says(!takesOver(agreed, role))}`,
          `remote_max_window_bits=${window(agreed, other)}`, `local_max_window_bits=${window(agreed, role)}`,
        ];
        return { subprotocol, extensions: answer, ...(both && { params: `PerMessageDeflate(${both.join(', ')})` }) };
      }
      case 'Chromium':
        return { subprotocol, extensions: answer };
      default:
        return { subprotocol, extensions: asText(agreed) };
    }
  }

  role = (endpoint) => (endpoint === this.client ? 'client' : 'server');

  async arrives(from, what, messages, more = {}) {
    await super.arrives(from, what, messages.map(plain));
    const said = messages.map((message) => ({ ...message, ...more }));
    this.said[this.role(from)].push(...said);
    if (!this.server.driven) this.said.server.push(...messages);
  }

  /** Checks the recorded frames of both sides. */
  async onTheWire() {
    for (const [side, endpoint] of [['client', this.client], ['server', this.server]]) {
      const by = `${endpoint.name} on the wire`;
      const said = this.said[side];
      const frames = this.wire[side].frames();
      const others = frames.filter(({ kind }) => kind !== 'text' && kind !== 'binary');
      this.checks.ok(`${this.name}: ${by}: there are frames other than data`, others.length > 0);
      this.equal(`${by}: RSV bits of continuations and control frames`, others.filter(({ rsv }) => rsv !== 0), []);
      const messages = messagesIn(frames);
      this.equal(`${by}: messages`, messages.length, said.length);
      this.equal(`${by}: RSV bits other than RSV1`, frames.filter(({ rsv }) => rsv & 3), []);
      const compressed = messages.map((message) => message.compressed);
      if (!this.agreed) {
        this.equal(`${by}: nothing is compressed`, compressed, messages.map(() => false));
        continue;
      }
      const [takeover, bits] = [takesOver(this.agreed, side), window(this.agreed, side)];
      const minLen = endpoint === this.us ? this.ours.min_len : undefined;
      const expected = messages.map(({ frames }, i) => rule(endpoint.name)({
        said: said[i], first: said[i].size ?? payloadOf(said[i]).length, fragmented: frames.length > 1, takeover, bits, minLen,
      }));
      // Expect nothing where the outcome depends on zlib's result.
      this.equal(`${by}: compressed`, compressed, expected.map((it, i) => it ?? compressed[i]));
      const back = await inflated(messages, this.agreed, side).catch((error) => error);
      if (!this.checks.ok(`${this.name}: ${by}: zlib accepts the agreed window`, Array.isArray(back), back.message)) continue;
      this.equal(`${by}: inflated by zlib`, back.map(latin1), said.map((message) => latin1(payloadOf(message))));
      // Every sender writes an empty block for an empty message, however often it sends one.
      const empty = messages.filter(({ compressed }, i) => compressed && !back[i].length);
      this.equal(`${by}: compressed empty messages`, empty.filter(({ payload }) => payload.toString('hex') !== '00'), []);
      this.lengths(by, messages, said, { takeover, bits });
    }
  }

  /** Checks how many bytes context takeover and the window save. */
  lengths(by, messages, said, { takeover, bits }) {
    const again = messages.filter((_, i) => said[i].text === SAID_BEFORE);
    if (again.length === 2) {
      const [first, second] = again.map(({ payload }) => payload.length);
      // Too small a window saves nothing.
      const saves = takeover && reaches(bits, SAID_BEFORE.length);
      savings.add(`${by}, ${takeover ? (saves ? 'saved' : 'window too small') : 'no context takeover'}`);
      this.checks.ok(`${this.name}: ${by}: a repeated message`, saves ? second < first / 4 : second > first * 0.9, `${first} bytes, then ${second}`);
    }
    for (const [i, { compressed, payload }] of messages.entries()) {
      const { distance } = said[i];
      if (!distance || !compressed) continue;
      const saves = payload.length < distance * 1.5;
      this.checks.ok(`${this.name}: ${by}: repeated text at a distance of ${distance} bytes`, saves === reaches(bits, distance), `${payload.length} bytes`);
    }
  }
}

/** Sends the messages that every pair sends, and `more`; `only` selects some of them. */
async function converse(pair, { more = [], only = () => true, fragments = true } = {}) {
  await pair.open();
  const messages = [...SHORT, ...more].filter(only);
  for (const from of pair.driven) {
    for (const message of messages) from.tell(plain(message));
    await pair.arrives(from, 'messages', messages);
    if (!fragments || !canFragment(from)) continue;
    for (const fragmented of FRAGMENTED) {
      from.tell({ fragments: fragmented });
      await pair.sees(from, 'the pong between fragments', { pong: fragmented.ping });
      await pair.arrives(from, 'fragments', [fragmented.message], { size: fragmented.size });
    }
  }
  await pair.close();
  await pair.onTheWire();
}

const canFragment = ({ name }) => !['machine', 'Chromium'].includes(name);

/** Our `WebSocket`, one for each connection; text only. */
class Machine {
  name = 'machine';
  driven = true;
  #endpoint;

  tell(command) {
    if (command.open) this.#endpoint = Endpoint.machine({ role: 'client', ...command.open });
    else this.#endpoint.tell(command);
  }

  async listen(deflate) {
    this.#endpoint = Endpoint.machine({ role: 'server', deflate });
    await this.#endpoint.listens();
    this.address = this.#endpoint.address;
  }

  async next() {
    const { at: _, ...report } = await this.#endpoint.next();
    if (!report.close) return report;
    const { code, reason, clean, failure } = report.close;
    return failure ? { refused: failure } : { close: { code, reason, clean } };
  }

  async stop() {
    await this.#endpoint?.stop();
  }

  signal(name) {
    this.#endpoint?.signal(name);
  }
}

/* Offers and answers. */

/** Builds settings from parameters. */
const want = (...list) => params(deflate(...list));
const twice = (first, second) => `${first}, ${second}`;

/** For our server: the client's offer, the server's answer, and our server's settings. */
const OFFERED = [
  { offer: deflate(CB), answer: deflate() },
  { offer: deflate(CB), ours: { min_len: 0 }, answer: deflate() },
  { offer: deflate(), answer: deflate() },
  { offer: deflate(SN, CB), answer: deflate(SN) },
  { offer: deflate(CN, CB), answer: deflate(CN) },
  { offer: deflate(sb(8), CB), answer: '' },
  { offer: twice(deflate(sb(8), CB), deflate(CN, CB)), answer: deflate(CN), peers: ['websockets'] },
  ...[9, 10, 12, 15].map((bits) => ({ offer: deflate(sb(bits), CB), answer: deflate(sb(bits)) })),
  // zlib writes no window of 8 bits, and Python reports an error. `ws` has zlib use 9 bits, of
  // which it uses fewer than 256 bytes.
  { offer: deflate(cb(8)), answer: deflate(cb(8)), peers: ['ws'] },
  ...[9, 10, 12, 15].map((bits) => ({ offer: deflate(cb(bits)), answer: deflate(cb(bits)) })),
  { offer: deflate(SN, CN, sb(10), cb(12)), answer: deflate(SN, CN, sb(10), cb(12)) },
  { offer: deflate(SN, CN), answer: deflate(SN, CN) },
  { offer: deflate(CB), ours: want(SN), answer: deflate(SN) },
  { offer: deflate(CB), ours: want(CN), answer: deflate(CN) },
  { offer: deflate(CB), ours: want(SN, CN, sb(9), cb(9)), answer: deflate(SN, CN, sb(9), cb(9)) },
  { offer: deflate(CB), ours: want(sb(8)), answer: deflate(sb(9)) },
  { offer: deflate(CB), ours: want(sb(10)), answer: deflate(sb(10)) },
  { offer: deflate(sb(9), CB), ours: want(sb(12)), answer: deflate(sb(9)) },
  { offer: deflate(sb(15), CB), ours: want(sb(12)), answer: deflate(sb(12)) },
  { offer: deflate(CB), ours: want(cb(8)), answer: deflate(cb(8)), peers: ['ws'] },
  { offer: deflate(CB), ours: want(cb(12)), answer: deflate(cb(12)) },
  { offer: deflate(cb(10)), ours: want(cb(12)), answer: deflate(cb(10)) },
  { offer: deflate(cb(15)), ours: want(cb(12)), answer: deflate(cb(12)) },
  { offer: deflate(), ours: want(cb(12)), answer: deflate() },
  {
    offer: deflate(CB), ours: want(cb(8)), peers: ['websockets'], answer: deflate(cb(8)),
    refused: "Unsupported extension: name = permessage-deflate, params = [('client_max_window_bits', '8')]",
  },
];

/** For Chromium, whose offer is always the same. */
const WANTED = [
  [], [SN], [CN], ...[9, 10, 12, 15].map((bits) => [sb(bits)]), ...[8, 9, 10, 12, 15].map((bits) => [cb(bits)]), [SN, CN, sb(10), cb(12)],
];

const BAD_ANSWER = 'the server uses an extension with other parameters than offered';
/**
 * `ws` refuses the connection instead of declining an offer that it cannot accept (RFC 6455,
 * section 9.1).
 */
const STATUS_400 = 'the server answered with status 400';

/** For our client: its settings and its offer, the server's settings, and the server's answer. */
const ASKED = [
  { offer: deflate(CB), answer: deflate() },
  { ours: { min_len: 0 }, offer: deflate(CB), answer: deflate() },
  { ours: want(SN), offer: twice(deflate(SN, CB), deflate(CB)), answer: deflate(SN) },
  { ours: { ...want(SN), fallback: false }, offer: deflate(SN, CB), answer: deflate(SN) },
  { ours: want(CN), offer: deflate(CN, CB), answer: deflate(CN) },
  ...[9, 10, 12, 15].map((bits) => ({ ours: want(sb(bits)), offer: twice(deflate(sb(bits), CB), deflate(CB)), answer: deflate(sb(bits)) })),
  { ours: { ...want(sb(9)), fallback: false }, offer: deflate(sb(9), CB), answer: deflate(sb(9)) },
  { ours: want(sb(8)), offer: twice(deflate(sb(8), CB), deflate(CB)), answer: deflate(sb(8)), peers: ['ws'] },
  { ours: want(sb(8)), offer: twice(deflate(sb(8), CB), deflate(CB)), answer: deflate(), peers: ['websockets'] },
  { ours: { ...want(sb(8)), fallback: false }, offer: deflate(sb(8), CB), answer: '', peers: ['websockets'] },
  ...[9, 10, 12].map((bits) => ({ ours: want(cb(bits)), offer: deflate(cb(bits)), answer: deflate(cb(bits)) })),
  { ours: want(cb(8)), offer: deflate(cb(9)), answer: deflate(cb(9)) },
  { ours: want(cb(15)), offer: deflate(CB), answer: deflate() },
  {
    ours: want(SN, CN, sb(10), cb(12)),
    offer: twice(deflate(SN, CN, sb(10), cb(12)), deflate(CN, cb(12))),
    answer: deflate(SN, CN, sb(10), cb(12)),
  },
  { theirs: want(SN), offer: deflate(CB), answer: deflate(SN) },
  { theirs: want(CN), offer: deflate(CB), answer: deflate(CN) },
  ...[9, 10, 12, 15].map((bits) => ({ theirs: want(sb(bits)), offer: deflate(CB), answer: deflate(sb(bits)) })),
  ...[9, 10, 12, 15].map((bits) => ({ theirs: want(cb(bits)), offer: deflate(CB), answer: deflate(cb(bits)) })),
  { theirs: want(SN, CN, sb(10), cb(12)), offer: deflate(CB), answer: deflate(cb(12), SN, CN, sb(10)), peers: ['ws'] },
  { theirs: want(SN, CN, sb(10), cb(12)), offer: deflate(CB), answer: deflate(SN, CN, sb(10), cb(12)), peers: ['websockets'] },
  { theirs: null, offer: deflate(CB), answer: deflate(sb(12), cb(12)), peers: ['websockets'] },
  { theirs: want(cb(8)), offer: deflate(CB), answer: deflate(cb(8)), refused: BAD_ANSWER },
  { ours: want(sb(15)), theirs: want(sb(12)), offer: twice(deflate(sb(15), CB), deflate(CB)), answer: deflate(sb(12)) },
  { ours: want(sb(10)), theirs: want(sb(12)), offer: twice(deflate(sb(10), CB), deflate(CB)), answer: deflate(sb(12)), peers: ['ws'] },
  { ours: want(sb(10)), theirs: want(sb(12)), offer: twice(deflate(sb(10), CB), deflate(CB)), answer: deflate(sb(10)), peers: ['websockets'] },
  { ours: { ...want(sb(10)), fallback: false }, theirs: want(sb(12)), offer: deflate(sb(10), CB), answer: '', refused: STATUS_400, peers: ['ws'] },
  { ours: want(cb(12)), theirs: want(cb(10)), offer: deflate(cb(12)), answer: deflate(cb(10)) },
  { ours: want(cb(10)), theirs: want(cb(12)), offer: deflate(cb(10)), answer: '', refused: STATUS_400, peers: ['ws'] },
  { ours: want(cb(10)), theirs: want(cb(12)), offer: deflate(cb(10)), answer: deflate(cb(10)), peers: ['websockets'] },
  { ours: want(SN), theirs: { [SN]: false }, offer: twice(deflate(SN, CB), deflate(CB)), answer: deflate(), peers: ['ws'] },
  { ours: { ...want(SN), fallback: false }, theirs: { [SN]: false }, offer: deflate(SN, CB), answer: '', refused: STATUS_400, peers: ['ws'] },
  { ours: want(sb(10)), theirs: { server_max_window_bits: false }, offer: twice(deflate(sb(10), CB), deflate(CB)), answer: deflate(), peers: ['ws'] },
  // Our client keeps to its own announcement, whatever the answer.
  { ours: want(cb(10)), theirs: { [CB]: false }, offer: deflate(cb(10)), answer: deflate(), agreed: deflate(cb(10)), peers: ['ws'] },
];

/** Returns the settings of a client that makes these offers: one, or a list of them. */
function offering(offer) {
  const list = offer.split(', ').map((one) => ({ [CB]: false, ...params(one) }));
  return list.length > 1 ? list : list[0];
}

const label = ({ offer, answer, ours, theirs }) =>
  [`${offer.replaceAll('permessage-deflate', 'p-d')} -> ${answer.replace('permessage-deflate', 'p-d') || 'nothing'}`, ours && `ours ${JSON.stringify(ours)}`, theirs && `theirs ${JSON.stringify(theirs)}`]
    .filter(Boolean).join(', ');

/** Everything that runs, so that it is stopped whatever happens. */
const props = new Set();
process.on('exit', () => props.forEach((prop) => prop.signal?.('SIGKILL')));
process.on('SIGTERM', () => process.exit(1));

/**
 * Runs a group of checks that uses its own programs. An exception counts as a failure, and the
 * other groups go on.
 */
async function group(name, work) {
  const began = performance.now();
  const own = [];
  const keep = (prop) => {
    own.push(prop);
    props.add(prop);
    return prop;
  };
  try {
    await work(keep);
  } catch (error) {
    checks.ok(name, false, error.stack);
  }
  for (const prop of own) {
    await prop.stop();
    props.delete(prop);
  }
  console.log(`  ${name.padEnd(44)} ${Math.round(performance.now() - began)} ms`);
}

/** Makes a server listen again with these settings, behind a recorder. */
async function listening(server, settings) {
  if (server instanceof Machine) {
    await server.listen(settings);
  } else {
    server.tell({ listen: settings });
    await server.listens();
  }
  return Recorder.before(server.address);
}

/** Makes one connection and checks everything about it. */
async function meet(client, server, recorder, terms, options) {
  const pair = new Compressed(client, server, recorder, { what: label(terms), ...terms });
  try {
    if (terms.refused) await refusing(pair, terms.refused);
    else await converse(pair, options);
  } finally {
    recorder.stop();
  }
}

/** Makes a handshake that fails, and checks the client's report. */
async function refusing(pair, why) {
  pair.client.tell({ open: { address: pair.recorder.address, deflate: pair.settings } });
  await pair.sees(pair.client, 'refused', { refused: why });
  pair.equal('the offer', pair.recorder.last.client.header(HEADER), pair.offer);
  pair.equal('the answer', pair.recorder.last.server.header(HEADER), pair.answer);
  if (why === STATUS_400) return;
  await pair.sees(pair.server, 'opened', { open: pair.opened(pair.server) });
  const end = pair.server === pair.us ? { failed: 'no close frame' } : { close: { code: 1006, reason: '', clean: false } };
  await pair.sees(pair.server, 'a client that refuses', end);
}

const isText = ({ text }) => text !== undefined;
const TEXT_ONLY = { only: isText, fragments: false };
const forPeer = (name) => ({ peers }) => !peers || peers.includes(name);

const theirClient = (keep, peer) => keep(Endpoint.client(peer));
const theirServer = async (keep, peer) => keep(await Endpoint.server(peer));
const ourClient = (keep) => keep(Endpoint.client('eventwire'));
const ourServer = async (keep) => keep(await Endpoint.server('eventwire'));

/** Tries every combination with our `Connection` and with our `WebSocket`. */
async function combinations(peer) {
  await group(`${peer} to ours, offered`, async (keep) => {
    const client = theirClient(keep, peer);
    const [server, machine] = [await ourServer(keep), keep(new Machine())];
    for (const terms of OFFERED.filter(forPeer(peer))) {
      const all = { ours: {}, what: label(terms), ...terms, theirs: offering(terms.offer) };
      for (const us of terms.refused ? [server] : [server, machine]) {
        await meet(client, us, await listening(us, all.ours), all, us === machine ? TEXT_ONLY : {});
      }
    }
  });
  await group(`ours to ${peer}, asked`, async (keep) => {
    const server = await theirServer(keep, peer);
    const [client, machine] = [ourClient(keep), keep(new Machine())];
    for (const terms of ASKED.filter(forPeer(peer))) {
      const all = { ours: {}, theirs: {}, what: label(terms), ...terms };
      for (const us of terms.refused ? [client] : [client, machine]) {
        await meet(us, server, await listening(server, all.theirs), all, us === machine ? TEXT_ONLY : {});
      }
    }
  });
  await group(`${peer} and ours, long messages`, async (keep) => {
    const [what, options] = ['long', { more: LONG }];
    for (const list of [[], [SN, CN]]) {
      const [offer, answer] = [deflate(...list, CB), deflate(...list)];
      const [server, us] = [await theirServer(keep, peer), await ourServer(keep)];
      await meet(ourClient(keep), server, await listening(server, want(...list)), { offer: deflate(CB), answer, what }, options);
      await meet(theirClient(keep, peer), us, await listening(us, {}), { offer, answer, theirs: offering(offer), what }, options);
    }
  });
  await group(`${peer} and ours, at random`, (keep) => atRandom(peer, keep));
  await group(`${peer} to echo_server`, (keep) => toEchoServer(keep, theirClient(keep, peer)));
  await group(`ours to ${peer}, the protocol`, async (keep) => {
    const server = await theirServer(keep, peer);
    const recorder = await listening(server, {});
    const pair = new Compressed(ourClient(keep), server, recorder, { offer: deflate(CB), answer: deflate(), what: 'the protocol' });
    await protocol(pair);
    await conversations.limit(pair, 1000, { max_message: 1000 });
    await conversations.fragmentLimit(pair);
    recorder.stop();
  });
}

/** Everything that works without compression must work with it. */
async function protocol(pair) {
  const { closings, fragments, invalidText, pings, pipeline } = conversations;
  for (const talk of [fragments, pings, pipeline, closings, invalidText]) await talk(pair);
}

async function toEchoServer(keep, client) {
  const terms = { offer: deflate(CB), answer: deflate(), what: 'as an example' };
  const server = keep(await EchoServer.start('--deflate'));
  await meet(client, server, await Recorder.before(server.address), terms, { more: LONG });
  if (!canFragment(client)) return;
  const recorder = await Recorder.before(server.address);
  await protocol(new Compressed(client, server, recorder, terms));
  recorder.stop();
  const limited = keep(await EchoServer.start('--deflate', '--max-message', '1000'));
  const before = await Recorder.before(limited.address);
  await conversations.limit(new Compressed(client, limited, before, terms), 1000);
  before.stop();
}

/* Random messages. */

const WORDS = letters(4000).match(/.{1,9}/g);
const MAKES = {
  text: (random, length) => random.times(Math.ceil(length / 5), () => random.pick(WORDS)).join(' ').slice(0, length),
  unicode: (random, length) => random.times(Math.ceil(length / 4), () => random.pick(['ß', '天', '🦀', 'a', ' ', '\0'])).join(''),
  noise: (random, length) => randomBytes(random, length),
  runs: (random, length) => {
    const runs = [];
    for (let left = length; left > 0; left -= runs.at(-1).length) {
      runs.push(Buffer.alloc(Math.min(left, 1 + random.below(random.pick([10, 300, 40_000]))), random.below(256)));
    }
    return Buffer.concat(runs);
  },
  mixed: (random, length) => Buffer.concat([randomBytes(random, length >> 2), Buffer.alloc(length >> 1, 'again '), randomBytes(random, length >> 2)]),
};

/** Returns random bytes by xorshift: drawing each byte from `random` would take too long. */
function randomBytes(random, length) {
  let state = random.below(2 ** 31) | 1;
  return Buffer.from(Uint8Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    return (state ^= state << 5) & 255;
  }));
}

/** Returns a message of up to 200 KiB, more often a short one. */
function message(random) {
  const kind = random.pick(Object.keys(MAKES));
  const made = MAKES[kind](random, random.below(random.pick([1, 20, 1000, 20_000, 200 << 10]) + 1));
  return typeof made === 'string' ? { text: made, kind } : { binary: latin1(made), kind };
}

/** Tests our compressors with any settings. zlib reads their output off the wire. */
async function atRandom(peer, keep) {
  const clients = { theirs: theirClient(keep, peer), ours: ourClient(keep) };
  const servers = { theirs: await theirServer(keep, peer), ours: await ourServer(keep) };
  for (let i = 0; i < 6; i += 1) {
    const chance = new Random(seed() * 1000 + i);
    const bits = () => (chance.percent(50) ? 9 + chance.below(7) : undefined);
    const wanted = { [SN]: chance.percent(30) || undefined, [CN]: chance.percent(30) || undefined, server_max_window_bits: bits(), [CB]: bits() };
    const ours = { ...wanted, level: chance.below(10), memory_level: 1 + chance.below(9), min_len: chance.pick([0, 1, 64, 5000]) };
    const more = chance.times(6, () => ({ ...message(chance), unsure: true }));
    const options = { more, only: (message) => message.unsure };
    const what = JSON.stringify(ours);
    const own = wanted[CB] === 15 ? undefined : wanted[CB];
    const first = asText({ ...wanted, [CB]: own ?? true });
    const second = asText({ [CN]: wanted[CN], [CB]: own ?? true });
    const offer = first === second ? first : twice(first, second);
    await meet(clients.ours, servers.theirs, await listening(servers.theirs, {}), { ours, offer, answer: asText({ ...wanted, [CB]: own }), what }, options);
    await meet(clients.theirs, servers.ours, await listening(servers.ours, ours), { ours, theirs: offering(deflate(CB)), offer: deflate(CB), answer: asText(wanted), what }, options);
  }
}

const { Z_BLOCK, Z_FULL_FLUSH, Z_PARTIAL_FLUSH, Z_SYNC_FLUSH } = zlib.constants;
const STRATEGIES = {
  default: zlib.constants.Z_DEFAULT_STRATEGY,
  filtered: zlib.constants.Z_FILTERED,
  'Huffman only': zlib.constants.Z_HUFFMAN_ONLY,
  RLE: zlib.constants.Z_RLE,
  'fixed Huffman': zlib.constants.Z_FIXED,
};

class Deflater {
  #chunks = [];

  constructor(options) {
    this.zlib = zlib.createDeflateRaw(options).on('data', (chunk) => this.#chunks.push(chunk));
  }

  async flush(data, how) {
    this.zlib.write(data);
    await new Promise((resolve) => this.zlib.flush(how, resolve));
    return Buffer.concat(this.#chunks.splice(0));
  }

  /** Ends the stream with a block that is marked as the last. */
  async finish(data) {
    this.zlib.end(data);
    await once(this.zlib, 'end');
    return Buffer.concat(this.#chunks.splice(0));
  }

  close() {
    this.zlib.close();
  }
}

/**
 * Returns messages as zlib compresses them, in frames cut anywhere. `seen` counts the cases that
 * occur.
 */
async function compressedStream(random, seen) {
  const strategy = random.pick(Object.keys(STRATEGIES));
  const options = { windowBits: 9 + random.below(7), memLevel: 1 + random.below(9), level: random.below(10), strategy: STRATEGIES[strategy] };
  const takeover = random.percent(70);
  const count = (what) => seen.set(what, (seen.get(what) ?? 0) + 1);
  const frames = [];
  const expected = [];
  let deflater;
  const anew = () => {
    deflater?.close();
    deflater = undefined;
  };
  count(strategy);
  for (let left = 1 + random.below(8); left > 0; left -= 1) {
    const it = message(random);
    const data = payloadOf(it);
    let payload = data;
    const compressed = random.percent(90);
    if (compressed) {
      if (!takeover) anew();
      const pieces = [];
      let from = 0;
      while (random.percent(30)) {
        deflater ??= new Deflater(options);
        const to = from + random.below(data.length - from + 1);
        if (random.percent(30)) {
          pieces.push(await deflater.finish(data.subarray(from, to)));
          deflater = undefined;
          count('BFINAL within');
        } else {
          pieces.push(await deflater.flush(data.subarray(from, to), random.pick([Z_SYNC_FLUSH, Z_FULL_FLUSH, Z_PARTIAL_FLUSH, Z_BLOCK])));
          count('flushed within');
        }
        from = to;
      }
      deflater ??= new Deflater(options);
      if (random.percent(20)) {
        // The sender leaves out the end of an empty block, which this byte begins (RFC 7692,
        // section 7.2.3.4).
        pieces.push(await deflater.finish(data.subarray(from)), Buffer.alloc(1));
        deflater = undefined;
        payload = Buffer.concat(pieces);
        count('BFINAL at the end');
      } else {
        pieces.push(await deflater.flush(data.subarray(from), Z_SYNC_FLUSH));
        payload = Buffer.concat(pieces);
        if (!payload.subarray(-4).equals(TAIL)) throw new Error('zlib wrote no empty block');
        payload = payload.subarray(0, -4);
        count('flushed at the end');
      }
    }
    count(compressed ? `${it.kind}, compressed` : 'not compressed');
    expected.push(isText(it) ? { type: 'text', data: it.text } : { type: 'binary', hex: data.toString('hex') });
    const cuts = random.percent(60) ? random.times(random.below(6), () => random.below(payload.length + 1)).sort((a, b) => a - b) : [];
    if (cuts.length) count('fragments');
    let at = 0;
    for (const [i, cut] of [...cuts, payload.length].entries()) {
      const kind = i ? 'continuation' : isText(it) ? 'text' : 'binary';
      frames.push(frame(kind, payload.subarray(at, cut), { fin: i === cuts.length, rsv: compressed && i === 0 ? 4 : 0 }));
      at = cut;
      if (random.percent(20)) {
        frames.push(frame('ping', 'amid'));
        // The message is reported after a ping that came between its frames.
        expected.splice(i < cuts.length ? expected.length - 1 : expected.length, 0, { type: 'ping', hex: '616d6964' });
      }
    }
  }
  anew();
  return { bytes: Buffer.concat(frames), expected, options, takeover };
}

async function differential() {
  const count = Number(process.env.STREAMS ?? 150);
  const seen = new Map();
  const failures = [];
  let bytes = 0;
  await pool(Array.from({ length: count }), 2, async (_, i) => {
    const chance = new Random(seed() * 100_000 + i);
    const stream = await compressedStream(chance, seen);
    bytes += stream.bytes.length;
    const chunk = 1 + chance.below(chance.pick([1, 10, 1000, 100_000]));
    const { stdout } = await run(example('ws2json'), ['--role', 'server', '--deflate', '--chunk', `${chunk}`], stream.bytes);
    const name = `stream ${i} of zlib, ${JSON.stringify(stream.options)}, chunks of ${chunk}`;
    if (!checks.equal(name, jsonLines(stdout), stream.expected)) failures.push({ i, chunk, ...stream, bytes: stream.bytes.toString('hex') });
  });
  for (const [what, times] of [...seen].sort()) console.log(`    ${what.padEnd(24)} ${times}`);
  const kinds = Object.keys(MAKES).map((kind) => `${kind}, compressed`);
  const ways = ['fragments', 'flushed within', 'flushed at the end', 'BFINAL within', 'BFINAL at the end', 'not compressed'];
  for (const what of [...Object.keys(STRATEGIES), ...kinds, ...ways]) {
    checks.ok(`zlib's streams: ${what}`, seen.get(what) >= Math.min(10, count / 15), 'too few');
  }
  console.log(`    ${count} streams, ${bytes} bytes`);
  if (failures.length > 0) {
    const file = artefact('deflate-failures.json');
    writeFileSync(file, JSON.stringify(failures.slice(0, 20), null, 1));
    console.log(`  the first of ${failures.length} failing streams are in ${file}`);
  }
}

/* Frames made by hand, including bombs. */

const MIB = 1 << 20;

/** Returns about 1 MiB that inflates to 1 GiB of zeros. */
async function bomb() {
  const deflater = new Deflater({ level: 9 });
  const zeros = Buffer.alloc(MIB);
  const first = await deflater.flush(zeros, Z_SYNC_FLUSH);
  // Each further MiB compresses to the same bytes, because it refers to zeros and ends at a byte.
  const next = await deflater.flush(zeros, Z_SYNC_FLUSH);
  deflater.close();
  return Buffer.concat([first, ...Array.from({ length: 1023 }, () => next)]).subarray(0, -4);
}

async function bombs(keep) {
  const payload = await bomb();
  checks.ok('bomb: its size', payload.length > 0.9 * MIB && payload.length < 1.1 * MIB, `${payload.length} bytes`);
  let length = 0;
  const inflate = zlib.createInflateRaw({ chunkSize: MIB }).on('data', (chunk) => (length += chunk.length));
  inflate.end(Buffer.concat([payload, TAIL, Buffer.from([1, 0, 0, 0xff, 0xff])]));
  await once(inflate, 'end');
  checks.equal('bomb: its inflated size', length, 1024 * MIB);

  const server = keep(await EchoServer.start('--deflate'));
  const pieces = 16;
  const size = Math.ceil(payload.length / pieces);
  const inPieces = Array.from({ length: pieces }, (_, i) =>
    frame(i ? 'continuation' : 'binary', payload.subarray(i * size, (i + 1) * size), { rsv: i ? 0 : 4, fin: i === pieces - 1 }));
  for (const [how, bytes] of Object.entries({ 'one frame': frame('binary', payload, { rsv: 4 }), [`${pieces} frames`]: Buffer.concat(inPieces) })) {
    const client = await RawClient.open(server.address, '/', { [HEADER]: deflate() });
    checks.ok(`bomb in ${how}: compression is agreed on`, (await client.head()).includes(`\r\n${HEADER}: ${deflate()}`));
    client.socket.write(bytes);
    const close = await client.closed(20);
    checks.equal(`bomb in ${how}: answered`, close.code ?? close, 1009);
    client.socket.destroy();
  }
  const peak = Number(readFileSync(`/proc/${server.pid}/status`, 'utf8').match(/^VmHWM:\s+(\d+) kB$/m)[1]) >> 10;
  checks.ok('bomb: memory', peak < 128, `${peak} MiB`);
  console.log(`    ${payload.length} bytes for 1 GiB; the server had ${peak} MiB at most`);
  checks.equal('bomb: the next client', await answers(server, [frame('text', 'still there')]), ['still there', 1000]);
}

const RSV1 = { rsv: 4 };
/** Frames made by hand and our server's answer: messages, and a close code. */
const BY_HAND = {
  'nothing at all, which zlib never writes': [[frame('text', '', RSV1), frame('text', '', RSV1)], ['', '', 1000]],
  'nothing at all, in fragments': [[frame('text', '', { ...RSV1, fin: false }), frame('continuation', '')], ['', 1000]],
  'an empty stored block': [[frame('text', [0x00], RSV1)], ['', 1000]],
  'an empty block of fixed codes': [[frame('text', [0x02, 0x00], RSV1)], ['', 1000]],
  'an empty block that is the last': [[frame('text', [0x01, 0, 0, 0xff, 0xff, 0x00], RSV1)], ['', 1000]],
  'a kind of block that there is not': [[frame('text', [0x07], RSV1)], [1007]],
  'half a block': [[frame('text', [0xca, 0x48, 0xcd], RSV1)], [1007]],
  'RSV1 on a ping': [[frame('ping', '', RSV1)], [1002]],
  'RSV1 on a continuation': [[frame('text', [0x00], { ...RSV1, fin: false }), frame('continuation', [0x00], RSV1)], [1002]],
  'RSV2': [[frame('text', '', { rsv: 2 })], [1002]],
};

/** Returns our server's answer to frames, with compression offered, or with other `headers`. */
async function answers(server, frames, headers = { [HEADER]: deflate() }) {
  const client = await RawClient.open(server.address, '/', headers, Buffer.concat([...frames, frame('close', [0x03, 0xe8])]));
  const close = await client.closed(10);
  const before = client.frames().filter(({ kind }) => kind !== 'close');
  client.socket.destroy();
  return [...before.map(({ payload }) => payload.toString()), close.code ?? close];
}

async function byHand(keep) {
  const server = keep(await EchoServer.start('--deflate'));
  for (const [what, [frames, expected]] of Object.entries(BY_HAND)) checks.equal(`${what}, by hand`, await answers(server, frames), expected);
  checks.equal('RSV1 without agreement, by hand', await answers(server, [frame('text', [0x00], RSV1)], {}), [1002]);
}

/* Chromium. */

/** A page, driven like the other endpoints. */
class Page {
  name = 'Chromium';
  driven = true;
  #reports = [];
  #arrived = () => {};

  static async open(page) {
    const endpoint = new Page();
    endpoint.page = page;
    await page.exposeFunction('report', (report) => {
      endpoint.#reports.push(report);
      endpoint.#arrived();
    });
    return endpoint;
  }

  tell(command) {
    const [[name, value]] = Object.entries(command);
    this.page.evaluate(inPage, { name, value }).catch((error) => checks.ok(`Chromium: ${name}`, false, error.stack));
  }

  async next() {
    const end = Date.now() + 30_000;
    while (!this.#reports.length) {
      if (Date.now() > end) throw new Error('Chromium was silent for too long');
      await Promise.race([new Promise((resolve) => (this.#arrived = resolve)), new Promise((resolve) => setTimeout(resolve, 1000).unref())]);
    }
    return this.#reports.shift();
  }
}

/** Runs in the page. */
function inPage({ name, value }) {
  if (name === 'text') return globalThis.socket.send(value);
  if (name === 'binary') return globalThis.socket.send(Uint8Array.from(value, (character) => character.charCodeAt(0)));
  if (name === 'close') return globalThis.socket.close(value.code, value.reason);
  const bytes = (buffer) => {
    let text = '';
    const array = new Uint8Array(buffer);
    for (let at = 0; at < array.length; at += 4096) text += String.fromCharCode(...array.subarray(at, at + 4096));
    return text;
  };
  const socket = new WebSocket(`ws://${value.address}/`);
  globalThis.socket = socket;
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => report({ open: { subprotocol: socket.protocol || null, extensions: socket.extensions } });
  socket.onmessage = ({ data }) => report(typeof data === 'string' ? { text: data } : { binary: bytes(data) });
  socket.onclose = ({ code, reason, wasClean: clean }) => report({ close: { code, reason, clean } });
  return undefined;
}

async function browser() {
  const origin = await serve((_, response) => sendPage(response));
  const chromium = await launch();
  try {
    const page = await chromium.newPage();
    await page.goto(origin.origin);
    const client = await Page.open(page);
    await group(`Chromium ${chromium.version()} to ours`, async (keep) => {
      const [server, machine] = [await ourServer(keep), keep(new Machine())];
      // A server that does not compress.
      await meet(client, server, await Recorder.before(server.address), { offer: deflate(CB), answer: '' });
      for (const wanted of WANTED) {
        const terms = { offer: deflate(CB), ours: want(...wanted), answer: deflate(...wanted) };
        for (const us of [server, machine]) await meet(client, us, await listening(us, terms.ours), terms, us === machine ? TEXT_ONLY : {});
      }
    });
    await group('Chromium to echo_server', (keep) => toEchoServer(keep, client));
  } finally {
    await chromium.close();
    origin.close();
  }
}

console.log(`  seed ${seed()}`);
await Promise.all(['ws', 'websockets'].map(combinations));
await browser();
for (const name of ['eventwire', 'machine', 'ws', 'websockets', 'Chromium']) {
  for (const what of ['saved', 'window too small', 'no context takeover']) {
    checks.ok(`a repeated message: ${name}, ${what}`, savings.has(`${name} on the wire, ${what}`), 'did not occur');
  }
}
await group('by hand', byHand);
await group('bombs', bombs);
await group('streams of zlib', differential);
checks.done();
