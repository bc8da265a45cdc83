// Popular clients read the output of our encoder.

import { EventSource } from 'eventsource';
import { isDeepStrictEqual } from 'node:util';
import { Checks, Random, collect, example, jsonLines, launch, output, python, seed, sendPage, sendStream, serve } from './common.mjs';
import { EVENT_TYPES, messages, standard } from './messages.mjs';

globalThis.EventSource = EventSource; // for `collect`

/**
 * Where clients differ from the standard, WHATWG HTML 9.2.6. Each `reads` takes the event that the
 * standard makes of a message, and returns the client's.
 */
const DIFFERENCES = [
  {
    client: 'npm eventsource',
    name: 'the last event id does not carry over to events without an id',
    standard:
      'Initialize event\'s [...] lastEventId attribute to the last event ID string of the event source. ' +
      'The buffer does not get reset, so the last event ID string of the event source remains set to this value ' +
      'until the next time it is set by the server.',
    reads: (event, message) => event && { ...event, last_event_id: message.id ?? '' },
  },
  {
    client: 'Python httpx-sse',
    name: 'a block without data is an event, if there is a type, a retry, or by now a last event id',
    standard:
      'If the data buffer is an empty string, set the data buffer and the event type buffer to the empty string and return.',
    reads: (event, message, last_event_id) =>
      event ?? (message.event || message.retry !== undefined || last_event_id
        ? { event: message.event || 'message', data: '', last_event_id }
        : undefined),
  },
];

const sent = messages(new Random(seed()));
const json = sent.map((message) => `${JSON.stringify(message)}\n`).join('');
const stream = await output(example('json2sse'), [], json);
console.log(`  seed ${seed()}, ${sent.length} messages, ${stream.length} bytes`);

let requests = 0;
const server = await serve((request, response) => {
  if (request.url !== '/events') return sendPage(response);
  requests += 1;
  return sendStream(response, stream, new Random(seed() + requests));
});
const url = `${server.origin}/events`;

function fromOpened({ opened, events }) {
  if (!opened) throw new Error('the EventSource could not open the stream');
  return events;
}

const CLIENTS = {
  'curl | sse2json': async () =>
    jsonLines(await output('bash', ['-o', 'pipefail', '-c', 'curl --noproxy "*" -sN "$0" | "$1"', url, example('sse2json')])),
  'npm eventsource': async () => fromOpened(await collect({ url, types: EVENT_TYPES })),
  'Python httpx-sse': async () => jsonLines(await output(python(), [`${import.meta.dirname}/client.py`, url])),
  'Chromium EventSource': async () => {
    const browser = await launch();
    try {
      const page = await browser.newPage();
      await page.goto(server.origin);
      return fromOpened(await page.evaluate(collect, { url, types: EVENT_TYPES }));
    } finally {
      await browser.close();
    }
  },
};

const checks = new Checks('clients');
const dispatched = standard(sent);
for (const [client, read] of Object.entries(CLIENTS)) {
  let expected = dispatched;
  for (const { reads, name } of DIFFERENCES.filter((difference) => difference.client === client)) {
    let last_event_id = '';
    const differing = expected.map((event, i) => {
      last_event_id = sent[i].id ?? last_event_id;
      return reads(event, sent[i], last_event_id);
    });
    checks.occurred(`${client}: ${name}`, !isDeepStrictEqual(differing, expected));
    expected = differing;
  }
  const events = await read();
  checks.equal(client, events, expected.filter(Boolean));
  console.log(`  ${client.padEnd(20)} ${events.length} events`);
}
checks.equal('requests', requests, Object.keys(CLIENTS).length);
server.close();
checks.done();
