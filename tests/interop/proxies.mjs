// Our hub behind nginx and haproxy, which cut connections that are silent for too long: event
// streams and WebSockets live by keep-alive and pings, and come back whole where they are cut.

import { EventSource } from 'eventsource';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';
import { Checks, children, endpointProgram, launch, start, until } from './common.mjs';

/** After how long the proxies cut a silent connection, in milliseconds. */
const TIMEOUT = 2000;
/** How often the lively server says something, and the silent one. */
const LIVELY = 700;
const SILENT = 60_000;
/** How long nothing is published: long enough for a proxy to cut every silent connection. */
const SILENCE = 2.5 * TIMEOUT;
/** How soon an event must be there on a busy machine. A buffer that waits to be full fails. */
const PROMPT = 1000;

const checks = new Checks('proxies');

const folder = mkdtempSync(join(tmpdir(), 'eventwire-proxies-'));
const clients = [];
process.on('SIGTERM', () => process.exit(1));
process.on('exit', () => {
  children.forEach((child) => child.kill('SIGKILL'));
  rmSync(folder, { recursive: true, force: true });
});

/** Starts our server. Returns its address. */
async function hub(interval) {
  const child = start(endpointProgram('hub'), [`${interval}`, `${interval}`]);
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  return line.replace('listening on http://', '');
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

const listens = (port) =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

/** Starts a proxy with this configuration, and waits until it listens. Returns its address. */
async function proxy(program, extension, configuration, args) {
  const port = await freePort();
  const file = join(folder, `${port}.${extension}`);
  writeFileSync(file, configuration(port));
  // Debian keeps servers where users do not look for programs.
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };
  const child = spawn(program, args(file), { stdio: ['ignore', 'ignore', 'inherit'], env });
  children.push(child);
  if (!(await until(() => listens(port)))) throw new Error(`${program} does not listen`);
  return `127.0.0.1:${port}`;
}

/** nginx as its documentation shows it for WebSockets, with these directives for the location. */
const nginx = (to, ...directives) =>
  proxy(
    'nginx',
    'conf',
    (port) => `
      daemon off;
      master_process off;
      error_log stderr crit;
      pid ${folder}/${port}.pid;
      events { worker_connections 64; }
      http {
        access_log off;
        ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder};`).join(' ')}
        map $http_upgrade $connection_upgrade { default upgrade; '' close; }
        server {
          listen 127.0.0.1:${port};
          location / {
            proxy_pass http://${to};
            ${directives.some((it) => it.startsWith('proxy_http_version')) ? '' : 'proxy_http_version 1.1;'}
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_read_timeout ${TIMEOUT}ms;
            proxy_send_timeout ${TIMEOUT}ms;
            ${directives.map((directive) => `${directive};`).join(' ')}
          }
        }
      }`,
    (file) => ['-e', 'stderr', '-p', folder, '-c', file],
  );

const haproxy = (to) =>
  proxy(
    'haproxy',
    'cfg',
    (port) => `
      global
        maxconn 64
      defaults
        mode http
        timeout connect ${TIMEOUT}ms
        timeout client ${TIMEOUT}ms
        timeout server ${TIMEOUT}ms
        timeout tunnel ${TIMEOUT}ms
      frontend front
        bind 127.0.0.1:${port}
        default_backend hub
      backend hub
        server hub ${to}
`,
    (file) => ['-db', '-f', file],
  );

/** What a client has seen. Both constructors run in a page and in Node. */
function follow(address) {
  const seen = { opened: 0, cut: 0, events: [] };
  const source = new EventSource(`http://${address}/events`);
  source.onopen = () => (seen.opened += 1);
  source.onerror = () => (seen.cut += 1);
  source.onmessage = ({ data }) => seen.events.push(data);
  globalThis.seen = { ...globalThis.seen, events: seen };
  return { seen, stop: () => source.close() };
}

function talk(address) {
  const seen = { opened: 0, cut: 0, events: [] };
  const socket = new WebSocket(`ws://${address}/socket`);
  socket.onopen = () => (seen.opened += 1);
  socket.onclose = () => (seen.cut += 1);
  socket.onerror = () => {};
  socket.onmessage = ({ data }) => seen.events.push(data);
  globalThis.seen = { ...globalThis.seen, socket: seen };
  globalThis.say = (text) => socket.send(text);
  return { seen, say: globalThis.say, stop: () => socket.close() };
}

globalThis.EventSource = EventSource;
globalThis.WebSocket = WebSocket;

const chromium = await launch();

/** Opens both wires in the browser, and in Node. Returns what each client has seen so far. */
async function everybody(address) {
  const page = await chromium.newPage();
  await page.goto(`http://${address}/`);
  await page.evaluate(`(${follow})('${address}'); (${talk})('${address}'); 0`);
  const [source, socket] = [follow(address), talk(address)];
  clients.push(source, socket);
  return {
    clients: {
      'Chromium, events': () => page.evaluate('seen.events'),
      'Chromium, WebSocket': () => page.evaluate('seen.socket'),
      'npm eventsource': () => source.seen,
      'npm ws': () => socket.seen,
    },
    say: { Chromium: (text) => page.evaluate(`say('${text}')`), 'npm ws': socket.say },
    page,
  };
}

const open = async (crowd) =>
  until(async () => (await Promise.all(Object.values(crowd.clients).map((seen) => seen()))).every(({ opened }) => opened > 0));

/** Publishes past the proxy. */
async function publish(address, text) {
  const response = await fetch(`http://${address}/publish`, { method: 'POST', body: text });
  if (!response.ok) throw new Error(`publish: ${response.status}`);
}

/** Checks that each client has this event soon, and none twice. */
async function arrives(name, crowd, expected) {
  const begin = performance.now();
  for (const [client, seen] of Object.entries(crowd.clients)) {
    const got = await until(async () => ((await seen()).events.includes(expected.at(-1)) ? seen() : undefined), 5);
    checks.equal(`${name}: ${client} has all events`, (got ?? (await seen())).events, expected);
  }
  const took = performance.now() - begin;
  checks.ok(`${name}: at once`, took < PROMPT, `${Math.round(took)} ms`);
}

/** A lively server: nobody is cut, and what is said after a long silence arrives at once. */
async function lively(name, address, direct) {
  const crowd = await everybody(address);
  checks.ok(`${name}: all open`, await open(crowd));
  const said = ['first'];
  await publish(direct, said[0]);
  await arrives(`${name}, published`, crowd, said);
  await sleep(SILENCE);
  for (const [client, say] of Object.entries(crowd.say)) {
    said.push(`by ${client}`);
    await say(said.at(-1));
    await arrives(`${name}, said by ${client} after a silence`, crowd, said);
  }
  for (const [client, seen] of Object.entries(crowd.clients)) {
    const { opened, cut } = await seen();
    checks.equal(`${name}: ${client} is never cut`, { opened, cut }, { opened: 1, cut: 0 });
  }
  await crowd.page.close();
}

/** A silent server: each client is cut, which proves the timeouts, and event sources lose nothing. */
async function silent(name, address, direct) {
  const crowd = await everybody(address);
  checks.ok(`${name}: all open`, await open(crowd));
  await publish(direct, 'first');
  await arrives(name, crowd, ['first']);
  for (const [client, seen] of Object.entries(crowd.clients)) {
    checks.ok(`${name}: ${client} is cut`, await until(async () => (await seen()).cut > 0, (2 * SILENCE) / 1000));
  }
  await publish(direct, 'second');
  for (const client of ['Chromium, events', 'npm eventsource']) {
    const seen = crowd.clients[client];
    await until(async () => (await seen()).events.length > 1, 10);
    checks.equal(`${name}: ${client} comes back and has all events`, (await seen()).events, ['first', 'second']);
  }
  await crowd.page.close();
}

/**
 * To a server of HTTP/1.0, as nginx speaks to it by default, nginx collects a response unless its
 * header forbids that.
 */
async function collected(address, direct, expected) {
  const source = follow(address);
  clients.push(source);
  // A header that is collected too opens nothing.
  await sleep(PROMPT);
  await publish(direct, 'news');
  await sleep(PROMPT);
  checks.equal(`HTTP/1.0, ${expected.length ? 'our header' : 'our header ignored'}`, source.seen.events, expected);
}

/** Plays a scene with a server of its own. */
async function scene(interval, front, play) {
  const direct = await hub(interval);
  await play(await front(direct), direct);
}

const by10 = 'proxy_http_version 1.0';
const ignore = 'proxy_ignore_headers X-Accel-Buffering';
await Promise.all([
  scene(LIVELY, (to) => nginx(to, 'proxy_buffering on'), (at, direct) => lively('nginx, buffering on', at, direct)),
  scene(LIVELY, (to) => nginx(to, 'proxy_buffering off'), (at, direct) => lively('nginx, buffering off', at, direct)),
  scene(LIVELY, haproxy, (at, direct) => lively('haproxy', at, direct)),
  scene(SILENT, nginx, (at, direct) => silent('nginx, a silent server', at, direct)),
  scene(SILENT, haproxy, (at, direct) => silent('haproxy, a silent server', at, direct)),
  scene(LIVELY, (to) => nginx(to, by10), (at, direct) => collected(at, direct, ['news'])),
  scene(LIVELY, (to) => nginx(to, by10, ignore), (at, direct) => collected(at, direct, [])),
]);
clients.forEach((client) => client.stop());
await chromium.close();
checks.done();
process.exit();
