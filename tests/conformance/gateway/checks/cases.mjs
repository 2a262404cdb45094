/**
 * Envelopes, good and bad, and what the page says of each. They are sent over either carrier.
 *
 * A case has a name, the section it comes from, its body, the number that must be confirmed (or none), what must be
 * refused as `[index, code]`, and what of it the platform must have. `status` is the answer by HTTP.
 */

import { MOST_ENVELOPE_BYTES, MOST_READINGS, MOST_SEQ, stringifyExact } from '../client/messages.mjs';

const ENVELOPES = 'Envelopes';
const IDENTITY = 'Identity';
const REFUSALS = 'Refusals';
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** All cases, in a stream of the bench's. */
export function* cases(bench, numbered) {
  const { id: stream } = numbered;
  const next = () => numbered.next();
  const [own] = bench.points;

  const good = (name, section, readings, body = (id, number) => envelope(id, number, readings)) => {
    const number = next();
    return {
      name,
      section,
      stream,
      seq: number,
      body: body(stream, number),
      refused: [],
      committed: readings,
      rejected: [],
      status: 200,
    };
  };
  const refusing = (name, readings, refused) => {
    const number = next();
    const codes = new Map(refused);
    const committed = readings.filter((_, index) => !codes.has(index));
    const rejected = refused.map(([index, code]) => [...readings[index].slice(0, 2), code]);
    const body = envelope(stream, number, readings);
    return { name, section: REFUSALS, stream, seq: number, body, refused, committed, rejected, status: 200 };
  };
  const whole = (name, code, status, change) => {
    const number = next();
    const body = change({ v: 1, stream, seq: number, readings: bench.readings(1) });
    return {
      name,
      section: REFUSALS,
      stream,
      seq: number,
      body,
      refused: [[null, code]],
      committed: [],
      rejected: [],
      status,
    };
  };
  const unreadable = (name, body, code = 'malformed', status = 400) => ({
    name,
    section: REFUSALS,
    stream: null,
    seq: null,
    body,
    refused: [[null, code]],
    committed: [],
    rejected: [],
    status,
  });

  // What is good.
  yield good('qualities', ENVELOPES, [
    [own, bench.time(), 1234.5],
    [own, bench.time(), 1, 0],
    [own, bench.time(), 2, 1],
    [own, bench.time(), 3, 2],
    [own, bench.time(), null, 3],
  ]);
  yield good('values', ENVELOPES, [
    [own, bench.time(), 0],
    [own, bench.time(), -5.25],
    [own, bench.time(), 1e-300],
    [own, bench.time(), 1.7976931348623157e308],
    [own, bench.time(), 0.1],
    [own, bench.time(), 123456789.12345679],
    [own, bench.time(), 9007199254740993],
  ]);
  const written = [
    [own, bench.time(), 1500, 0],
    [own, bench.time(), 0, 0],
  ];
  yield good(
    'numbers-in-other-words',
    ENVELOPES,
    written,
    (id, number) =>
      `{"v":1,"stream":"${id}","seq":${number},"readings":[["${own}",${written[0][1]},1.5E+3,0],["${own}",${written[1][1]},-0.0]]}`,
  );
  const ordered = bench.readings(2);
  yield good(
    'members-in-any-order',
    ENVELOPES,
    ordered,
    (id, number) => `\n{ "readings" : ${stringifyExact(ordered)},\t"seq":${number} , "v":1,\r\n "stream":"${id}" }\n`,
  );
  const strange = bench.readings(1);
  yield good('unknown-members', 'Transport', strange, (id, number) =>
    stringifyExact({
      firmware: '2.4',
      extra: { deep: [1, { er: null }] },
      v: 1,
      stream: id,
      seq: number,
      readings: strange,
      温度: 21.5,
    }),
  );
  const longer = bench.readings(2);
  yield good('unknown-members-of-readings', 'Transport', longer, (id, number) =>
    envelope(
      id,
      number,
      longer.map((reading) => [...reading, { phase: 'L1' }, null]),
    ),
  );
  const escaped = bench.readings(1);
  yield good('escapes', ENVELOPES, escaped, (id, number) =>
    envelope(id, number, escaped).replace(
      own,
      [...own].map((letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
    ),
  );
  yield good('late-and-unordered', ENVELOPES, [
    [own, bench.time() - 30 * DAY_MS, 1, 0],
    [own, bench.time(), 3, 0],
    [own, bench.time() - 300 * DAY_MS, 2, 0],
  ]);
  yield good('most-readings', 'Envelopes: Size', bench.readings(MOST_READINGS));
  const padded = bench.readings(3);
  yield good('most-bytes', 'Envelopes: Size', padded, (id, number) =>
    pad({ v: 1, stream: id, seq: number, readings: padded }, MOST_ENVELOPE_BYTES),
  );
  for (const [name, large] of [
    ['two-to-the-53-and-one', 2n ** 53n + 1n],
    ['greatest', MOST_SEQ],
  ]) {
    const readings = bench.readings(1);
    yield { ...good(`number-${name}`, ENVELOPES, readings), seq: large, body: envelope(stream, large, readings) };
  }

  // The identity of readings.
  const twice = bench.readings(2);
  yield good('readings-first', IDENTITY, twice);
  yield good('readings-again-in-another-envelope', IDENTITY, twice);
  yield good('reading-twice-in-one-envelope', IDENTITY, [...Array(2).fill(bench.readings(1)[0])]);
  yield good('other-value-for-the-same-time', IDENTITY, [
    [twice[0][0], twice[0][1], -1, 0],
    [twice[1][0], twice[1][1], twice[1][2], 1],
  ]);

  // What is refused reading by reading; what is good beside it is committed.
  const unknown = `${own}-nobody-has-this`.slice(-64);
  yield refusing(
    'unknown-point',
    [...bench.readings(1), [unknown, bench.time(), 1, 0], ...bench.readings(1)],
    [[1, 'unknown_point']],
  );
  yield refusing(
    'point-against-the-pattern',
    [
      ['', bench.time(), 1, 0],
      ['A B', bench.time(), 1, 0],
      ['点'.repeat(70), bench.time(), 1, 0],
      ...bench.readings(1),
    ],
    [0, 1, 2].map((index) => [index, 'unknown_point']),
  );
  if (bench.foreign !== undefined)
    yield refusing('not-owner', [[bench.foreign, bench.time(), 1, 0], ...bench.readings(1)], [[0, 'not_owner']]);
  yield refusing(
    'unknown-quality',
    [4, -1, 127, 128, 255, 256, 65_536].map((quality) => [own, bench.time(), 1, quality]),
    [0, 1, 2, 3, 4, 5, 6].map((index) => [index, 'unknown_quality']),
  );
  yield refusing(
    'no-value',
    [
      ...[0, 1, 2].map((quality) => [own, bench.time(), null, quality]),
      [own, bench.time(), 1, 3],
      [own, bench.time(), null],
    ],
    [0, 1, 2, 3, 4].map((index) => [index, 'not_finite']),
  );
  yield refusing('future', [...bench.readings(1), [own, bench.nowMs() + HOUR_MS, 1, 0]], [[1, 'future']]);
  yield refusing(
    'far-future',
    [[own, 2n ** 63n - 1n, 1, 0], [own, 2n ** 63n, 1, 0], ...bench.readings(1)],
    [
      [0, 'future'],
      [1, 'future'],
    ],
  );
  yield refusing(
    'too-old',
    [[own, -1, 1, 0], [own, -(2n ** 63n), 1, 0], ...bench.readings(1)],
    [
      [0, 'too_old'],
      [1, 'too_old'],
    ],
  );
  if (bench.rangePoint !== undefined) {
    yield refusing(
      'out-of-range',
      [[bench.rangePoint, bench.time(), bench.rangeMost * 2 + 1, 0], ...bench.readings(1)],
      [[0, 'out_of_range']],
    );
  }
  yield refusing(
    'several-faults-first-counts',
    [
      [unknown, bench.nowMs() + HOUR_MS, null, 9],
      [own, bench.nowMs() + HOUR_MS, null, 9],
      [own, bench.nowMs() + 2 * HOUR_MS, null, 0],
    ],
    [
      [0, 'unknown_point'],
      [1, 'unknown_quality'],
      [2, 'not_finite'],
    ],
  );

  // What is refused whole, with its number.
  yield whole('version-2', 'unsupported_version', 422, (message) => stringifyExact({ ...message, v: 2 }));
  yield whole('version-2-of-another-shape', 'unsupported_version', 422, (message) =>
    stringifyExact({ ...message, v: 2, readings: { of: [] } }),
  );
  yield whole('too-many-readings', 'too_large', 413, (message) =>
    stringifyExact({ ...message, readings: bench.readings(MOST_READINGS + 1) }),
  );
  yield whole('too-many-bytes', 'too_large', 413, (message) => pad(message, MOST_ENVELOPE_BYTES + 1));
  yield whole('no-reading', 'malformed', 400, (message) => stringifyExact({ ...message, readings: [] }));
  yield whole('readings-missing', 'malformed', 400, ({ readings, ...message }) => stringifyExact(message));
  for (const [name, readings, write = (text) => text] of malformedReadings(own, bench)) {
    yield whole(`malformed-${name}`, 'malformed', 400, (message) => write(stringifyExact({ ...message, readings })));
  }
  yield whole('version-missing', 'malformed', 400, ({ v, ...message }) => stringifyExact(message));

  // What has no number that could be confirmed.
  const message = () => ({ v: 1, stream, seq: 1_000_000n, readings: bench.readings(1) });
  yield unreadable('empty', '');
  yield unreadable('no-json', 'hello');
  yield unreadable('cut-short', envelope(stream, 1_000_000n, bench.readings(20)).slice(0, -40));
  yield unreadable('no-object', '[]');
  yield unreadable('byte-order-mark', `\ufeff${stringifyExact(message())}`);
  yield unreadable('bytes-after-the-end', `${stringifyExact(message())}{}`);
  yield unreadable('not-a-number-of-javascript', stringifyExact(message()).replace(/,0\]\]/, ',NaN]]'));
  yield unreadable(
    'not-utf-8',
    Buffer.concat([
      Buffer.from('{"v":1,"stream":"'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('","seq":1,"readings":[["A",1,1]]}'),
    ]),
  );
  const numbers = { missing: undefined, zero: 0, negative: -1, text: '1', fraction: 1.5, 'too-great': 2n ** 63n };
  for (const [name, number] of Object.entries(numbers)) {
    yield unreadable(`number-${name}`, stringifyExact({ ...message(), seq: number }));
  }
  yield unreadable('stream-missing', stringifyExact({ ...message(), stream: undefined }));
  yield unreadable('stream-in-capitals', stringifyExact({ ...message(), stream: 'ABCDEF0123456789ABCDEF0123456789' }));
}

function malformedReadings(own, bench) {
  const at = bench.time();
  return [
    ['readings-no-array', 'none'],
    ['reading-no-array', [{ point: own, at, value: 1 }]],
    ['reading-of-two', [[own, at]]],
    ['point-a-number', [[17, at, 1, 0]]],
    ['at-a-text', [[own, String(at), 1, 0]]],
    ['at-a-fraction', [[own, at + 0.5, 1, 0]]],
    ['at-of-another-writing', [[own, '\u0000', 1, 0]], (text) => text.replace('"\\u0000"', `${at}.0`)],
    ['value-beyond-a-double', [[own, at, '\u0000', 0]], (text) => text.replace('"\\u0000"', '1e999')],
    ['quality-null', [[own, at, 1, null]]],
    ['value-a-text', [[own, at, '1', 0]]],
    ['value-a-boolean', [[own, at, true, 0]]],
    ['quality-a-text', [[own, at, 1, '0']]],
    ['one-of-many', [...bench.readings(2), [own, at, {}, 0]]],
  ];
}

function envelope(stream, seq, readings) {
  return stringifyExact({ v: 1, stream, seq, readings });
}

function pad(message, bytes) {
  const bare = Buffer.byteLength(stringifyExact({ ...message, pad: '' }));
  return stringifyExact({ ...message, pad: 'x'.repeat(bytes - bare) });
}
