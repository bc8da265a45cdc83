// The example servers, each followed by many clients at once: a browser, npm `eventsource` and
// `ws`, Python `httpx-sse` and `websockets`.

import { EventSource } from 'eventsource';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Checks, children, endpointProgram, example, launch, numberIn, python, sendPage, serve, start, until } from './common.mjs';
import { EchoServer, Endpoint } from './endpoint.mjs';
import { frame, frames } from './frames.mjs';

process.env.PYTHONUNBUFFERED = '1'; // print each event as it arrives

const TEXTS = ['plain', 'Grüße 👋🏽 \u2028', 'two\nlines', ' a space before', '', '{"json": [1, 2]}', 'x'.repeat(70_000)];

const checks = new Checks('servers');
const chromium = await launch();

async function serverOf(name, ...args) {
  const child = start(example(name), args);
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  return line.match(/^listening on (http:\/\/127\.0\.0\.1:\d+)$/)[1];
}

const post = async (url, body, method = 'POST') => {
  const response = await fetch(url, { method, body });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return response.text();
};

/** Shows a page of this origin in the browser. The server need not serve it. */
async function visit(page, url) {
  const here = new URL('/interop', url).href;
  await page.route(here, (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>interop</title>' }));
  await page.goto(here);
  await page.unroute(here);
}

/** Opens an EventSource and collects its events. Runs in a page or in Node. */
function listen({ url, types }) {
  const events = [];
  const source = new EventSource(url);
  for (const type of types) {
    source.addEventListener(type, (event) => events.push({ event: event.type, data: event.data, last_event_id: event.lastEventId }));
  }
  return Object.assign(globalThis, { events }).events;
}

globalThis.EventSource = EventSource; // for `listen`

/** Clients that follow an event stream. Each returns a function that returns all events so far. */
const STREAMS = {
  async Chromium(url, types) {
    const page = await chromium.newPage();
    await visit(page, url);
    await page.evaluate(`(${listen})(${JSON.stringify({ url, types })}); 0`);
    return () => page.evaluate('events');
  },
  'npm eventsource': async (url, types) => {
    const events = listen({ url, types });
    return () => events;
  },
  'our EventSource': ourEventSource,
  'Python httpx-sse': async (url) => {
    const events = [];
    const child = start(python(), [`${import.meta.dirname}/client.py`, url]);
    createInterface({ input: child.stdout }).on('line', (line) => {
      const event = JSON.parse(line);
      // httpx-sse makes events of blocks without data; clients.mjs tests that difference.
      if (event.data !== '' || event.last_event_id !== (events.at(-1)?.last_event_id ?? '')) events.push(event);
    });
    return () => events;
  },
};

/** Our event source, as a separate program. */
async function ourEventSource(url) {
  const events = [];
  const { host, pathname } = new URL(url);
  const child = start(endpointProgram('event_source'), [host, pathname], 'pipe');
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { event } = JSON.parse(line);
    if (event) events.push(event);
  });
  return () => events;
}

/**
 * Clients that follow a WebSocket. Each returns a function for all messages so far, and one that
 * sends a message.
 */
const SOCKETS = {
  async Chromium(url) {
    const page = await chromium.newPage();
    // Use a real page: the browser would ask before it lets a blank page into this network.
    await page.goto(new URL('/', url.replace('ws:', 'http:')).href);
    await page.evaluate((url) => {
      Object.assign(globalThis, { messages: [], socket: new WebSocket(url) });
      socket.onmessage = ({ data }) => messages.push(data);
      return new Promise((resolve) => (socket.onopen = resolve));
    }, url);
    return { messages: () => page.evaluate('messages'), send: (text) => page.evaluate((text) => socket.send(text), text) };
  },
  'npm ws': (url) => endpoint('ws', url),
  'Python websockets': (url) => endpoint('websockets', url),
  'Node http2': async (url) => {
    const client = connect(url.replace('ws:', 'http:'));
    const [settings] = await once(client, 'remoteSettings');
    checks.ok('HTTP/2: extended CONNECT is allowed', settings.enableConnectProtocol);
    const { host, pathname, search } = new URL(url);
    const stream = client.request({
      ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': 'http', ':authority': host, ':path': pathname + search, 'sec-websocket-version': '13',
    }, { endStream: false });
    children.push({ kill: () => client.destroy() });
    const [headers] = await once(stream, 'response');
    checks.equal('HTTP/2: the WebSocket is open', headers[':status'], 200);
    let received = Buffer.alloc(0);
    stream.on('data', (chunk) => (received = Buffer.concat([received, chunk])));
    const texts = () => [...frames(received)].filter(({ kind }) => kind === 'text').map(({ payload }) => payload.toString());
    return { messages: texts, send: async (text) => stream.write(frame('text', Buffer.from(text))), stream, frames: () => [...frames(received)] };
  },
};

async function endpoint(name, url) {
  const messages = [];
  const endpoint = Endpoint.client(name);
  children.push({ kill: () => endpoint.signal('SIGKILL') });
  const { host, pathname, search } = new URL(url);
  endpoint.tell({ open: { address: `${host}${pathname}${search || '?'}` } }); // without it the client adds a slash
  const { open } = await endpoint.next();
  if (!open) throw new Error(`${name} could not open ${url}`);
  (async () => {
    for (;;) messages.push((await endpoint.next()).text);
  })().catch(() => {}); // stopped at the end
  return { messages: () => messages, send: async (text) => endpoint.tell({ text }) };
}

/** Publishes by `publish` once every client follows, and compares the events that they receive. */
async function together(what, followers, tell, publish, expected) {
  const [begin, end] = [`${what} begins`, `${what} ends`];
  const seen = (events, text) => events.some((event) => (event.data ?? event).includes(text));
  const all = (text) => until(async () => {
    const lists = await Promise.all(followers.map(([, events]) => events()));
    return lists.every((events) => seen(events, text));
  }, 30);
  // A client that has received one of these follows the stream.
  const primed = await until(async () => {
    await tell('are you there?');
    await sleep(100);
    const lists = await Promise.all(followers.map(([, events]) => events()));
    return lists.every((events) => seen(events, 'are you there?'));
  }, 30);
  checks.ok(`${what}: all clients follow`, primed);
  await tell(begin);
  await publish();
  await tell(end);
  checks.ok(`${what}: all clients have the last event`, await all(end));
  const is = (text) => (event) => (event.data ?? event).includes(text);
  for (const [name, events] of followers) {
    const list = await events();
    const between = list.slice(list.findIndex(is(begin)) + 1, list.findIndex(is(end)));
    checks.equal(`${what}: ${name}`, between, expected());
  }
  console.log(`  ${what}: ${expected().length} events to each of ${followers.map(([name]) => name).join(', ')}`);
}

const follow = (names, url, types) =>
  Promise.all(names.map(async (name) => [name, await STREAMS[name](url, types)]));

async function broadcast() {
  const origin = await serverOf('broadcast', '127.0.0.1:0');
  const tell = (text) => post(`${origin}/publish`, text);
  const published = [];
  const publish = async () => {
    for (const text of TEXTS) published.push({ event: 'message', data: text, last_event_id: await tell(text) });
  };
  const streams = await follow(Object.keys(STREAMS), `${origin}/events`, ['message']);
  // Only an EventSource reconnects for the next poll.
  const polls = await follow(['Chromium', 'npm eventsource', 'our EventSource'], `${origin}/poll`, ['message']);
  const sockets = [];
  for (const [name, open] of Object.entries(SOCKETS)) sockets.push([name, await open(`${origin.replace('http:', 'ws:')}/socket`)]);
  await together('broadcast', streams, tell, publish, () => published);
  const longPolls = polls.map(([name, events]) => [`${name}, an event in each response`, events]);
  await together('broadcast, long polling', longPolls, tell, async () => {
    published.length = 0;
    await publish();
  }, () => published);
  for (const [name, events] of polls) {
    const ids = (await events()).map(({ last_event_id }) => numberIn(last_event_id));
    checks.ok(`${name}: no id is left out`, ids.length > TEXTS.length && ids.every((id, i) => i === 0 || id === ids[i - 1] + 1), ids.join(' '));
  }
  const response = await fetch(`${origin}/poll`, { headers: { 'Last-Event-ID': await tell('before') } });
  const [id, body] = await Promise.all([tell('the only one'), Promise.race([response.text(), sleep(5000, 'no end')])]);
  checks.equal('broadcast, long polling: the response ends with its event', body, `retry: 0\n\nid: ${id}\ndata: the only one\n\n`);
  const messages = sockets.map(([name, { messages }]) => [name, messages]);
  await together('broadcast, WebSocket', messages, tell, async () => {
    published.length = 0;
    await publish();
    for (const [name, { send }] of sockets) {
      const said = `${name} says: Grüße`;
      await send(said);
      published.push({ data: said });
      await until(async () => (await messages[0][1]()).includes(said));
    }
  }, () => published.map(({ data }) => data));
  const [, { stream, send, frames }] = sockets.find(([name]) => name === 'Node http2');
  await withoutWindow(origin);
  stream.write(frame('close', Buffer.from([3, 232])));
  await once(stream, 'end');
  checks.equal('HTTP/2: the WebSocket is closed', frames().at(-1), { kind: 'close', code: 1000, reason: '' });
}

/** A client that leaves the server no window for a goodbye, and stays connected. */
async function withoutWindow(origin) {
  const client = connect(origin, { settings: { initialWindowSize: 0 } });
  children.push({ kill: () => client.destroy() });
  await once(client, 'remoteSettings');
  const { host } = new URL(origin);
  const listeners = async () => Number(await (await fetch(`${origin}/listeners`)).text());
  const before = await listeners();
  const stream = client.request({
    ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': 'http', ':authority': host, ':path': '/socket', 'sec-websocket-version': '13',
  }, { endStream: false });
  await once(stream, 'response');
  checks.ok('HTTP/2: a client that accepts nothing listens', await until(async () => (await listeners()) > before, 5));
  stream.write(frame('close', Buffer.from([3, 232])));
  checks.ok('HTTP/2: that client is cut off in the end', await until(async () => (await listeners()) <= before, 9));
}

async function expressSse() {
  const origin = await serverOf('express_sse', '127.0.0.1:0');
  const types = ['message', 'greeting'];
  const tell = (text) => post(`${origin}/send`, JSON.stringify(text));
  const event = (data, event = 'message') => ({ event, data: JSON.stringify(data) });
  const data = async (events) => (await events()).map(({ data }) => JSON.parse(data));
  const initial = async (name, expected) => {
    const events = await STREAMS[name](`${origin}/stream`, types);
    await until(async () => {
      await tell('first');
      await sleep(50);
      return (await data(events)).includes('first');
    });
    const list = await data(events);
    checks.equal(`express_sse: initial events for ${name}`, list.slice(0, list.indexOf('first')), expected);
  };
  for (const [body, method, expected] of [
    [undefined, undefined, ['welcome']],
    ['["Grüße", {"n": 2}]', 'PUT', ['Grüße', { n: 2 }]],
    [undefined, 'DELETE', []],
  ]) {
    if (method) await post(`${origin}/init`, body, method);
    for (const name of Object.keys(STREAMS)) await initial(name, expected);
  }
  const streams = await follow(Object.keys(STREAMS), `${origin}/stream`, types);
  const shown = streams.map(([name, events]) => [name, async () => (await events()).map(({ event, data }) => ({ event, data }))]);
  await together('express_sse', shown, tell, async () => {
    await post(`${origin}/send?event=greeting&id=seven`, '"hello"');
    await post(`${origin}/serialize`, '["a", "list", {"of": "events"}]');
  }, () => [event('hello', 'greeting'), event('a'), event('list'), event({ of: 'events' })]);
  const read = async (id) => {
    const stop = new AbortController();
    const { body } = await fetch(`${origin}/stream`, { headers: { 'Last-Event-ID': Buffer.from(id).toString('latin1') }, signal: stop.signal });
    let text = '';
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (text.includes('last')) break;
    }
    stop.abort();
    return text.match(/(?<=^data: ).*$/gm);
  };
  await post(`${origin}/init`, '["initial"]', 'PUT');
  await post(`${origin}/send?id=${encodeURIComponent('grüße')}`, '"with an id"');
  await tell('last');
  checks.equal('express_sse: a returning client resumes', await read('grüße'), ['"last"']);
  checks.equal('express_sse: a client with an unknown id starts over', (await read('nonsense'))[0], '"initial"');
  for (const [name, events] of streams) {
    const greeting = (await events()).find(({ event }) => event === 'greeting');
    checks.equal(`express_sse: ${name} has the id`, greeting?.last_event_id, 'seven');
  }
  await proxy(origin);
}

/** Tests the proxy, which rewrites one type of event. */
async function proxy(upstream) {
  const origin = await serverOf('sse_proxy', `${upstream}/stream`, 'greeting', '127.0.0.1:0');
  const streams = await follow(Object.keys(STREAMS), `${origin}/`, ['message', 'greeting']);
  const shown = streams.map(([name, events]) => [name, async () => (await events()).map(({ event, data }) => ({ event, data }))]);
  await together('sse_proxy', shown, (text) => post(`${upstream}/send`, JSON.stringify(text)), async () => {
    await post(`${upstream}/send?event=greeting`, '"grüße"');
    await post(`${upstream}/send`, '"grüße"');
  }, () => [{ event: 'greeting', data: '"GRÜSSE"' }, { event: 'message', data: '"grüße"' }]);
}

async function live() {
  const origin = await serverOf('live', '127.0.0.1:0');
  const streams = await follow(Object.keys(STREAMS), `${origin}/events`, ['message', 'weather', 'poem']);
  const rooms = await follow(Object.keys(STREAMS), `${origin}/chat`, ['chat']);
  const members = [];
  for (const name of ['Chromium', 'npm ws', 'Python websockets']) {
    members.push([name, await SOCKETS[name](`${origin.replace('http:', 'ws:')}/chat?name=${encodeURIComponent(name)}&`)]);
  }
  const tell = (text) => members[0][1].send(JSON.stringify({ type: 'message', text }));
  const said = (messages) => async () =>
    (await messages()).map((message) => JSON.parse(message.data ?? message)).filter(({ type }) => type === 'message').map(({ from, text }) => `${from}: ${text}`);
  const everybody = [...members.map(([name, { messages }]) => [name, said(messages)]), ...rooms.map(([name, events]) => [`${name}, listening`, said(events)])];
  const expected = [];
  await together('live, the room', everybody, tell, async () => {
    for (const [name, { send }] of members) {
      await send(JSON.stringify({ type: 'message', text: 'Grüße 👋🏽' }));
      expected.push(`${name}: Grüße 👋🏽`);
      await until(async () => (await everybody[0][1]()).some((line) => line.includes(expected.at(-1))));
    }
  }, () => expected);
  const poem = ({ event }) => event === 'poem';
  checks.ok('live, the feed: all have a poem', await until(async () => (await Promise.all(streams.map(([, events]) => events()))).every((events) => events.some(poem))));
  const lists = await Promise.all(streams.map(([, events]) => events()));
  const first = Math.max(...lists.map(([event]) => numberIn(event.last_event_id)));
  const last = Math.min(...lists.map((events) => numberIn(events.at(-1).last_event_id)));
  const common = (events) => events.filter(({ last_event_id }) => first <= numberIn(last_event_id) && numberIn(last_event_id) <= last);
  for (const [i, [name]] of streams.entries()) checks.equal(`live, the feed: ${name}`, common(lists[i]), common(lists[0]));
  checks.ok('live, the feed: some events', common(lists[0]).length >= 5, `${common(lists[0]).length}`);
}

/** Tests the echo server with the browser; the part `websocket` has the other clients. */
async function echo() {
  const server = await EchoServer.start();
  children.push({ kill: () => server.signal('SIGKILL') });
  const site = await serve((_, response) => sendPage(response));
  const page = await chromium.newPage();
  await page.goto(site.origin);
  const told = await page.evaluate(({ url, texts }) => new Promise((resolve) => {
    const socket = new WebSocket(url, ['chat.v9', 'chat.v1']);
    socket.binaryType = 'arraybuffer';
    const messages = [];
    socket.onopen = () => {
      texts.forEach((text) => socket.send(text));
      socket.send(new Uint8Array([0, 255, 128]));
    };
    socket.onmessage = ({ data }) => {
      messages.push(typeof data === 'string' ? data : [...new Uint8Array(data)]);
      if (messages.length > texts.length) socket.close(4000, 'enough');
    };
    socket.onclose = ({ code, reason, wasClean }) => resolve({ messages, protocol: socket.protocol, code, reason, wasClean });
  }), { url: `ws://${server.address}/`, texts: TEXTS });
  checks.equal('echo_server: Chromium', told, { messages: [...TEXTS, [0, 255, 128]], protocol: 'chat.v1', code: 4000, reason: 'enough', wasClean: true });
  site.close();
}

try {
  for (const part of [broadcast, expressSse, live, echo]) {
    const began = performance.now();
    await part();
    console.log(`  ${part.name.padEnd(44)} ${Math.round(performance.now() - began)} ms`);
  }
} finally {
  await chromium.close();
  for (const child of children.reverse()) child.kill();
}
checks.done();
process.exit();
