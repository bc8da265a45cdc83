// Our state machines and real peers, including peers that stop, die, stall or stay silent.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocketServer } from 'ws';
import { Checks, endpointProgram, example, numberIn, until } from './common.mjs';
import { Endpoint, Program } from './endpoint.mjs';

const PING = 100;
const PONG = 500;
/** The timeout of scenes that test one, in milliseconds. */
const TIMEOUT = 400;
/** How late anything may be on a busy machine, in milliseconds. */
const SLACK = 1500;
/** Timers count whole milliseconds, so a time may be this much off. */
const ROUNDING = 2;

const DONE = { code: 4000, reason: 'done ☂' };
const HEARTBEAT = { ping_interval: PING, pong_timeout: PONG };

const checks = new Checks('machines');

/** Everything that runs, so that it is stopped whatever happens. */
const props = new Set();
process.on('SIGTERM', () => process.exit(1));
process.on('exit', () => [...props].forEach((prop) => prop.signal?.('SIGKILL')));

function keep(prop) {
  props.add(prop);
  return prop;
}

/** Plays a scene. An exception counts as a failure, and the other scenes go on. */
async function scene(name, play) {
  const began = performance.now();
  const ok = (what, passed, detail) => checks.ok(`${name}: ${what}`, passed, detail);
  const equal = (what, actual, expected) => checks.equal(`${name}: ${what}`, actual, expected);
  const within = (what, ms, least, most = least) =>
    ok(what, least - ROUNDING <= ms && ms <= most + SLACK, `${Math.round(ms)} ms, not ${least} to ${most}, and ${SLACK} of slack`);
  const closed = async (endpoint) => {
    const told = performance.now();
    equal('as we see it', seen(await next(endpoint, 'close')), clean(DONE));
    within('closed at once', performance.now() - told, 0);
  };
  try {
    await play({ ok, equal, within, closed });
  } catch (error) {
    checks.ok(name, false, error.stack);
  }
  for (const prop of props) await prop.stop();
  props.clear();
  console.log(`  ${name.padEnd(44)} ${Math.round(performance.now() - began)} ms`);
}

const machine = (setup) => keep(Endpoint.machine(setup));
const peer = async (name, ...args) => keep(await Endpoint.server(name, ...args));

/** Returns the next report of this kind, and skips any others. */
async function next(endpoint, kind) {
  return (await line(endpoint, kind))[kind];
}

async function line(endpoint, kind) {
  for (;;) {
    const report = await endpoint.next();
    if (kind in report) return report;
  }
}

async function state(client) {
  client.tell({ state: null });
  return next(client, 'state');
}

/** The part of a close that a page would see. */
const seen = ({ code, reason, clean, failure }) => ({ code, reason, clean, failure });
const clean = (closing) => ({ ...closing, clean: true, failure: null });
/** The same close as other endpoints report it. */
const CLEAN = { ...DONE, clean: true };
const failed = (failure) => ({ code: 1006, reason: '', clean: false, failure });

/**
 * A server of npm `ws` with a heartbeat as in the README of `ws`, which can tell slow clients from
 * dead ones.
 */
async function beating() {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const result = { address: `127.0.0.1:${server.address().port}`, pings: 0, pongs: 0, sent: 0, terminated: 0, messages: [] };
  result.connected = new Promise((resolve) => {
    server.on('connection', (socket) => {
      socket.on('ping', () => (result.pings += 1));
      socket.on('pong', () => (result.pongs += 1));
      socket.on('message', (data) => result.messages.push(data.toString()));
      socket.on('error', () => {}); // some clients hang up
      result.closed = once(socket, 'close').then(([code, reason]) => ({ code, reason: reason.toString() }));
      resolve(socket);
    });
  });
  let timer;
  result.beat = (socket) => {
    timer = setInterval(() => {
      if (result.sent - result.pongs > PONG / PING) {
        result.terminated += 1;
        socket.terminate();
      }
      result.sent += 1;
      socket.ping();
    }, PING);
  };
  keep({
    stop() {
      clearInterval(timer);
      for (const socket of server.clients) socket.terminate();
      server.close();
    },
  });
  return result;
}

/** A server made by hand. `serve` handles a connection after the head of the request. */
async function byHand(serve) {
  const sockets = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    let head = '';
    socket.on('data', function read(chunk) {
      head += chunk.toString('latin1');
      if (!head.endsWith('\r\n\r\n')) return;
      socket.off('data', read);
      const [, key] = head.match(/\r\nSec-WebSocket-Key: (.*)\r\n/);
      const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
      serve(
        socket,
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  keep({
    stop() {
      sockets.forEach((socket) => socket.destroy());
      server.close();
    },
  });
  return `127.0.0.1:${server.address().port}`;
}

const STRETCH = 2000;

/**
 * Checks that both sides' heartbeats work: about as many pings as time allows, and a pong for each
 * but the last ones.
 */
function beats(ok, { pings, pongs }) {
  const most = STRETCH / PING + 5;
  for (const [what, count] of Object.entries({ 'pings of ours': pings, 'pongs of ours': pongs })) {
    ok(what, count >= most / 3 && count <= most, `${count}, not ${Math.ceil(most / 3)} to ${most}`);
  }
}

for (const by of ['us', 'ws']) {
  const name = `heartbeats with ws, closed by ${by}`;
  await scene(name, async ({ equal, ok, closed }) => {
    const server = await beating();
    const client = machine({ role: 'client', address: server.address, ...HEARTBEAT });
    const socket = await server.connected;
    await next(client, 'open');
    server.beat(socket);
    await sleep(STRETCH);
    beats(ok, server);
    ok('all its pings answered', server.sent - server.pongs <= 1, `${server.pongs} of ${server.sent}`);
    equal('no client is cut off', [server.terminated, (await state(client)).ready], [0, 'Open']);
    if (by === 'us') client.tell({ close: DONE });
    else socket.close(DONE.code, DONE.reason);
    await closed(client);
    equal('as ws sees it', await server.closed, DONE);
  });
}

for (const by of ['us', 'websockets']) {
  const name = `heartbeats with websockets, closed by ${by}`;
  await scene(name, async ({ equal, ok, closed }) => {
    const server = await peer('websockets', PING, PONG);
    const client = machine({ role: 'client', address: server.address, ...HEARTBEAT });
    await next(client, 'open');
    await next(server, 'open');
    await sleep(STRETCH);
    server.tell({ heartbeat: null });
    beats(ok, await next(server, 'heartbeat'));
    (by === 'us' ? client : server).tell({ close: DONE });
    await closed(client);
    equal('as websockets sees it', await next(server, 'close'), CLEAN);
  });
}

const MARK = 64 << 10;

/** A server's close frame. */
const CLOSE = Buffer.from([0x88, 2, DONE.code >> 8, DONE.code & 255]);

/** Waits until the client's transport accepts no more. */
async function stall(client) {
  let before = await state(client);
  return until(async () => {
    await sleep(150);
    const now = await state(client);
    const stalled = now.refused > 0 && now.taken === before.taken;
    const result = stalled && { before, now };
    before = now;
    return result;
  }, 5);
}

await scene('a peer that does not read, for a while', async ({ equal, ok, closed }) => {
  const [count, size] = [4000, 1000];
  const server = await beating();
  const client = machine({ role: 'client', address: server.address, high_water_mark: MARK });
  const socket = await server.connected;
  await next(client, 'open');
  socket.pause();
  client.tell({ stream: { count, size } });
  const { before, now } = await stall(client);
  ok('sending is held up', now.taken < count, JSON.stringify(now));
  ok('the queue is bounded', now.buffered_amount <= MARK + size && now.to_write <= MARK + size + 14, JSON.stringify(now));
  ok('the loop is idle while it waits', now.turns - before.turns <= 3, JSON.stringify([before, now]));
  socket.resume();
  await until(() => server.messages.length === count, 10);
  equal('all messages arrive, in order', server.messages.map(parseFloat), [...Array(count).keys()]);
  equal('no message waits', (await state(client)).buffered_amount, 0);
  client.tell({ close: DONE });
  await closed(client);
});

await scene('a peer that stops reading', async ({ equal, within }) => {
  const server = await beating();
  const client = machine({ role: 'client', address: server.address, high_water_mark: MARK, ...HEARTBEAT });
  const socket = await server.connected;
  await next(client, 'open');
  socket.pause();
  client.tell({ stream: { count: 100_000, size: 1000 } });
  const { at, close } = await line(client, 'close');
  equal('as we see it', seen(close), failed('PongTimeout'));
  within('the connection ends after the last accepted byte', at - close.progress_at, PONG, PING + PONG);
});

await scene('a peer that hangs up after its close frame', async ({ equal, within }) => {
  let hangUp;
  const address = await byHand((socket, answer) => {
    socket.pause();
    socket.write(answer);
    hangUp = () => socket.write(CLOSE, () => socket.resetAndDestroy());
  });
  const client = machine({ role: 'client', address, high_water_mark: MARK, closing_timeout: 10_000 });
  await next(client, 'open');
  client.tell({ stream: { count: 100_000, size: 1000 } });
  await stall(client);
  const began = performance.now();
  hangUp();
  const expected = { code: DONE.code, reason: '', clean: false, failure: 'Transport' };
  equal('as we see it', seen(await next(client, 'close')), expected);
  within('the connection ends at once', performance.now() - began, 0);
});

await scene('a peer that reads slowly', async ({ equal, ok }) => {
  const [pause, burst] = [600, 512 << 10];
  let read = 0;
  const address = await byHand(async (socket, answer) => {
    socket.write(answer);
    socket.on('data', (chunk) => {
      read += chunk.length;
      if (read % burst < chunk.length) socket.pause();
    });
    for (; !socket.destroyed; await sleep(pause)) socket.resume();
  });
  // The burst keeps the ping waiting after it to the end.
  const client = machine({ role: 'client', address, high_water_mark: 16 * burst, ping_interval: PING, pong_timeout: 1000 });
  await next(client, 'open');
  client.tell({ stream: { count: 1_000_000, size: 1000 } });
  await sleep(4 * pause);
  const { ready, buffered_amount } = await state(client);
  equal('the connection is not lost', ready, 'Open');
  ok('the peer read slowly', read >= 2 * burst && buffered_amount > burst, `${read}, ${buffered_amount}`);
});

const numbers = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);

await scene('a server that is suspended and resumes', async ({ equal, within }) => {
  const server = await peer('ws');
  const client = machine({
    role: 'reconnect', address: server.address, ...HEARTBEAT, handshake_timeout: 300, wait: 100,
  });
  const send = (from, to) => numbers(from, to).forEach((i) => client.tell({ text: `${i}` }));
  await next(client, 'open');
  send(0, 5);
  const texts = [];
  const take = async (count) => {
    while (texts.length < count) texts.push(Number(await next(server, 'text')));
  };
  await take(5);
  server.signal('SIGSTOP');
  const stopped = performance.now();
  send(5, 10);
  const close = await next(client, 'close');
  const noticed = performance.now() - stopped;
  equal('as we see it', seen(close), failed('PongTimeout'));
  equal('written to it', close.written, [0, 10]);
  within('noticed', noticed, PONG - PING, PING + PONG);
  send(10, 15);
  const attempt = await next(client, 'close');
  equal('nobody there', seen(attempt), failed('HandshakeTimeout'));
  equal('written to nobody', attempt.written, [10, 10]);
  const { buffered_amount, written } = await state(client);
  equal('kept', [buffered_amount, written], [10, 10]);
  server.signal('SIGCONT');
  await next(client, 'open');
  await take(15);
  equal('what the old connection brought', texts.filter((i) => i < 10), numbers(0, 10));
  equal('what the new connection brought', texts.filter((i) => i >= 10), numbers(10, 15));
  client.tell({ close: { code: 1000, reason: '' } });
  const last = await next(client, 'close');
  equal('the end', [seen(last), last.written, last.reconnect_at], [clean({ code: 1000, reason: '' }), [10, 15], null]);
});

await scene('a server that is killed and restarted', async ({ equal, ok }) => {
  const [count, size] = [6000, 500];
  const old = await peer('ws');
  const client = machine({ role: 'reconnect', address: old.address, ...HEARTBEAT, wait: 100 });
  await next(client, 'open');
  client.tell({ stream: { count, size } });
  const before = [];
  while (before.length < 1000) before.push(parseFloat(await next(old, 'text')));
  old.signal('SIGKILL');
  try {
    for (;;) before.push(parseFloat(await next(old, 'text')));
  } catch (error) {
    // The last line may be cut off as well.
    if (error.message !== 'ws ended' && !(error instanceof SyntaxError)) throw error;
  }
  const close = await next(client, 'close');
  // The kernel resets the connection if the server had not read everything, and ends it otherwise.
  const cut = seen(close).failure === 'EndOfStream' ? 'EndOfStream' : 'Transport';
  equal('as we see it', seen(close), failed(cut));
  const [first, end] = close.written;
  ok('cut in the middle', first === 0 && before.length <= end && end < count, `${before.length} of ${close.written}`);
  const refused = await next(client, 'close');
  equal('nobody there', [seen(refused), refused.written], [failed('Transport'), [end, end]]);

  const server = await peer('ws', old.address.split(':')[1]);
  await next(client, 'open');
  const after = [];
  while (after.length < count - end) after.push(parseFloat(await next(server, 'text')));
  equal('what the old server saw', before, numbers(0, before.length));
  equal('what the new server saw', after, numbers(end, count));
  console.log(`    written and lost: ${end - before.length} of ${count}`);
  client.tell({ close: DONE });
  equal('close, as the new server sees it', await next(server, 'close'), CLEAN);
});

for (const name of ['ws', 'websockets']) {
  for (const by of ['us', name]) {
    await scene(`our server, ${name}, closed by ${by}`, async ({ equal, closed }) => {
      const server = machine({ role: 'server', ...HEARTBEAT });
      await server.listens();
      const client = keep(Endpoint.client(name));
      client.tell({ open: { address: server.address } });
      await next(client, 'open');
      await next(server, 'open');
      await sleep(3 * PING);
      server.tell({ text: 'from the server' });
      client.tell({ text: 'from the client' });
      equal('what the client sees', await next(client, 'text'), 'from the server');
      equal('what the server sees', await next(server, 'text'), 'from the client');
      (by === 'us' ? server : client).tell({ close: DONE });
      await closed(server);
      equal(`as ${name} sees it`, await next(client, 'close'), CLEAN);
    });
  }
}

await scene('our server, and a client that is suspended', async ({ equal, within }) => {
  const server = machine({ role: 'server', ...HEARTBEAT });
  await server.listens();
  const client = keep(Endpoint.client('ws'));
  client.tell({ open: { address: server.address } });
  await next(client, 'open');
  await next(server, 'open');
  await sleep(PONG + PING);
  equal('alive', (await state(server)).ready, 'Open');
  client.signal('SIGSTOP');
  const stopped = performance.now();
  equal('as we see it', seen(await next(server, 'close')), failed('PongTimeout'));
  within('noticed', performance.now() - stopped, PONG - PING, PING + PONG);
});

const SLOW_HANDSHAKES = {
  'a server that says nothing': () => {},
  'a server that says little': async (socket, answer) => {
    for (const byte of answer) {
      if (socket.destroyed) return;
      socket.write(byte);
      await sleep(20);
    }
  },
};
for (const [name, serve] of Object.entries(SLOW_HANDSHAKES)) {
  await scene(name, async ({ equal, ok, within }) => {
    const client = machine({ role: 'client', address: await byHand(serve), handshake_timeout: TIMEOUT });
    const { at, close } = await line(client, 'close');
    equal('as we see it', seen(close), failed('HandshakeTimeout'));
    within('given up', at, TIMEOUT);
    ok('few turns', close.turns < 40, `${close.turns}`);
  });
}

const SLOW_CLOSINGS = {
  'a server that does not answer the close frame': [() => {}, failed('ClosingTimeout')],
  'a server that answers it, and does not hang up': [
    (socket) => socket.write(CLOSE), { code: DONE.code, reason: '', clean: true, failure: null },
  ],
};
for (const [name, [answerClose, expected]] of Object.entries(SLOW_CLOSINGS)) {
  await scene(name, async ({ equal, ok, within }) => {
    const address = await byHand((socket, answer) => {
      socket.write(answer);
      socket.on('data', () => answerClose(socket));
    });
    const client = machine({ role: 'client', address, closing_timeout: TIMEOUT });
    await next(client, 'open');
    const began = performance.now();
    client.tell({ close: DONE });
    const close = await next(client, 'close');
    equal('as we see it', seen(close), expected);
    within('given up', performance.now() - began, TIMEOUT);
    ok('few turns', close.turns < 20, `${close.turns}`);
  });
}

/** Starts the example `live`, and returns the address that it prints. */
async function live(address = '127.0.0.1:0') {
  const server = keep(new Program('live', [example('live'), address]));
  server.address = (await server.line()).replace('listening on http://', '');
  return server;
}

/** Collects the reports of a source as they arrive. */
function source(address, target) {
  const program = keep(new Program('event_source', [endpointProgram('event_source'), address, target]));
  const reports = [];
  (async () => {
    for (;;) reports.push(JSON.parse(await program.line()));
  })().catch(() => {}); // stopped
  return {
    of: (kind) => reports.filter((report) => kind in report).map((report) => report[kind]),
    ids: () => reports.filter(({ event }) => event && event.event !== 'resumed').map(({ event }) => event.last_event_id),
  };
}

const consecutive = (ids) => ids.every((id, i) => i === 0 || numberIn(id) === numberIn(ids[i - 1]) + 1);

await scene('an event stream that is cut', async ({ equal, ok }) => {
  const server = await live();
  const events = source(server.address, '/events?client=machine');
  await until(() => events.ids().length >= 3, 10);
  const { status } = await fetch(`http://${server.address}/drop?client=machine`, { method: 'POST' });
  equal('cut', status, 204);
  const before = events.ids().length;
  await until(() => events.ids().length >= before + 4, 10);
  ok('no event is lost or repeated', consecutive(events.ids()), `${events.ids()}`);
  equal('asked to go on', events.of('connecting').map(({ last_event_id }) => last_event_id), ['', `${events.ids()[before - 1]}`]);
  equal('why', events.of('error').map(({ cause }) => cause), ['Ended']);
});

await scene('an event stream whose server is killed and restarted', async ({ equal, ok }) => {
  const old = await live();
  const events = source(old.address, '/events');
  await until(() => events.ids().length >= 3, 10);
  old.signal('SIGKILL');
  await until(() => events.of('error').length > 0, 5);
  const before = events.ids();
  const server = await live(old.address);
  await until(() => events.ids().length >= before.length + 4, 10);
  const after = events.ids().slice(before.length);
  // The new server does not know the old server's ids, so it replays all of its own events.
  equal('all events of the new server', after, await replayed(server.address, after.length));
  ok('in order, without repeats', consecutive(before) && consecutive(after) && !before.includes(after[0]), `${before}, ${after}`);
  equal('asked to go on', events.of('connecting').at(-1).last_event_id, `${before.at(-1)}`);
  equal('the client is told that it resumed', events.of('event').find(({ event }) => event === 'resumed') !== undefined, true);
});

/** Returns the first ids that the server keeps. */
async function replayed(address, count) {
  const stop = new AbortController();
  const { body } = await fetch(`http://${address}/events`, { headers: { 'last-event-id': '0' }, signal: stop.signal });
  let text = '';
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const ids = [...text.matchAll(/^id: (\S+)\n/gm)].map(([, id]) => id);
    if (ids.length >= count) return ids.slice(0, count);
  }
}

checks.done();
