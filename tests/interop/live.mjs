// The example `live` as users meet it: in a browser, in a terminal, and when it cannot start.

import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Checks, artefact, children, decode, example, launch, numberIn, run, start, until } from './common.mjs';

const TYPES = ['message', 'weather', 'poem'];

const checks = new Checks('live');

/** Reads the endless stream in Node until the part ends. */
function fetchRaw(url) {
  const chunks = [];
  const controller = new AbortController();
  const done = (async () => {
    const { body } = await fetch(url, { signal: controller.signal });
    for await (const chunk of body) chunks.push(chunk);
  })().catch((error) => {
    if (!controller.signal.aborted) throw error;
  });
  return {
    bytes: () => Buffer.concat(chunks),
    async stop() {
      controller.abort();
      await done;
    },
  };
}

/** Runs in the page: opens a second EventSource, and records the states of the page's own. */
function watch(types) {
  window.watched = { events: [], states: [] };
  const source = new EventSource('/events');
  for (const type of types) {
    source.addEventListener(type, (event) => {
      window.watched.events.push({ event: event.type, data: event.data, last_event_id: event.lastEventId });
    });
  }
  const state = document.querySelector('#state');
  new MutationObserver(() => {
    const text = state.textContent.trim();
    if (window.watched.states.at(-1) !== text) window.watched.states.push(text);
  }).observe(state, { childList: true, characterData: true, subtree: true });
}

/** Runs in the page: returns everything that it shows. */
function shown() {
  const text = (selector) => document.querySelector(selector).textContent.trim();
  return {
    state: text('#state'),
    lastEventId: text('#last-event-id'),
    resume: text('#resume'),
    raw: document.querySelector('#raw').textContent,
    events: [...document.querySelectorAll('#events > *')].map((item) => ({
      event: item.dataset.type,
      data: item.querySelector('pre').textContent,
      last_event_id: item.dataset.id,
    })),
  };
}

const id = (event) => numberIn(event.last_event_id);
const withIds = (events) => events.filter(({ event }) => event !== 'resumed');
const consecutive = (events) => events.every((event, i) => i === 0 || id(event) === id(events[i - 1]) + 1);
const ids = (events) => events.map(id).join(' ');

async function refusals(address) {
  for (const [name, args] of [['a port in use', [address]], ['an unknown option', ['--nonsense']], ['no address', ['nonsense']]]) {
    const { status, stdout, stderr } = await run(example('live'), args);
    checks.ok(name, status === 2 && stdout.length === 0 && /^[^\n]+\n$/.test(stderr), JSON.stringify({ status, stderr }));
  }
}

async function terminal(origin) {
  const curl = start('curl', ['--noproxy', '*', '-sN', `${origin}/events`]);
  const sse2json = start(example('sse2json'), [], curl.stdout);
  const begin = Date.now();
  const arrivals = [];
  for await (const line of createInterface({ input: sse2json.stdout })) {
    arrivals.push({ ...JSON.parse(line), at: Date.now() - begin });
    if (arrivals.length === 6) break;
  }
  const ticks = arrivals.filter(({ event }) => event === 'message').map(({ at }) => at);
  const apart = ticks.slice(1).map((at, i) => at - ticks[i]);
  checks.ok(
    'curl | sse2json shows each event at once',
    ticks[0] < 2000 && apart.length >= 2 && apart.every((ms) => ms > 500 && ms < 1500) && consecutive(arrivals),
    JSON.stringify(arrivals),
  );
  curl.kill();
  sse2json.kill();
}

async function browser(origin) {
  const chromium = await launch();
  try {
    const page = await chromium.newPage({ viewport: { width: 1280, height: 800 } });
    const complaints = [];
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(`${error}`));
    const requests = [];
    page.on('request', (request) => requests.push(request));

    await page.goto(origin);
    checks.ok('the state is open', await until(async () => (await page.evaluate(shown)).state === 'open', 5));
    await page.evaluate(watch, TYPES);
    const raw = fetchRaw(`${origin}/events`);

    // Long enough for two poems, the rarest events.
    const poems = async () => (await decode(raw.bytes())).filter(({ event }) => event === 'poem').length >= 2;
    checks.ok('two poems', await until(poems));
    const [{ events: ours }, view] = await page.evaluate(`[window.watched, (${shown})()]`);
    await raw.stop();
    const bytes = raw.bytes();
    const fetched = await decode(bytes);

    // The three streams began and ended at different times: compare their common events.
    const first = Math.max(...[fetched, ours, view.events].map((events) => id(events[0])));
    const last = Math.min(...[fetched, ours, view.events].map((events) => id(events.at(-1))));
    const common = (events) => events.filter((event) => first <= id(event) && id(event) <= last);
    const expected = common(fetched);
    const count = (type) => expected.filter(({ event }) => event === type).length;
    checks.ok('events of all types', count('message') >= 5 && count('weather') >= 2 && count('poem') >= 1, ids(expected));
    checks.ok('ids increase one by one', consecutive(expected), ids(expected));
    checks.equal('an EventSource and sse2json, same ids', common(ours), expected);
    checks.equal('the page and sse2json, same ids', common(view.events), expected);
    checks.ok('the last event id is shown', view.lastEventId === view.events.at(-1).last_event_id, view.lastEventId);

    const poem = expected.find(({ event }) => event === 'poem')?.data ?? '';
    const block = `${poem.split('\n').map((line) => `data: ${line}\n`).join('')}\n`;
    checks.ok('a poem has many lines', poem.split('\n').length >= 3 && bytes.includes(block) && view.raw.includes(block), JSON.stringify(poem));
    const weather = expected.find(({ event }) => event === 'weather')?.data ?? '';
    checks.ok('the weather is JSON', typeof JSON.parse(weather) === 'object', weather);
    checks.ok('the heartbeat is in the raw stream', /^:/m.test(bytes.toString()) && /^:/m.test(view.raw));
    console.log(`  ${expected.length} events compared, ids ${first} to ${last}`);

    await page.click('#drop');
    const came = await until(async () => {
      const { states } = await page.evaluate('window.watched');
      return states.length >= 2 && states.at(-1) === 'open' && states;
    });
    checks.ok('the state leaves open and returns to it', came?.[0] !== 'open' && came?.at(-1) === 'open', JSON.stringify(came));
    const resumed = await until(async () => {
      const now = await page.evaluate(shown);
      const at = now.events.findIndex(({ event }) => event === 'resumed');
      return at > 0 && now.events.length > at + 4 && { ...now, at };
    });
    checks.ok('events continue after `resumed`', resumed);
    if (resumed) {
      const { events, at, resume } = resumed;
      const stopped = events[at - 1].last_event_id;
      checks.ok('no gap and no repeat', consecutive(withIds(events)), ids(withIds(events)));
      checks.ok('the page shows where it resumed', /resumed/i.test(resume) && resume.split(/[^\w-]+/).includes(stopped), resume);
      const streams = requests.filter((request) => request.resourceType() === 'eventsource');
      const headers = await Promise.all(streams.map(async (request) => (await request.allHeaders())['last-event-id']));
      checks.equal('last-event-id of each EventSource request', headers, [undefined, undefined, stopped]);
      console.log(`  resumed after id ${stopped}, the request said ${headers.at(-1)}: ${resume}`);
    }
    const picture = artefact('live.png');
    await page.screenshot({ path: picture });
    console.log(`  ${picture}`);
    checks.equal('the console', complaints, []);
  } finally {
    await chromium.close();
  }
}

try {
  const live = start(example('live'), ['127.0.0.1:0']);
  const [line] = await once(createInterface({ input: live.stdout }), 'line');
  const origin = line.match(/^listening on (http:\/\/127\.0\.0\.1:\d+)$/)?.[1];
  if (checks.ok('the program prints its address', origin, line)) {
    await refusals(new URL(origin).host);
    await terminal(origin);
    await browser(origin);
  }
} finally {
  for (const child of children) child.kill();
}
checks.done();
