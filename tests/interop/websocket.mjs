// Our WebSocket endpoints and others, in both roles.

import * as byHand from './by_hand.mjs';
import { Checks } from './common.mjs';
import * as conversations from './conversations.mjs';
import { EchoServer, Endpoint } from './endpoint.mjs';

const { closings, declinedDeflate, fragments, messages, pings, pipeline, subprotocols } = conversations;
const { Pair, fragmentLimit, invalidText, limit } = conversations;

const PEERS = ['ws', 'websockets', 'tungstenite'];
/**
 * The peers whose clients can offer compression. Here our servers decline it; deflate.mjs tests the
 * rest.
 */
const DEFLATE = ['ws', 'websockets'];
const LIMIT = 1000;

const checks = new Checks('websocket');

/** Runs a part. An exception counts as a failure, and the other parts go on. */
async function part(name, start, work) {
  const began = performance.now();
  const started = [];
  try {
    for (const one of start) started.push(await one());
    await work(...started);
  } catch (error) {
    checks.ok(name, false, error.stack);
  } finally {
    for (const program of started) await program.stop();
  }
  console.log(`  ${name.padEnd(30)} ${Math.round(performance.now() - began)} ms`);
}

const pair = (client, server, work) =>
  part(`${client} to ${server}`, [() => Endpoint.client(client), () => serverOf(server)], (client, server) =>
    work(new Pair(client, server, checks)));

const serverOf = (name) => (name === 'echo_server' ? EchoServer.start() : Endpoint.server(name));

async function everything(pair) {
  for (const converse of [messages, fragments, pings, pipeline, closings, subprotocols, invalidText]) await converse(pair);
}

for (const peer of PEERS) {
  for (const server of ['echo_server', 'eventwire']) {
    await pair(peer, server, async (pair) => {
      await everything(pair);
      if (DEFLATE.includes(peer)) await declinedDeflate(pair);
    });
  }
  await part(
    `${peer} past a limit`,
    [() => Endpoint.client(peer), () => EchoServer.start('--max-message', `${LIMIT}`)],
    (client, server) => limit(new Pair(client, server, checks), LIMIT),
  );
  await pair('eventwire', peer, async (pair) => {
    await everything(pair);
    await limit(pair, LIMIT, { max_message: LIMIT });
    await fragmentLimit(pair);
  });
}
await part('requests by hand', [() => EchoServer.start()], (server) => byHand.requests(checks, server));
await part('responses by hand', [() => Endpoint.client('eventwire')], (client) => byHand.responses(checks, client));
await part('ws, version 8', [() => Endpoint.client('ws'), () => EchoServer.start()], async (client, server) => {
  client.tell({ open: { address: server.address, version: 8 } });
  checks.equal('version 8 by ws', await client.next(), { refused: 'Unexpected server response: 426' });
});
checks.done();
