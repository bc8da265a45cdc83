// A proxy that records what two endpoints send each other, byte by byte.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { rawFrames } from './frames.mjs';

/** The bytes that one side of a connection has sent. */
class Side {
  #chunks = [];

  push(chunk) {
    this.#chunks.push(chunk);
  }

  get #bytes() {
    this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0];
  }

  /** Returns the value of a header, or the empty string without it. */
  header(name) {
    const [head] = this.#bytes.toString('latin1').split('\r\n\r\n', 1);
    const field = head.split('\r\n').find((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`));
    return field?.slice(name.length + 1).trim() ?? '';
  }

  frames() {
    return [...rawFrames(this.#bytes.subarray(this.#bytes.indexOf('\r\n\r\n') + 4))];
  }
}

export class Recorder {
  /** The recorded connections, in order. */
  connections = [];

  /** Starts a recorder in front of a server. */
  static async before(address) {
    const recorder = new Recorder();
    const [hostname, port] = address.split(':');
    recorder.server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      const server = connect({ host: hostname, port: Number(port), allowHalfOpen: true, noDelay: true });
      const connection = { client: new Side(), server: new Side() };
      recorder.connections.push(connection);
      for (const [from, to, side] of [[client, server, connection.client], [server, client, connection.server]]) {
        from.on('data', (chunk) => side.push(chunk));
        from.on('error', () => to.destroy());
        from.pipe(to);
      }
    }).listen(0, '127.0.0.1');
    await once(recorder.server, 'listening');
    recorder.address = `127.0.0.1:${recorder.server.address().port}`;
    return recorder;
  }

  get last() {
    return this.connections.at(-1);
  }

  stop() {
    this.server.close();
  }
}
