// Seeded messages that are easy to write or read wrongly.

const TEXTS = [
  'plain', '', ' ', ' lead', '  two', 'trail ', '\t', ':', ':colon', 'data: x', 'id: 7\nevent: y\n\ndata: z',
  'a\nb', 'a\rb', 'a\r\nb', 'a\n\rb', '\n', '\r', '\r\n\r\n', '\nstart', 'end\n', 'end\r\n\n', ' \n \n ',
  'é 天気 🌦️ 👩‍👩‍👧', 'nul\0in', '\u2028line\u2029', 'next\u0085', '\v\f\x1c\x1d\x1e', '\ufeff', '\ufeffmarked', 'mid\ufeff', '{"a":"\\n"}',
  'x'.repeat(65536), 'é🌦\r\n'.repeat(8192),
];
export const EVENT_TYPES = ['message', 'update', 'é', '天気 🌦', ' lead', 'trail ', 'a:b', 'data', 'nul\0', '\ufeffb', '\u2028'];
const IDS = ['', '1', '22', ' 3', '4 ', 'é🌦', 'a:b', '\ufeff', '\u2028', 'x'.repeat(1000)];
const RETRIES = [0, 10, 3000, 2 ** 53];

/** Returns messages with every text once, and everything else by chance. */
export function messages(random) {
  const sometimes = (percent, list) => (random.percent(percent) ? random.pick(list) : undefined);
  const around = (data) => ({
    comment: sometimes(25, TEXTS),
    event: sometimes(40, ['', ...EVENT_TYPES]),
    id: sometimes(40, IDS),
    retry: sometimes(15, RETRIES),
    data,
  });
  return [
    { data: 'before any id' },
    ...TEXTS.map(around),
    ...random.times(25, () => around(sometimes(50, TEXTS))),
    { id: '9' },
    { data: 'behind an id alone' },
    { comment: 'alone' },
    { retry: 20 },
    { event: 'update' },
    { data: 'of no type' },
    { id: '' },
    { data: 'behind a reset' },
  ];
}

/** Returns the event that the standard makes of each message; `undefined` if it dispatches none. */
export function standard(messages) {
  let last_event_id = '';
  return messages.map(({ event, id, data }) => {
    last_event_id = id ?? last_event_id;
    return data === undefined
      ? undefined
      : { event: event || 'message', data: data.replace(/\r\n?/g, '\n'), last_event_id };
  });
}
