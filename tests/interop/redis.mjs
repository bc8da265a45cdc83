// The example `redis_fanout`: several servers, one stream, and clients that miss nothing whatever
// fails.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Checks, Random, launch, seed, until } from './common.mjs';
import { Balancer, FetchReader, NpmReader, PageReader, ProgramReader, Redis, Server } from './fanout.mjs';

/** A short history, so that many clients find nothing in it when they return, and need Redis. */
const HISTORY = 64;
const OPTIONS = ['--history', HISTORY, '--keep-alive', 1];

/** How many entries the example reads from Redis at once. */
const PAGE = 128;

/** How many publishers run at the same time, and how long each pauses in milliseconds. */
const PUBLISHERS = 3;
const PAUSE = 25;

const AWAY = 'Redis is away: nothing was published\n';
const NO_ANSWER = /^Redis did not say whether this was published: .+\n$/;

const checks = new Checks('redis');
const random = new Random(seed());
const folder = mkdtempSync(`${tmpdir()}/eventwire-redis-`);
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

const redis = new Redis(folder);
const server = async (...options) => new Server(redis, ...OPTIONS, ...options).start();

/** Publishes through a server, retrying until the server has found Redis. */
async function published(server, data) {
  const answer = await until(async () => {
    const answer = await server.publish(data);
    return answer.status === 200 && answer;
  });
  return { id: answer.text, data };
}

/** Compares two ids. An id is two numbers, and ids are ordered by them. */
function before(a, b) {
  const [[ams, an], [bms, bn]] = [a, b].map((id) => id.split('-').map(BigInt));
  return ams === bms ? an < bn : ams < bms;
}

const inOrder = (entries) => entries.every(({ id }, i) => i === 0 || before(entries[i - 1].id, id));

/** Waits until a reader has reached this entry. */
async function upTo(reader, { id }, seconds = 20) {
  return until(async () => {
    await reader.look?.();
    return reader.seen.at(-1)?.id === id;
  }, seconds);
}

/** Publishes numbered events to the servers in turn, and never the same event twice. */
class Publisher {
  #stopped = false;
  #done;
  published = 0;
  acknowledged = [];
  refusals = [];
  broken = 0;

  constructor(servers) {
    this.#done = Promise.all(Array.from({ length: PUBLISHERS }, () => this.#run(servers)));
  }

  async #run(servers) {
    while (!this.#stopped) {
      const n = (this.published += 1);
      const data = `event ${n} ☂`;
      try {
        const { status, text } = await servers[n % servers.length].publish(data);
        if (status === 200) this.acknowledged.push({ id: text, data });
        else this.refusals.push({ status, text, data });
      } catch {
        this.broken += 1; // no server is running, or none is any longer
      }
      await sleep(PAUSE);
    }
  }

  stop() {
    this.#stopped = true;
    return this.#done;
  }
}

/** Checks the servers' messages on standard error. */
function complaints(name, { complaints }, outages) {
  const expected = Array.from({ length: outages }, () => ['away', 'back']).flat();
  const words = complaints.map((line) => line.match(/^redis_fanout: Redis is (away: \S.*|back)$/)?.[1].slice(0, 4));
  checks.equal(`${name}: one message when Redis goes, one when it is back`, words, expected);
}

/**
 * Takes Redis away for as long as `play` takes. All servers must notice when it goes and when it
 * returns.
 */
async function outage(name, servers, go, play, come) {
  const before = new Map(servers.map((server) => [server, server.complaints.length]));
  const noticed = (lines) => until(() => servers.every((server) => server.complaints.length === before.get(server) + lines), 10);
  const pids = servers.map(({ pid }) => pid);
  const began = performance.now();
  await go();
  checks.ok(`${name}: noticed`, await noticed(1), JSON.stringify(servers.map(({ complaints }) => complaints)));
  const gone = performance.now();
  await play();
  const back = performance.now();
  await come();
  checks.ok(`${name}: noticed that it is back`, await noticed(2), JSON.stringify(servers.map(({ complaints }) => complaints)));
  checks.ok(`${name}: the servers keep running`, servers.every(({ running, pid }, i) => running && pid === pids[i]));
  const ms = (from, to) => `${Math.round(to - from)} ms`;
  console.log(`  ${name}: noticed after ${ms(began, gone)}, that it is back after ${ms(back, performance.now())}`);
}

/** Several servers, with readers of all kinds on any of them. */
async function chaos(browser) {
  const servers = [await server(), await server(), await server()];
  const balancer = new Balancer(servers);
  await balancer.start();
  const { origin } = balancer;
  const readers = {
    fetch: new FetchReader(origin),
    'npm eventsource': new NpmReader(origin),
    'Python httpx-sse': ProgramReader.python(origin),
    'Chromium EventSource': await PageReader.open(browser, origin),
    'our EventSource': ProgramReader.machine(origin),
  };
  const connected = async () => {
    await readers['Chromium EventSource'].look();
    return Object.values(readers).every(({ connects }) => connects > 0);
  };
  if (!checks.ok('all readers connect', await until(connected))) return;
  const start = await published(servers[0], 'the first');
  const first = start.id;
  for (const [name, reader] of Object.entries(readers)) checks.ok(`${name}: the first event`, await upTo(reader, start));

  const publisher = new Publisher(servers);
  const cutting = setInterval(() => balancer.cut(random), 400);
  await sleep(1000);

  await servers[0].stop('SIGKILL');
  await sleep(700);
  servers[0] = await server();
  await sleep(700);
  await servers[1].stop('SIGTERM');
  await sleep(700);
  servers[1] = await server();
  await until(() => publisher.acknowledged.length > HISTORY + 2 * PAGE);

  // Readers that need history from Redis while publishing continues.
  for (const at of [0, 1]) {
    const reader = new FetchReader(servers[at].origin, first);
    readers[`late, at server ${at}`] = reader;
    checks.ok(`late, at server ${at}: gets events that only Redis has`, await until(() => reader.seen.length > HISTORY + PAGE, 5));
  }

  const asleep = {};
  await outage('Redis stopped', servers.slice(0, 2), () => redis.stop('SIGTERM'), async () => {
    await servers[2].stop('SIGKILL');
    servers[2] = await server();
    for (const [i, server] of servers.entries()) {
      const { status, text } = await server.publish('nobody has this');
      checks.equal(`server ${i}: nothing can be published`, { status, text }, { status: 503, text: AWAY });
    }
    for (const at of [1, 2]) asleep[`asleep, at server ${at}`] = new FetchReader(servers[at].origin, first);
    const kept = () => Object.values(asleep).every(({ connects, comments }) => connects === 1 && comments >= 2);
    checks.ok('a reader that needs Redis stays connected', await until(kept), JSON.stringify(asleep));
    checks.ok('a reader that needs Redis gets nothing', Object.values(asleep).every(({ seen, resets }) => seen.length + resets.length === 0));
  }, () => redis.start());
  await until(() => servers[2].complaints.length === 2);
  complaints('a server that was started without Redis', servers[2], 1);
  Object.assign(readers, asleep);
  await sleep(1000);

  await outage('Redis killed', servers, () => redis.stop('SIGKILL'), () => sleep(500), () => redis.start());
  await sleep(700);
  let perhaps;
  await outage('Redis halted', servers, () => {
    redis.signal('SIGSTOP');
    perhaps = servers[0].publish('perhaps');
  }, async () => {
    const { status, text, ms } = await perhaps;
    checks.ok('a halted Redis: the outcome is unknown', status === 503 && NO_ANSWER.test(text) && ms < 6000, `${status} after ${ms} ms: ${text}`);
  }, () => redis.signal('SIGCONT'));
  await sleep(700);

  await publisher.stop();
  clearInterval(cutting);
  const { id: last } = await published(servers[0], 'the last');
  const entries = [start, ...(await redis.entries(first))];
  checks.ok('ids increase', inOrder(entries) && entries.at(-1).id === last);
  checks.ok('no event is in Redis twice', new Set(entries.map(({ data }) => data)).size === entries.length);
  const held = new Map(entries.map(({ id, data }) => [id, data]));
  const lost = publisher.acknowledged.filter(({ id, data }) => held.get(id) !== data);
  checks.equal('every acknowledged event is in Redis', lost, []);
  const bad = publisher.refusals.filter(({ status, text }) => status !== 503 || (text !== AWAY && !NO_ANSWER.test(text)));
  checks.equal('unexpected refusals', bad, []);
  const away = new Set(publisher.refusals.filter(({ text }) => text === AWAY).map(({ data }) => data));
  checks.equal('events in Redis that were reported as unpublished', entries.filter(({ data }) => away.has(data)), []);
  const unacknowledged = entries.length - 2 - publisher.acknowledged.length;
  console.log(
    `  published ${publisher.published}: ${publisher.acknowledged.length} acknowledged, ${publisher.refusals.length} refused, ` +
      `${publisher.broken} broken off; ${unacknowledged} of those in Redis all the same`,
  );

  for (const [name, reader] of Object.entries(readers)) {
    const all = checks.ok(`${name}: reaches the last event`, await upTo(reader, { id: last }), `${reader.seen.length} events`);
    // An unacknowledged event may have been stored, so compare with Redis' own list.
    const expected = /^(late|asleep)/.test(name) ? entries.slice(1) : entries;
    checks.equal(`${name}: each event once, in order`, reader.seen, expected);
    checks.equal(`${name}: not told of a gap`, reader.resets, []);
    console.log(`  ${name.padEnd(22)} ${reader.seen.length} events, ${reader.connects} connections${all ? '' : ', NOT ALL'}`);
    await reader.stop();
  }
  checks.ok('statuses', Object.values(readers).every(({ statuses = [] }) => statuses.every((status) => status === 200)));
  for (const [i, server] of servers.entries()) complaints(`server ${i}`, server, 3);
  console.log(`  ${balancer.connections} connections through the balancer`);
  balancer.close();
  for (const server of servers) await server.stop('SIGTERM');
}

/** A reader that does not read is disconnected, and misses nothing all the same. */
async function slow() {
  const one = await server();
  const { id: first } = await published(one, 'slow');
  const reader = new FetchReader(one.origin, first);
  await until(() => reader.connects === 1);
  let go;
  reader.paused = new Promise((resolve) => (go = resolve));
  const long = 'x'.repeat(60_000);
  for (let n = 0; n < 400; n += 8) {
    await Promise.all(Array.from({ length: 8 }, (_, i) => one.publish(`${n + i} ${long}`)));
  }
  const entries = await redis.entries(first);
  go();
  checks.ok('a slow reader: reaches the end', await upTo(reader, entries.at(-1)), `${reader.seen.length} of ${entries.length}`);
  checks.equal('a slow reader: each event once, in order', reader.seen, entries);
  checks.equal('a slow reader: not told of a gap', reader.resets, []);
  checks.ok('a slow reader: was disconnected', reader.connects >= 2, `${reader.connects}`);
  console.log(`  a slow reader: ${entries.length} events, ${Math.round(entries.length * long.length / 1e6)} MB, ${reader.connects} connections`);
  reader.stop();
  await one.stop();
}

/**
 * Entries trimmed before a server saw them: that server tells its followers of the gap, and anyone
 * who asks later.
 */
async function halted(short, other, entries) {
  const [earlier, last] = [entries.at(-3), entries.at(-1)];
  const follower = new FetchReader(other.origin, earlier.id);
  await upTo(follower, last);
  other.signal('SIGSTOP');
  for (let n = 0; n < 300; n += 10) await Promise.all(Array.from({ length: 10 }, (_, i) => short.publish(`halted ${n + i}`)));
  other.signal('SIGCONT');
  const held = await redis.entries();
  checks.ok('Redis has trimmed what a halted server has not seen', before(last.id, held[0].id));
  checks.ok('a halted server: reaches the end', await upTo(follower, held.at(-1)));
  const asker = new FetchReader(other.origin, earlier.id);
  await upTo(asker, held.at(-1));
  for (const [name, reader] of Object.entries({ follower, asker })) {
    checks.equal(`a halted server: its ${name} is told`, reader.resets, [name === 'asker' ? earlier.id : last.id]);
    reader.stop();
  }
  checks.equal('a halted server: all events that it had', follower.seen, [...entries.slice(-2), ...held]);
  checks.equal('a halted server: all events that are left', asker.seen, held);
}

/** A client that asks for an entry that Redis has trimmed is told of the gap, and gets the rest. */
async function trimmed() {
  const [short, other] = [await server('--length', 100), await server()];
  const ids = [(await published(short, 'short')).id];
  for (let n = 0; n < 500; n += 10) {
    const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => short.publish(`short ${n + i}`)));
    ids.push(...answers.map(({ text }) => text));
  }
  const entries = await redis.entries();
  const [oldest, newest] = [entries[0].id, entries.at(-1).id];
  checks.ok('Redis has trimmed', entries.length >= 100 && entries.length < 300 && before(ids[0], oldest), `${entries.length} entries`);
  const inside = entries[10].id;
  const ASKED = {
    'an id that was trimmed': [ids[0], true],
    'an id to come': [`${BigInt(newest.split('-')[0]) + 1_000_000n}-0`, true],
    'no id of an entry': ['nonsense', true],
    'what only looks like one': [`${inside.split('-')[0]}-99999`, true],
    'the smallest': ['0-0', true],
    'an id that Redis has': [inside, false],
    'the oldest': [oldest, false],
    'an id that this server has': [entries.at(-5).id, false],
  };
  for (const [name, [id, told]] of Object.entries(ASKED)) {
    for (const [server, { origin }] of Object.entries({ 'its publisher': short, 'another server': other })) {
      const reader = new FetchReader(origin, id);
      await upTo(reader, entries.at(-1));
      checks.equal(`${name}, ${server}: told`, reader.resets, told ? [id] : []);
      checks.equal(`${name}, ${server}: the rest`, reader.seen, told ? entries : entries.slice(entries.findIndex((entry) => entry.id === id) + 1));
      reader.stop();
    }
  }
  console.log(`  trimmed: ${ids.length} published, ${entries.length} held`);
  await halted(short, other, entries);
  await short.stop();
  await other.stop();
}

const browser = await launch();
try {
  await redis.start();
  await chaos(browser);
  await slow();
  await trimmed();
} catch (error) {
  checks.ok('to the end', false, error.stack);
} finally {
  await browser.close();
  await redis.stop();
}
checks.done();
process.exit(); // a part that failed may still have programs running
