/** What the page promises of the way by HTTP push. */

import { setTimeout as later } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

import { HttpLine, retryAfterMs } from '../client/http_line.mjs';
import {
  MOST_ENVELOPE_BYTES,
  WINDOW,
  encodeEnvelope,
  newStream,
  object,
  readAcknowledgement,
  readStatusAnswer,
  stringifyExact,
} from '../client/messages.mjs';
import { cases } from './cases.mjs';
import { holding } from './hold.mjs';
import { Skipped, holds, same } from './report.mjs';
import { zstdFrame } from './zstd.mjs';

const SECTION = 'HTTP push';
const READINGS = '/v1/readings';
const BUSY = new Set([429, 503]);
const STATUS = '/v1/status';

/** Make all checks over HTTP. */
export async function overHttp(report, bench) {
  const line = new HttpLine({ ...bench, url: bench.http, gzip: false });
  const one = (name, make) => report.check(`http/${name}`, SECTION, () => make(bench, line));
  try {
    await one('time-of-the-platform', async () => {
      const { text } = await ask(line, READINGS, 'what is the time?');
      return bench.learnClock(readAcknowledgement(text).at);
    });
    await one('confirmed', (...given) => accepted(...given, {}));
    await one('confirmed-after-commit', afterCommit);
    await one('gzip', (...given) => packed(...given, 'gzip', gzipSync));
    await one('zstd', (...given) => packed(...given, 'zstd', zstdFrame));
    await one('chunked', (...given) => accepted(...given, { chunked: true }));
    await one('expect-continue', (...given) => accepted(...given, { expect: true }));
    await one('repeats', repeats);
    await report.together('http', cases(bench, bench.stream('http')), (given) => answered(bench, line, given));
    await one('far-too-large', farTooLarge);
    await one('far-too-large-unpacked', farTooLargeUnpacked);
    await one('broken-gzip', brokenGzip);
    await one('unknown-encoding', unknownEncoding);
    await one('beyond-the-window', beyondTheWindow);
    await one('gateway-header-missing', (...given) => denied(...given, { 'Quotawatt-Gateway': undefined }, 401));
    await one('gateway-header-wrong', (...given) => denied(...given, { 'Quotawatt-Gateway': 'nobody' }, 401));
    await one('gateway-header-twice', (...given) =>
      denied(...given, { 'Quotawatt-Gateway': twice(line.headers()['Quotawatt-Gateway']) }, 400),
    );
    await one('token-missing', (...given) => withToken(...given, undefined, 401));
    await one('token-wrong', (...given) => withToken(...given, 'Bearer not-a-token', 401));
    await one('token-twice', tokenTwice);
    await one('in-anothers-name', inAnothersName);
    await one('other-paths-and-methods', otherPaths);
    await one('status', status);
    await one('status-unreadable', statusUnreadable);
    await one('line-still-good', (...given) => accepted(...given, {}));
  } finally {
    line.close();
  }
}

async function accepted(bench, line, options, body = (text) => text) {
  const { id, seq } = numbered(bench);
  const readings = bench.readings(3);
  const answer = await ask(line, READINGS, body(encodeEnvelope(id, seq, readings)), options);
  same('status', answer.status, 200);
  confirms(answer, id, seq, []);
  bench.expectCommitted(readings);
}

function numbered(bench) {
  const stream = bench.stream('http');
  return { id: stream.id, seq: stream.next() };
}

function packed(bench, line, encoding, pack) {
  return accepted(bench, line, { headers: { 'Content-Encoding': encoding } }, (text) => pack(Buffer.from(text)));
}

async function repeats(bench, line) {
  const { id, seq } = numbered(bench);
  const readings = bench.readings(3);
  for (let time = 1; time <= 3; time += 1) {
    const answer = await ask(line, READINGS, encodeEnvelope(id, seq, readings));
    same(`status the ${time}th time`, answer.status, 200);
    confirms(answer, id, seq, []);
  }
  bench.expectCommitted(readings);
}

async function answered(bench, line, { stream, seq, body, refused, committed, rejected, status: expected }) {
  const answer = await ask(line, READINGS, body);
  same('status', answer.status, expected);
  if (seq === null) {
    const acknowledgement = readAcknowledgement(answer.text);
    same('stream', acknowledgement.stream, null);
    same('confirmed', acknowledgement.confirmed, []);
    same(
      'refused',
      acknowledgement.refused.map(({ seq: number, index, code }) => [number, index, code]),
      refused.map((one) => [null, ...one]),
    );
  } else {
    confirms(answer, stream, seq, refused);
  }
  bench.expectCommitted(committed);
  bench.expectRejected(rejected);
}

async function afterCommit(bench, line) {
  if (bench.hold === undefined) throw new Skipped('needs --hold');
  const { id, seq } = numbered(bench);
  const readings = bench.readings(2);
  let early = null;
  const { request } = await holding(bench.hold, async () => {
    const sent = line.request(READINGS, encodeEnvelope(id, seq, readings)).then((answer) => (early = answer));
    await later(bench.heldMs);
    const claims = early !== null && says(early, seq);
    holds('an answer while nothing can be committed', !claims, 'none that confirms', early?.text);
    return { request: sent }; // bare, it would be waited for while nothing can be committed
  });
  const asked = await request;
  if (asked.status === 200) confirms(asked, id, seq, []);
  else await again(line, id, seq, readings);
  bench.expectCommitted(readings);
}

/**
 * While nothing can be committed, requests beyond the window are put off; without `--hold` all may be taken in time.
 */
async function beyondTheWindow(bench, line) {
  const all = Array.from({ length: WINDOW * 2 }, () => ({ ...numbered(bench), readings: bench.readings(1) }));
  const send = async () => {
    const requests = all.map(({ id, seq, readings }) => line.request(READINGS, encodeEnvelope(id, seq, readings)));
    if (bench.hold !== undefined) await later(bench.heldMs);
    return { requests };
  };
  const { requests } = bench.hold === undefined ? await send() : await holding(bench.hold, send);
  const answers = await Promise.all(requests);
  const codes = answers.map(({ status: code }) => code);
  const others = codes.filter((code) => ![200, 429, 503].includes(code));
  same('other answers than 200, 429, 503', others, []);
  if (bench.hold !== undefined) holds('429', codes.includes(429), 'for some of the requests', codes);
  for (const [index, answer] of answers.entries()) {
    const { id, seq, readings } = all[index];
    const after = answer.headers['retry-after'];
    holds('Retry-After', after === undefined || retryAfterMs(answer) !== null, 'seconds or a date', after);
    if (answer.status === 200) confirms(answer, id, seq, []);
    else await again(line, id, seq, readings);
    bench.expectCommitted(readings);
  }
  return `${codes.filter((code) => BUSY.has(code)).length} of ${all.length} requests were put off`;
}

async function again(line, id, seq, readings) {
  const answer = await ask(line, READINGS, encodeEnvelope(id, seq, readings));
  same('status of a repetition', answer.status, 200);
  confirms(answer, id, seq, []);
}

/**
 * A request that is made again while the platform says that it takes nothing now: checks come faster than a gateway's
 * envelopes.
 */
async function ask(line, ...request) {
  for (let tries = 1; ; tries += 1) {
    const answer = await line.request(...request);
    if (!BUSY.has(answer.status) || tries === 20) return answer;
    await later(retryAfterMs(answer) ?? 500);
  }
}

async function farTooLarge(bench, line) {
  const body = encodeEnvelope(newStream(), 1n, bench.readings(1)).replace(
    '{',
    `{"pad":"${'x'.repeat(3 * MOST_ENVELOPE_BYTES)}",`,
  );
  const answer = await ask(line, READINGS, body).catch((error) => {
    throw new Skipped(`the platform closed before it had read all: ${error.message}`);
  });
  withoutNumber(answer);
}

async function farTooLargeUnpacked(bench, line) {
  const body = encodeEnvelope(newStream(), 1n, bench.readings(1)).replace(
    '{',
    `{"pad":"${'x'.repeat(40 * MOST_ENVELOPE_BYTES)}",`,
  );
  withoutNumber(await ask(line, READINGS, gzipSync(body), { headers: { 'Content-Encoding': 'gzip' } }));
}

function withoutNumber(answer) {
  same('status', answer.status, 413);
  const { confirmed, refused } = readAcknowledgement(answer.text);
  same('confirmed', confirmed, []);
  same(
    'refused',
    refused.map(({ code }) => code),
    ['too_large'],
  );
}

async function brokenGzip(bench, line) {
  const body = gzipSync(encodeEnvelope(newStream(), 1n, bench.readings(1)));
  for (const damaged of [body.subarray(0, -9), Buffer.from('not gzip at all')]) {
    const answer = await ask(line, READINGS, damaged, { headers: { 'Content-Encoding': 'gzip' } });
    same('status', answer.status, 400);
    confirmsNothing(answer);
  }
}

async function unknownEncoding(bench, line) {
  const answer = await ask(line, READINGS, encodeEnvelope(newStream(), 1n, bench.readings(1)), {
    headers: { 'Content-Encoding': 'br' },
  });
  same('status', answer.status, 415);
  confirmsNothing(answer);
}

async function denied(bench, line, headers, expected) {
  const answer = await ask(line, READINGS, encodeEnvelope(newStream(), 1n, bench.readings(1)), { headers });
  same('status', answer.status, expected);
  confirmsNothing(answer);
  const onStatus = await ask(line, STATUS, stringifyExact({ v: 1, online: true }), { headers });
  same('status of a status', onStatus.status, expected);
}

async function withToken(bench, line, token, expected) {
  if (bench.token === undefined) throw new Skipped('needs --token');
  await denied(bench, line, { Authorization: token }, expected);
}

async function tokenTwice(bench, line) {
  if (bench.token === undefined) throw new Skipped('needs --token');
  await denied(bench, line, { Authorization: twice(line.headers().Authorization) }, 400);
}

async function inAnothersName(bench, line) {
  if (bench.token === undefined) throw new Skipped('needs --token');
  await denied(bench, line, { 'Quotawatt-Gateway': `${bench.region}/${bench.gateway.slice(0, 55)}-other` }, 403);
}

async function otherPaths(bench, line) {
  const body = encodeEnvelope(newStream(), 1n, bench.readings(1));
  for (const [path, method, code] of [
    ['/v2/readings', 'POST', 404],
    ['/v1/other', 'POST', 404],
    [READINGS, 'PUT', 405],
    [READINGS, 'GET', 405],
  ]) {
    const answer = await ask(line, path, method === 'GET' ? '' : body, { method });
    same(`${method} ${path}`, answer.status, code);
    confirmsNothing(answer);
  }
}

async function status(bench, line) {
  const message = {
    v: 1,
    online: true,
    stream: bench.stream('http').id,
    kept_from: null,
    last_seq: 0,
    unknown: { member: 1 },
    at: bench.nowMs(),
  };
  for (const one of [message, { v: 1, online: false }]) {
    const answer = await ask(line, STATUS, stringifyExact(one));
    same('status', answer.status, 200);
    object(answer.text);
    holds('commands', readStatusAnswer(answer.text).length <= 16, 'at most 16', answer.text);
  }
}

async function statusUnreadable(_, line) {
  for (const body of ['', 'hello', '[]', '{"v":1}', '{"v":1,"online":"yes"}']) {
    const answer = await ask(line, STATUS, body);
    same(`status of ${JSON.stringify(body)}`, answer.status, 400);
  }
}

function confirms(answer, stream, seq, refused) {
  const acknowledgement = readAcknowledgement(answer.text);
  same('stream', acknowledgement.stream, stream);
  holds('confirmed', acknowledgement.confirmed.includes(seq), [seq], acknowledgement.confirmed);
  const ours = acknowledgement.refused.filter((refusal) => refusal.seq === seq).map(({ index, code }) => [index, code]);
  same(
    'refused',
    ours.sort(([a], [b]) => a - b),
    refused,
  );
}

function says(answer, seq) {
  try {
    return readAcknowledgement(answer.text).confirmed.includes(seq);
  } catch {
    return false;
  }
}

function confirmsNothing(answer) {
  holds('confirmed', !says(answer, 1n), 'nothing', answer.text);
}

function twice(value) {
  return [value, value];
}
