// The endpoint of npm `ws` in either role, driven like those of endpoints/src/lib.rs.

import { WebSocket, WebSocketServer } from 'ws';
import { createInterface } from 'node:readline';

const SUBPROTOCOLS = ['chat.v2', 'chat.v1'];

const report = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
const bytes = (text) => Buffer.from(text, 'latin1');

/** The only connection. */
let current;

function follow(socket) {
  current = socket;
  socket.on('message', (data, isBinary) =>
    report(isBinary ? { binary: data.toString('latin1') } : { text: data.toString() }));
  socket.on('pong', (data) => report({ pong: data.toString() }));
  socket.onclose = ({ code, reason, wasClean }) => report({ close: { code, reason, clean: wasClean } });
}

/** `socket.extensions` has only names; the agreed parameters are not public. */
const reportOpen = ({ protocol, extensions, _extensions }) =>
  report({ open: { subprotocol: protocol || null, extensions, params: _extensions[extensions]?.params } });

/** Converts settings of compression to the names that `ws` uses. */
const inCamelCase = (settings) =>
  Object.fromEntries(Object.entries(settings).map(([name, value]) => [name.replace(/_(.)/g, (_, c) => c.toUpperCase()), value]));

const send = {
  open({ address, subprotocols = [], deflate, version = 13 }) {
    const options = { protocolVersion: version, perMessageDeflate: deflate ? inCamelCase(deflate) : false };
    const socket = new WebSocket(`ws://${address}/`, subprotocols, options);
    const refused = ({ message }) => {
      socket.onclose = null;
      report({ refused: message });
    };
    socket.on('error', refused);
    socket.on('open', () => {
      socket.off('error', refused).on('error', ({ message }) => report({ failed: message }));
      reportOpen(socket);
    });
    follow(socket);
  },
  text: (text) => current.send(text),
  binary: (text) => current.send(bytes(text)),
  invalid_text: (text) => current.send(bytes(text), { binary: false }),
  ping: (payload) => current.ping(payload),
  fragments({ message: { text, binary }, size, ping }) {
    const data = binary === undefined ? Buffer.from(text) : bytes(binary);
    for (let at = 0; at < data.length; at += size) {
      current.send(data.subarray(at, at + size), { binary: text === undefined, fin: at + size >= data.length });
      if (at === 0) current.ping(ping);
    }
  },
  close: (closing) => current.close(closing?.code, closing?.reason),
  listen: (settings) => listen(0, inCamelCase(settings)),
};

function listen(port, perMessageDeflate) {
  const handleProtocols = (offered) => SUBPROTOCOLS.find((name) => offered.has(name)) ?? false;
  const server = new WebSocketServer({ host: '127.0.0.1', port, handleProtocols, perMessageDeflate });
  server.on('listening', () => report({ listening: server.address().port }));
  server.on('connection', (socket) => {
    reportOpen(socket);
    socket.on('error', ({ message }) => report({ failed: message }));
    follow(socket);
  });
}

const [, , role, port = 0] = process.argv;
if (role === 'server') listen(port, false);
createInterface({ input: process.stdin })
  .on('line', (line) => {
    const [[command, value]] = Object.entries(JSON.parse(line));
    send[command](value);
  })
  .on('close', () => process.exit());
