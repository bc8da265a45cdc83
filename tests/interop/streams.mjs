// Seeded event streams that are easy to read wrongly, in classes.

/** Concatenates texts, as UTF-8, and lists of bytes. */
const bytes = (...parts) => Buffer.concat(parts.map((part) => Buffer.from(part)));
const text = (bytes) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);

const BOM = '\ufeff';
const TEXTS = [
  '', ' ', 'x', 'one two', ' lead', '  two', 'trail ', 'a:b', ':c', '\t', 'é', '天気', '🌦️', '\u2028', '\u0085', '\v\f',
  BOM, `${BOM}x`, 'nul\0in', '{"a":"é"}', 'data: y',
];
const TYPE_NAMES = ['', 'message', 'update', 'Message', 'é', '天気', '🌦', ' lead', 'trail ', 'a:b', 'nul\0', `${BOM}b`, 'data'];
const IDS = ['', '1', '22', ' 3', '4 ', 'é', '🌦', 'a:b', BOM];

const INVALID = [
  [0x80], [0xbf, 0x80], // lone continuations
  [0xc0, 0xaf], [0xe0, 0x80, 0xaf], [0xf0, 0x80, 0x80, 0x80], // overlong
  [0xed, 0xa0, 0x80], [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80], // surrogates
  [0xf4, 0x90, 0x80, 0x80], [0xf5, 0x80, 0x80, 0x80], // beyond Unicode
  [0xff], [0xfe],
  [0xc3], [0xe2, 0x82], [0xf0, 0x9f, 0x8c], // cut short
  [0xe2, 0x28, 0xa1], [0xf0, 0x9f, 0x41], // cut short by ASCII
];
const INVALID_TYPES = INVALID.flatMap((bad) => [bytes('t', bad), bytes('t', bad, 'z')]);

/**
 * Every event type that a stream can dispatch, except `open` and `error`, which an EventSource
 * itself uses.
 */
export const TYPES = [
  ...new Set(['message', ...TYPE_NAMES, ...TYPE_NAMES.map((name) => name.replace(/^ /, '')), ...INVALID_TYPES.map(text)]),
].filter(Boolean);

const MIXED = ['\n', '\r', '\r\n', '\n\r', '\r\r\n', '\n\r\n', '\r\n\r'];

const field = (random, name, value) => bytes(name, random.pick([':', ': ']), value);

function plain(random) {
  switch (random.below(6)) {
    case 0: return field(random, 'event', random.pick(TYPE_NAMES));
    case 1: return field(random, 'id', random.pick(IDS));
    case 2: return bytes(':', random.pick(TEXTS));
    default: return field(random, 'data', random.pick(TEXTS));
  }
}

const oneOf = (...lines) => (random) => bytes(random.pick(lines));

/**
 * How to make each class: its lines, and where it matters, its line ends and the bytes before the
 * first line.
 */
const CLASSES = {
  'byte order mark': {
    line: oneOf(BOM, `${BOM}data: marked`, `${BOM}id: 8`, `data: ${BOM}`, `data:${BOM}${BOM}`, `da${BOM}ta: x`, `data${BOM}: x`, `id: ${BOM}`, `event: ${BOM}b`, `: ${BOM}`),
    head: (random) => random.pick([
      [BOM], [BOM], [BOM], [BOM, BOM], [BOM, ' '], [BOM, ':'], [BOM, '\n'], [BOM, '\r'], [BOM, '\r\n'], [BOM, '\n\n'], [BOM, '\r\r\n'], [BOM, BOM, '\n'],
      [BOM, '\ndata: first\n\n'], [BOM, '\rdata: first\r\r'], [BOM, '\r\ndata: first\r\n\r\n'], [BOM, 'data: first\n\n'],
      [[0xef]], [[0xef, 0xbb]], [[0xef, 0xbb, 0xbe]], [[0xef, 0xbb, 0x0a, 0xbf]], [[0xef], BOM], [[0xbb, 0xbf]], ['\n', BOM], [' ', BOM], [[0xfe, 0xff]],
    ]),
  },
  'CR only': { line: plain, ends: ['\r'] },
  'mixed line ends': { line: plain, ends: MIXED },
  'NUL in id': {
    line: (random) => field(random, 'id', random.pick(['\0', 'a\0', '\0b', 'a\0b', ' \0', '1\0\x002', 'é\0', '\0'.repeat(5)])),
  },
  'invalid UTF-8': {
    line(random) {
      const bad = random.pick(INVALID);
      switch (random.below(8)) {
        case 0: return field(random, 'event', random.pick(INVALID_TYPES));
        case 1: return field(random, 'id', bytes('i', bad));
        case 2: return field(random, 'id', bytes(bad, 'i'));
        case 3: return bytes(random.pick(['data', 'id', 'event']), bad, ': x');
        case 4: return bytes(bad, random.pick(['data: x', ': x', 'id: 6']));
        case 5: return field(random, 'data', bytes(random.pick(TEXTS), bad)); // cut short by the line's end
        case 6: return field(random, 'data', bytes(bad, random.pick(INVALID), random.pick(TEXTS)));
        default: return field(random, 'data', bytes('é', bad, '🌦', bad));
      }
    },
  },
  retry: {
    line: oneOf('retry: 3000', 'retry:0', 'retry: 0007', 'retry: +5', 'retry: -1', 'retry:  7', 'retry: 5 ', 'retry', 'retry:', 'retry: ', 'retry: ٣', 'retry: ３', 'retry: 1e3', 'retry: 0x10', 'retry: 1.5', 'retry: 12a', 'retry:\t5', 'retry: 18446744073709551616', `retry: ${'9'.repeat(400)}`, 'Retry: 5', 'retry : 5'),
  },
  'near-miss names': {
    line: oneOf('datax: x', ' data: x', 'Data: x', 'DATA: x', 'data : x', 'dat: x', 'dat', 'data\0: x', 'data\t: x', `dat${BOM}a: x`, `${BOM}data: x`, 'ｄata: x', 'idx: 5', ' id: 5', 'ID: 5', 'id : 5', 'i: 5', 'i', 'eventx: update', 'Event: update', 'event : update', 'even: update', 'message: x', 'comment', '\0', ' ', ' :', 'data=x', 'data;x', 'data.x: y'),
  },
  'empty data': {
    line: oneOf('data', 'data:', 'data: ', 'data:  ', 'data'),
  },
  'id only': {
    line: oneOf('id', 'id:', 'id: ', 'id: 7', 'id:7', 'id:  8', 'id: 9'),
  },
};

const kinds = Object.values(CLASSES);
const mixture = {
  line: (random) => (random.percent(50) ? plain(random) : random.pick(kinds).line(random)),
  ends: MIXED,
  head: (random) => (random.percent(30) ? CLASSES['byte order mark'].head(random) : []),
};
CLASSES.mixture = mixture;
CLASSES['cut at the end'] = {
  ...mixture,
  finish: (random, stream) => stream.subarray(0, random.below(stream.length + 1)),
};

/** Appends a last event, which shows the state that the stream left behind. */
const whole = (_, stream) => bytes(stream, 'data: end\n\n');

function generate(random, { line, ends, head = () => [], finish = whole }) {
  ends ??= random.percent(25) ? MIXED : [random.pick(['\n', '\r', '\r\n'])];
  const lines = random.times(2 + random.below(4), () => {
    const share = random.pick([30, 60, 100]);
    return [...random.times(1 + random.below(4), () => (random.percent(share) ? line(random) : plain(random))), ''];
  });
  // Begin with a line of the class, then add an event that shows its effect.
  lines.push([line(random), ...random.times(random.below(2), () => plain(random)), '']);
  return finish(random, bytes(...head(random), ...lines.flat().flatMap((line) => [line, random.pick(ends)])));
}

/** Returns `count` streams, the classes in turn. */
export function streams(random, count) {
  const classes = Object.entries(CLASSES);
  return random.times(count, (_, i) => {
    const [name, kind] = classes[i % classes.length];
    return { class: name, bytes: generate(random, kind) };
  });
}
