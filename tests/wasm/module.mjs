// A module of the codecs: its exports, over memory that is grown for it.

import { readFileSync } from 'node:fs';

const PAGE = 65536;
/** The memory in pages of 64 KiB: 32 MiB. */
const PAGES = 512;

export class Module {
  #exports;
  #base;

  constructor(path) {
    const module = new WebAssembly.Module(readFileSync(path));
    const imports = WebAssembly.Module.imports(module).map(({ name }) => name);
    if (imports.length > 0) throw new Error(`${path} imports ${imports}`);
    this.#exports = new WebAssembly.Instance(module).exports;
    this.#base = this.#exports.memory.grow(PAGES) * PAGE;
  }

  /** Returns a part of the memory that was grown for the host. */
  memory(offset, length) {
    return new Uint8Array(this.#exports.memory.buffer, this.#base + offset, length);
  }

  /**
   * Calls an export with a stream and the ends of its chunks. The stream begins `offset` bytes
   * after a multiple of 64.
   */
  call(name, stream, ends, args = [], { offset = 0, room = 4 << 20 } = {}) {
    const streamAt = 64 + offset;
    const endsAt = (streamAt + stream.length + 127) & ~63;
    const roomAt = (endsAt + 4 * ends.length + 63) & ~63;
    this.memory(streamAt, stream.length).set(stream);
    const { buffer } = this.#exports.memory;
    new Uint32Array(buffer, this.#base + endsAt, ends.length).set(ends);
    const at = [streamAt, stream.length, endsAt, ends.length, roomAt, room].map((n, i) => (i % 2 ? n : this.#base + n));
    new Uint32Array(buffer, this.#base, 6).set(at);
    const result = this.#exports[name](this.#base, ...args);
    return { result, report: this.memory(roomAt, Math.min(room, result)) };
  }

  /** Does the same, and returns the report's records, each a tag and bytes. */
  records(...call) {
    const { report } = this.call(...call);
    const view = new DataView(report.buffer, report.byteOffset, report.length);
    const records = [];
    for (let at = 0; at < report.length; ) {
      const length = view.getUint32(at + 1, true);
      records.push({ tag: String.fromCharCode(report[at]), bytes: report.slice(at + 5, at + 5 + length) });
      at += 5 + length;
    }
    return records;
  }
}
