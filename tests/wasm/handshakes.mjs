// Opening handshakes through a module, whole and at every cut, and the bytes that follow them.

import { deepStrictEqual, match } from 'node:assert/strict';
import { number, readMessages, text } from './reports.mjs';

const lines = (...lines) => `${lines.join('\r\n')}\r\n\r\n`;

// The example of RFC 6455, sections 1.2 and 1.3.
const REQUEST = [
  'GET /chat HTTP/1.1', 'Host: server.example.com', 'Upgrade: websocket', 'Connection: Upgrade',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Origin: http://example.com',
  'Sec-WebSocket-Protocol: chat, superchat', 'Sec-WebSocket-Version: 13',
];
const RESPONSE = [
  'HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade',
  'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=', 'Sec-WebSocket-Protocol: chat',
];

/** Returns the lines with the one that begins with `start` replaced by others, or removed. */
const but = (all, start, ...others) => lines(...all.flatMap((it) => (it.startsWith(start) ? others : it)));

/** Invalid requests, and the status for each (RFC 6455, section 4.2.2; RFC 9110, section 15.5). */
const REFUSED = [
  ['no key', but(REQUEST, 'Sec-WebSocket-Key'), 400],
  ['a key of 15 bytes', but(REQUEST, 'Sec-WebSocket-Key', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j'), 400],
  ['no host', but(REQUEST, 'Host'), 400],
  ['LF alone', 'GET /chat HTTP/1.1\nHost: a\n\n', 400],
  ['POST', but(REQUEST, 'GET', 'POST /chat HTTP/1.1'), 405],
  ['version 8', but(REQUEST, 'Sec-WebSocket-Version', 'Sec-WebSocket-Version: 8'), 426],
  ['no upgrade', but(REQUEST, 'Upgrade'), 426],
  ['HTTP/1.0', but(REQUEST, 'GET', 'GET /chat HTTP/1.0'), 505],
];

/** Invalid responses, and the name of each error. */
const NOT_OPENED = [
  ['another accept', but(RESPONSE, 'Sec-WebSocket-Accept', 'Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA='), /^Accept$/],
  ['no accept', but(RESPONSE, 'Sec-WebSocket-Accept'), /^Accept$/],
  ['no upgrade', but(RESPONSE, 'Upgrade'), /^Upgrade$/],
  ['no connection', but(RESPONSE, 'Connection'), /^Connection$/],
  ['a subprotocol of its own', but(RESPONSE, 'Sec-WebSocket-Protocol', 'Sec-WebSocket-Protocol: other'), /^Subprotocol$/],
  ['an extension', but(RESPONSE, 'Sec-WebSocket-Protocol', 'Sec-WebSocket-Protocol: chat', 'Sec-WebSocket-Extensions: permessage-deflate'), /^Extension$/],
  ['no subprotocol', but(RESPONSE, 'Sec-WebSocket-Protocol'), /^NoSubprotocol$/],
  ['404', lines('HTTP/1.1 404 Not Found'), /^Status { status: 404, /],
];

const OPTIONS = [1n << 40n, 1n << 40n, 1 << 20];

export function handshakes(module, check) {
  /** Returns a report's records by tag. */
  const run = (name, stream, ends) => {
    const records = module.records(name, Buffer.from(stream), ends ?? [stream.length]);
    return Object.fromEntries(records.map(({ tag, bytes }) => [tag, bytes]));
  };
  const everywhere = (stream, body) => {
    body([stream.length]);
    for (let at = 0; at < stream.length; at += 1) body([at, stream.length]);
    body(Array.from(stream, (_, i) => i + 1));
  };

  const frames = Buffer.from('818537fa213d7f9f4d5158', 'hex').toString('latin1');
  check('handshake: a server accepts', () => {
    const stream = Buffer.from(lines(...REQUEST) + frames, 'latin1');
    everywhere(stream, (ends) => {
      const { t, h, n, s } = run('handshake_server', stream, ends);
      deepStrictEqual([text(t), text(h), number(n)], ['/chat', 'server.example.com', lines(...REQUEST).length]);
      deepStrictEqual(text(s), lines(...RESPONSE));
    });
  });
  check('handshake: a server waits', () => deepStrictEqual(run('handshake_server', lines(...REQUEST).slice(0, -1)), {}));
  for (const [name, request, status] of REFUSED) {
    check(`handshake: a server refuses ${name}`, () => {
      everywhere(request, (ends) => {
        const { '!': found, s } = run('handshake_server', request, ends);
        deepStrictEqual(number(found), status);
        match(text(s), new RegExp(`^HTTP/1.1 ${status} `));
        if (status === 426) match(text(s), /\r\nSec-WebSocket-Version: 13\r\n/);
      });
    });
  }
  check('handshake: a client asks', () => {
    const { s } = run('handshake_client', '');
    deepStrictEqual(text(s).split('\r\n').sort(), [...REQUEST, '', ''].sort());
  });
  check('handshake: a client opens', () => {
    const stream = lines(...RESPONSE) + '\x81\x02hi';
    everywhere(stream, (ends) => {
      const { p, n } = run('handshake_client', Buffer.from(stream, 'latin1'), ends);
      deepStrictEqual([text(p), number(n)], ['chat', lines(...RESPONSE).length]);
    });
  });
  for (const [name, response, error] of NOT_OPENED) {
    check(`handshake: a client refuses ${name}`, () => {
      everywhere(response, (ends) => match(text(run('handshake_client', response, ends)['!']), error));
    });
  }
  check('a conversation: request, acceptance, echo', () => {
    const { s: request } = run('handshake_client', '');
    const toServer = Buffer.concat([request, Buffer.from(frames, 'latin1')]);
    const { s: response, n } = run('handshake_server', toServer);
    const behind = toServer.subarray(number(n));
    const { echo } = readMessages(module.records('ws_messages', behind, [behind.length], [false, ...OPTIONS]));
    const toClient = Buffer.concat([response, echo]);
    const { n: head } = run('handshake_client', toClient);
    const heard = toClient.subarray(number(head));
    const { events } = readMessages(module.records('ws_messages', heard, [heard.length], [true, ...OPTIONS]));
    deepStrictEqual(events, [{ type: 'text', data: Buffer.from('Hello').toString('hex') }]);
  });
}
