// The chat of the example `live`: pages in a browser, listeners over SSE, and clients that
// misbehave.

import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Checks, artefact, children, decode, example, launch, sendPage, serve, start, until } from './common.mjs';
import { RawClient, frame } from './frames.mjs';

const EMOJI = 'Grüße 👋🏽 from 👩‍👩‍👧‍👦 & 🏳️‍🌈, 𝄞 — <b onclick="x">not bold</b>';
const MEBIBYTE = 2 ** 20;

const checks = new Checks('chat');

async function startLive(address) {
  const child = start(example('live'), [address]);
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  return { child, host: line.replace('listening on http://', '') };
}

async function stop({ child }, signal) {
  const begin = Date.now();
  child.kill(signal);
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return { status: child.exitCode, ms: Date.now() - begin };
}

/** Follows the room with curl until the part ends. */
function listen(host) {
  const curl = start('curl', ['--noproxy', '*', '-sN', `http://${host}/chat`]);
  const chunks = [];
  curl.stdout.on('data', (chunk) => chunks.push(chunk));
  return async () => (await decode(Buffer.concat(chunks))).filter(({ event }) => event === 'chat');
}

/** A page of the room, in its own browser profile. */
class Person {
  frames = [];
  complaints = [];

  static async open(chromium, host, name) {
    const context = await chromium.newContext({ viewport: { width: 1280, height: 800 } });
    const person = new Person();
    person.page = await context.newPage();
    person.name = name;
    person.page.on('pageerror', (error) => person.complaints.push(`${error}`));
    person.page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => person.frames.push(payload)));
    await person.page.goto(`http://${host}`);
    return person;
  }

  async join() {
    await this.page.fill('#name', this.name);
    await this.page.click('#join button');
    return this.isOpen();
  }

  async say(text) {
    await this.page.fill('#text', text);
    await this.page.press('#text', 'Enter');
  }

  async leave(code, reason) {
    await this.page.fill('#code', `${code}`);
    await this.page.fill('#reason', reason);
    await this.page.click('#leave button');
  }

  state() {
    return this.page.evaluate(() => {
      const { dataset, textContent } = document.querySelector('#chat-state');
      return { ...dataset, text: textContent };
    });
  }

  isOpen(seconds) {
    return until(async () => (await this.state()).state === 'open', seconds);
  }

  closed() {
    return until(async () => {
      const { state, code, reason, clean } = await this.state();
      return state === 'closed' && { code, reason, clean };
    });
  }

  list(selector) {
    return this.page.locator(`${selector} > li`).allTextContents();
  }

  /** Waits until exactly these names are shown, in any order. */
  knows(names, selector = '#present') {
    return until(async () => `${(await this.list(selector)).toSorted()}` === `${names}`);
  }

  /** Waits until a line of the chat ends with this text. */
  sees(text, selector = '#chat') {
    return until(async () => (await this.list(selector)).some((line) => line.endsWith(text)));
  }

  /**
   * Returns the hash of the last file that the page shows, once loaded, and the width if it is an
   * image.
   */
  file(bytes) {
    return until(() => this.page.evaluate(async (bytes) => {
      const file = [...document.querySelectorAll(`#chat [data-bytes="${bytes}"]`)].at(-1);
      const url = file?.src ?? file?.href;
      if (!url || file.complete === false) return undefined;
      const data = await (await fetch(url)).arrayBuffer();
      const hash = [...new Uint8Array(await crypto.subtle.digest('SHA-256', data))];
      return { hash: hash.map((byte) => byte.toString(16).padStart(2, '0')).join(''), by: new URL(url).protocol, width: file.naturalWidth ?? null };
    }, bytes));
  }
}

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** Runs in the page: pastes a file into the message. */
async function paste({ base64, type }) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const clipboardData = new DataTransfer();
  clipboardData.items.add(new File([bytes], 'pasted', { type }));
  document.querySelector('#text').dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
}

async function talk(ada, bo, host) {
  const listened = listen(host);
  checks.ok('Ada joins', await ada.join());
  checks.ok('Bo joins', await bo.join());
  for (const person of [ada, bo]) {
    checks.ok(`${person.name} sees both`, await person.knows(['Ada', 'Bo']));
  }
  checks.ok('Ada sees that Bo joined', await ada.sees('Bo joined'));

  // Listen over SSE as well, in the browser.
  await bo.page.click('#listen summary');

  await ada.say('Hello Bo');
  checks.ok('Bo reads Ada', await bo.sees('Hello Bo'));
  await bo.say(EMOJI);
  await ada.say('Two lines of thought, long enough to be wrapped where the room is narrow: it should look well there too. 🚀');
  checks.ok('Ada reads Bo, with emoji and markup unchanged', await ada.sees(EMOJI));
  checks.equal('nothing became markup', await ada.page.locator('#chat [onclick]').count(), 0);

  const picture = await ada.page.screenshot({ clip: { x: 0, y: 0, width: 420, height: 180 } });
  await ada.page.setInputFiles('#file', { name: 'picture.png', mimeType: 'image/png', buffer: picture });
  for (const person of [ada, bo]) {
    checks.equal(`${person.name} has the chosen image`, await person.file(picture.length), { hash: sha256(picture), by: 'blob:', width: 420 });
  }
  const pasted = await ada.page.screenshot({ clip: { x: 0, y: 0, width: 333, height: 90 } });
  await bo.page.evaluate(paste, { base64: pasted.toString('base64'), type: 'image/png' });
  checks.equal('Ada has the pasted image', await ada.file(pasted.length), { hash: sha256(pasted), by: 'blob:', width: 333 });

  const binary = randomBytes(MEBIBYTE);
  await ada.page.evaluate(paste, { base64: binary.toString('base64'), type: '' });
  checks.equal('Bo has a file of 1 MiB, byte for byte', await bo.file(MEBIBYTE), { hash: sha256(binary), by: 'blob:', width: null });
  const frames = bo.frames.filter((payload) => typeof payload !== 'string');
  checks.ok('the file came in a binary frame', frames.at(-1)?.equals(binary), frames.map(({ length }) => length).join(' '));

  // One broadcast reaches both wires.
  const begin = JSON.stringify({ type: 'joined', name: 'Bo' });
  const behind = (texts) => texts.slice(texts.indexOf(begin));
  const onSse = await until(async () => {
    const texts = (await listened()).map(({ data }) => data);
    return texts.some((text) => text.includes(`"bytes":${MEBIBYTE},`)) && behind(texts);
  });
  checks.ok('curl has all kinds of events', new Set(onSse.map((data) => JSON.parse(data).type)).size >= 4 && onSse.length >= 6, onSse.join('\n'));
  checks.equal('WebSocket and SSE have the same text', behind(bo.frames.filter((payload) => typeof payload === 'string')), onSse);
  await bo.sees(`file, 1.0 MiB`, '#listened');
  const lines = (list) => list.filter((line) => !/ (joined|left)/.test(line));
  checks.equal('the same in both views of the page', lines(await bo.list('#listened')), lines(await bo.list('#chat')));
  checks.ok('the listening view shows who is present', await bo.knows(['Ada', 'Bo'], '#listened-present'));
  const { url } = JSON.parse(onSse.findLast((data) => JSON.parse(data).type === 'file'));
  const loaded = await fetch(`http://${host}${url}`);
  checks.ok('listeners load the same bytes', Buffer.from(await loaded.arrayBuffer()).equals(binary));
  checks.equal('the file has no type that a browser runs', [loaded.headers.get('content-type'), loaded.headers.get('x-content-type-options')], ['application/octet-stream', 'nosniff']);
}

/** Takes screenshots of the page in use, for people to look at. */
async function pictures({ page }) {
  for (const [scheme, width] of [['light', 1280], ['light', 400], ['dark', 1280], ['dark', 400]]) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width, height: 800 });
    await page.locator('.log').evaluateAll((logs) => logs.forEach((log) => log.scrollTo(0, log.scrollHeight)));
    await page.screenshot({ path: artefact(`chat-${scheme}-${width}.png`), fullPage: true });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    checks.ok(`nothing sticks out at ${width} pixels`, overflow <= 0, `${overflow} pixels`);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  console.log(`  ${artefact('chat-light-1280.png')}, and 400, and dark`);
}

async function closing(ada, bo) {
  await ada.leave(3001, 'tschüß 👋');
  checks.equal('Ada closes with 3001', await ada.closed(), { code: '3001', reason: 'tschüß 👋', clean: 'true' });
  checks.ok('Bo sees the code and the reason', await bo.sees('Ada left (3001 tschüß 👋)'));
  checks.ok('Bo sees that Ada has left', await bo.knows(['Bo']));
  checks.ok('Ada joins again', await ada.join());

  await ada.say('/close 4001 some reason');
  checks.equal('the server closes with 4001', await ada.closed(), { code: '4001', reason: 'some reason', clean: 'true' });
  checks.ok('Bo sees which side closed', await bo.sees('Ada left (4001 some reason, closed by the server)'));
  const { text } = await ada.state();
  checks.ok('the page shows the close', /4001 some reason, clean/.test(text), text);
  await ada.join();
  await ada.leave(1000, '');
  checks.equal('a close without a reason', await ada.closed(), { code: '1000', reason: '', clean: 'true' });
  await ada.join();
  await ada.say('/close 1006 no');
  checks.ok('1006 is refused', await ada.sees('No close frame may have this code.'));
  await ada.say(`/close 4002 ${'x'.repeat(124)}`);
  checks.ok('a long reason is refused', await ada.sees('A reason has at most 123 bytes.'));
  checks.equal('the connection stays open', (await ada.state()).state, 'open');
}

async function comingBack(ada, bo, live) {
  const said = async () => (await ada.list('#chat')).filter((line) => !/ (joined|left)/.test(line) && !line.startsWith('Not sent'));
  const before = await said();
  await ada.page.reload();
  checks.ok('Ada is back after a refresh', await ada.isOpen());
  checks.ok('Ada keeps her name', await ada.knows(['Ada', 'Bo']));
  checks.ok('there are earlier messages', before.length >= 6, before.join('\n'));
  checks.equal('all earlier messages are shown', await said(), before);
  const images = ada.page.locator('#chat img');
  const loaded = await until(() => images.evaluateAll((all) => all.length === 2 && all.every((image) => image.naturalWidth > 0)));
  checks.ok('the images are shown', loaded);

  for (const [signal, code] of [['SIGTERM', '1012'], ['SIGKILL', '1006']]) {
    // Watch before the stop, because the first attempt to reconnect replaces the code.
    const codes = [ada, bo].map((person) => until(async () => {
      const { state, code } = await person.state();
      return state === 'connecting' && code;
    }));
    const earlier = await replayed(live.host);
    const { status, ms } = await stop(live, signal);
    if (signal === 'SIGTERM') checks.ok('the server exits soon, with status 0', status === 0 && ms < 3000, `status ${status} after ${ms} ms`);
    for (const [i, person] of [ada, bo].entries()) checks.equal(`${person.name} sees ${signal}`, await codes[i], code);
    await sleep(1000);
    live = await startLive(live.host);
    for (const person of [ada, bo]) checks.ok(`${person.name} is back after ${signal}`, await person.isOpen(20));
    await ada.say(`still here after ${signal}`);
    checks.ok(`they can talk after ${signal}`, await bo.sees(`still here after ${signal}`));
    checks.ok('over SSE as well', await bo.sees(`still here after ${signal}`, '#listened'));
    // An id of an earlier run hides no id of this run.
    const ids = await replayed(live.host);
    checks.ok(`there are ids after ${signal}`, ids !== null);
    checks.equal('an id of an earlier run', await replayed(live.host, earlier.at(-1).slice('id: '.length)), ids);
  }
  return live;
}

/** Returns the ids that the room replays to a new listener. */
async function replayed(host, lastEventId) {
  const { body } = await fetch(`http://${host}/chat`, lastEventId && { headers: { 'Last-Event-ID': lastEventId } });
  let text = '';
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.includes('"presence"')) break;
  }
  return text.match(/^id: .*$/gm);
}

async function origins(chromium, host) {
  for (const [origin, status] of [
    [undefined, 101],
    [`http://${host}`, 101],
    [`HTTPS://${host}`, 101],
    ['http://evil.example', 403],
    [`http://${host}.evil.example`, 403],
    [`http://${host.split(':')[0]}`, 403],
    ['null', 403],
  ]) {
    const client = await RawClient.open(host, '/chat?name=Origin', { Origin: origin });
    checks.equal(`Origin: ${origin}`, await client.status(), status);
    client.socket.destroy();
  }
  const foreign = await serve((_, response) => sendPage(response));
  const page = await chromium.newPage();
  await page.goto(foreign.origin);
  const code = await page.evaluate((url) => new Promise((resolve) => {
    const socket = new WebSocket(url);
    socket.onopen = () => resolve('open');
    socket.onclose = ({ code }) => resolve(code);
  }), `ws://${host}/chat?name=Foreign`);
  checks.equal('a foreign page stays out', code, 1006);
  await page.close();
  foreign.close();
}

async function misbehaving(host, ada) {
  const handshakes = [
    ['no key', { 'Sec-WebSocket-Key': undefined }, 400],
    ['version 8', { 'Sec-WebSocket-Version': '8' }, 426],
    ['no Connection: Upgrade', { Connection: 'close' }, 400],
    ['no upgrade: an event stream', { Upgrade: undefined, Connection: undefined }, 200],
  ];
  for (const [name, headers, status] of handshakes) {
    const client = await RawClient.open(host, '/chat', headers);
    checks.equal(name, await client.status(), status);
    client.socket.destroy();
  }
  const elsewhere = await RawClient.open(host, '/nowhere');
  checks.equal('no WebSocket elsewhere', await elsewhere.status(), 404);
  elsewhere.socket.destroy();

  const early = frame('text', JSON.stringify({ type: 'message', text: 'behind the handshake' }));
  const eager = await RawClient.open(host, '/chat?name=Eager', {}, Buffer.concat([early, frame('ping', 'eh?')]));
  checks.ok('a frame after the handshake is received', await ada.sees('behind the handshake'));
  checks.equal('a ping after the handshake is answered', (await eager.frame(({ kind }) => kind === 'pong'))?.payload.toString(), 'eh?');
  eager.socket.destroy();
  checks.ok('the others see a lost connection', await ada.sees('Eager left (connection lost)'));

  const faults = [
    ['invalid UTF-8', [frame('text', Buffer.from([0x22, 0xc3, 0x28]))], 1007],
    ['a message over the limit', [frame('binary', [], { length: 4 * MEBIBYTE + 1 })], 1009],
    ['an unmasked frame', [Buffer.from('\x81\x02hi', 'latin1')], 1002],
    ['what is no JSON', [frame('text', 'hello')], 1008],
  ];
  for (const [name, bytes, code] of faults) {
    const client = await RawClient.open(host, `/chat?name=${code}`);
    await client.status();
    bytes.forEach((piece) => client.socket.write(piece));
    checks.equal(`${name} is closed with ${code}`, (await client.closed())?.code, code);
    client.socket.destroy();
    checks.ok(`the others see ${code}`, await until(async () => (await ada.list('#chat')).some((line) => line.startsWith(`${code} left (${code} `))));
  }

  const largest = await RawClient.open(host, '/chat?name=Large');
  await largest.status();
  largest.socket.write(frame('binary', Buffer.alloc(4 * MEBIBYTE, 7)));
  checks.ok('4 MiB are within it', await largest.frame(({ kind, payload }) => kind === 'binary' && payload.length === 4 * MEBIBYTE));
  largest.socket.destroy();
}

/** A client that does not read, while another client sends more than the queues may hold. */
async function slow() {
  const { host } = await startLive('127.0.0.1:0');
  const slow = await RawClient.open(host, '/chat?name=Slow');
  await slow.status();
  slow.socket.pause();
  const sender = await RawClient.open(host, '/chat?name=Sender');
  await sender.status();
  sender.socket.removeAllListeners('data').resume();
  const file = frame('binary', Buffer.alloc(MEBIBYTE, 9));
  for (let i = 0; i < 60; i += 1) {
    if (!sender.socket.write(file)) await once(sender.socket, 'drain');
  }
  await sleep(2000);
  slow.socket.resume();
  const closed = await slow.closed(30);
  checks.equal('a client that does not read is disconnected', { code: closed.code, reason: closed.reason }, { code: 1013, reason: 'too slow for this room' });
  checks.ok('the slow client got less than was sent', slow.frames().filter(({ kind }) => kind === 'binary').length < 60);
  sender.socket.destroy();
}

/** A silent client: it is pinged, and cut off when no pong arrives. */
async function silent() {
  const { host } = await startLive('127.0.0.1:0');
  const listened = listen(host);
  const client = await RawClient.open(host, '/chat?name=Silent');
  await client.status();
  const begin = Date.now();
  const closed = await client.closed(60);
  const seconds = (Date.now() - begin) / 1000;
  const pings = client.frames().filter(({ kind }) => kind === 'ping').length;
  checks.ok('a silent client is pinged, and cut off', closed === 'no close frame' && pings === 1 && seconds > 35 && seconds < 45, `${JSON.stringify(closed)}, ${pings} pings, ${seconds} s`);
  const left = await until(async () => (await listened()).map(({ data }) => JSON.parse(data)).find(({ type }) => type === 'left'));
  checks.equal('the others see that the silent client left', [left?.name, left?.by, left?.code], ['Silent', null, null]);
}

const chromium = await launch();
try {
  const silence = silent();
  let live = await startLive('127.0.0.1:0');
  const { host } = live;
  const ada = await Person.open(chromium, host, 'Ada');
  const bo = await Person.open(chromium, host, 'Bo');
  await talk(ada, bo, host);
  await pictures(bo);
  await closing(ada, bo);
  live = await comingBack(ada, bo, live);
  await origins(chromium, host);
  await misbehaving(host, ada);
  checks.equal('errors in the pages', [...ada.complaints, ...bo.complaints], []);
  await slow();
  await silence;
} finally {
  await chromium.close();
  for (const child of children) child.kill();
}
checks.done();
