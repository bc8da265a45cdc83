// Handshakes written byte by byte, in forms that no library would send.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { RawClient, frame } from './frames.mjs';

/** The accept value for the key that `RawClient` sends. */
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';
const latin1 = (text) => Buffer.from(text, 'latin1');

const key = (bytes) => ({ 'Sec-WebSocket-Key': Buffer.alloc(bytes).toString('base64') });

const REFUSED_REQUESTS = {
  'version 8': [{ 'Sec-WebSocket-Version': '8' }, 426],
  'version 013': [{ 'Sec-WebSocket-Version': '013' }, 426],
  'no version': [{ 'Sec-WebSocket-Version': undefined }, 426],
  'key of 15 bytes': [key(15), 400],
  'key of 17 bytes': [key(17), 400],
  'key not in base64': [{ 'Sec-WebSocket-Key': '*'.repeat(24) }, 400],
  'no key': [{ 'Sec-WebSocket-Key': undefined }, 400],
};

const AT_ONCE = [frame('text', 'hello'), frame('binary', [0xff]), frame('close', [0x03, 0xe8])];

export async function requests(checks, { address }) {
  for (const [what, [headers, status]] of Object.entries(REFUSED_REQUESTS)) {
    const client = await RawClient.open(address, '/', headers);
    const [head] = (await client.all()).split('\r\n\r\n');
    checks.equal(`${what}: status`, head.slice(0, 12), `HTTP/1.1 ${status}`);
    if (status === 426) checks.ok(`${what}: the supported version`, head.includes('\r\nSec-WebSocket-Version: 13'), head);
  }
  const client = await RawClient.open(address, '/', {}, Buffer.concat(AT_ONCE));
  const [head, frames] = (await client.all()).split('\r\n\r\n');
  checks.ok('frames with the request: accepted', head.startsWith('HTTP/1.1 101 ') && head.includes(ACCEPT), head);
  checks.equal('frames with the request: replies', frames, '\x81\x05hello\x82\x01\xff\x88\x02\x03\xe8');
}

const FRAMES = '\x81\x05hello\x82\x01\xff\x88\x05\x03\xe8bye';

/** Builds a server's response with an accept value. The rows say what our client must report. */
const answered = (accept, ...more) =>
  ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept}`,
    ...more, '\r\n'].join('\r\n');

const ANSWERS = {
  'wrong accept': [() => answered(ACCEPT), ['Sec-WebSocket-Accept does not answer the key']],
  'unrequested subprotocol': [
    (accept) => answered(accept, 'Sec-WebSocket-Protocol: chat.v2'), ['the server chose a subprotocol that was not requested'],
  ],
  'subprotocol in other case': [
    (accept) => answered(accept, 'Sec-WebSocket-Protocol: Chat.v1'), ['the server chose a subprotocol that was not requested'],
  ],
  'unoffered extension': [
    (accept) => answered(accept, 'Sec-WebSocket-Protocol: chat.v1', 'Sec-WebSocket-Extensions: permessage-deflate'),
    ['the server uses an extension that was not offered'],
  ],
  'no subprotocol': [answered, ['the server chose none of the requested subprotocols']],
  'status 403': [() => 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n', ['the server answered with status 403']],
  'frames with the response': [
    (accept) => answered(accept, 'Sec-WebSocket-Protocol: chat.v1') + FRAMES,
    [
      { open: { subprotocol: 'chat.v1', extensions: '' } },
      { text: 'hello' },
      { binary: '\xff' },
      { close: { code: 1000, reason: 'bye', clean: true } },
    ],
  ],
};

export async function responses(checks, client) {
  let respond;
  let rest;
  const server = createServer((socket) => {
    socket.setTimeout(10_000, () => socket.destroy()); // a client that did not refuse
    let head = '';
    rest = new Promise((resolve) => {
      let after = '';
      socket.on('data', (chunk) => {
        if (head.endsWith('\r\n\r\n')) {
          after += chunk.toString('latin1');
          if (after.length === 11) socket.end(); // a close frame with a code and "bye"
          return;
        }
        head += chunk.toString('latin1');
        if (!head.endsWith('\r\n\r\n')) return;
        const [, key] = head.match(/\r\nSec-WebSocket-Key: (.*)\r\n/);
        const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
        socket.write(latin1(respond(accept)));
      });
      socket.on('error', () => {}); // a client that refuses may reset the connection
      socket.on('close', () => resolve(after));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `127.0.0.1:${server.address().port}`;

  try {
    for (const [what, [answer, reports]] of Object.entries(ANSWERS)) {
      respond = answer;
      client.tell({ open: { address, subprotocols: ['chat.v1'] } });
      for (const report of reports) {
        checks.equal(what, await client.next(), typeof report === 'string' ? { refused: report } : report);
      }
      const after = latin1(await rest);
      if (typeof reports[0] === 'string') {
        checks.equal(`${what}: nothing is sent`, after.length, 0);
      } else {
        const code = [6, 7].map((at) => after[at] ^ after[at - 4]);
        checks.equal(`${what}: answered`, [...after.subarray(0, 2), ...code], [0x88, 0x85, 0x03, 0xe8]);
      }
    }
  } finally {
    server.close();
  }
}
