/**
 * A whole gateway, with its spool, against the platform: what it keeps, what it is asked for, and what it must not
 * believe.
 */

import { once } from 'node:events';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Gateway } from '../client/gateway.mjs';
import { HttpLine } from '../client/http_line.mjs';
import { encodeEnvelope, newStream, parseExact, readAcknowledgement, stringifyExact } from '../client/messages.mjs';
import { MqttLine } from '../client/mqtt_line.mjs';
import { Spool } from '../client/spool.mjs';
import { Failed, Skipped, holds, same } from './report.mjs';

const QUICK = { firstDelayMs: 500, mostDelayMs: 5_000 };
const NEVER = { firstDelayMs: 3_600_000, mostDelayMs: 3_600_000 };

/** How a platform is reached: by name, the way to open a line. */
export function linesOf(bench) {
  const lines = {};
  if (bench.mqtt !== undefined) lines.mqtt = () => MqttLine.open(bench.mqttOptions());
  if (bench.http !== undefined) lines.http = async () => new HttpLine({ ...bench, url: bench.http });
  return lines;
}

/** Make the checks of a whole gateway. */
export async function asGateway(report, bench) {
  try {
    await allOf(report, bench, linesOf(bench));
  } finally {
    forget(bench);
  }
}

async function allOf(report, bench, lines) {
  for (const [name, open] of Object.entries(lines)) {
    await report.check(`${name}/spool-outlives-a-restart`, 'What a gateway must keep', () => restart(bench, open));
  }
  if (bench.mqtt !== undefined) {
    await report.check('mqtt/line-cut', 'Sending, waiting, sending again', () => lineCut(bench, lines.mqtt));
  }
  if (bench.http !== undefined) {
    await report.check('http/what-a-gateway-must-not-believe', 'HTTP push', () => liars(bench, lines.http));
  }
  if (bench.mqtt !== undefined && bench.http !== undefined) {
    await report.check('both/one-spool-two-addresses', 'Several addresses', () => twoAddresses(bench, lines));
  }
  await report.check('client/exact-numbers', 'Envelopes', exactNumbers);
  for (const [name, open] of Object.entries(lines)) {
    await report.check(`${name}/missing-number-asked-for`, 'Commands', () => missingNumber(bench, open));
  }
}

async function restart(bench, open) {
  await withSpool(bench, async (directory) => {
    let spool = new Spool(directory);
    const { stream, last: before } = spool;
    const readings = Array.from({ length: 40 }, () => bench.readings(5));
    for (const some of readings) spool.append(some);
    spool.close(); // the power is lost before anything was sent, and in the middle of a line
    appendFileSync(join(directory, 'journal.jsonl'), '{"seq":41,"readings":[["A",');

    spool = new Spool(directory);
    same('stream after a restart', spool.stream, stream);
    same('kept after a restart', spool.kept().length, 40);
    const unknown = [[`${bench.points[0]}-nobody-has-this`.slice(-64), bench.time(), 1, 0]];
    await running(bench, spool, open, QUICK, async (gateway) => {
      const refused = [];
      gateway.on('refused', ({ seq, code }) => refused.push([seq, code]));
      const last = gateway.add(unknown);
      await allConfirmed(bench, gateway);
      same('refused', refused, [[last, 'unknown_point']]);
    });
    spool.close();

    spool = new Spool(directory);
    same('kept when all was confirmed', spool.kept(), []);
    same('highest number after all was confirmed', spool.last, before + 41n);
    spool.close();
    readings.forEach((some) => bench.expectCommitted(some));
    bench.expectRejected([[unknown[0][0], unknown[0][1], 'unknown_point']]);
  });
}

async function lineCut(bench, open) {
  await withSpool(bench, async (directory) => {
    const spool = new Spool(directory);
    const line = await open();
    await runningOn(line, spool, QUICK, async (gateway) => {
      for (let cut = 0; cut < 2; cut += 1) {
        for (let count = 0; count < 20; count += 1) {
          const readings = bench.readings(2);
          bench.expectCommitted(readings);
          gateway.add(readings);
          if (count === 10) line.cut();
        }
        await allConfirmed(bench, gateway);
      }
    });
    spool.close();
  });
}

async function missingNumber(bench, open) {
  if (bench.askedWithinMs === 0) throw new Skipped('needs --asked-within');
  return withSpool(bench, async (directory) => {
    const spool = new Spool(directory);
    const readings = [1, 2, 3, 4].map(() => bench.readings(2));
    for (const some of readings) spool.append(some);
    const [first, second, third, last] = spool.kept();
    const line = losing(await open(), new Set([second, third]));
    const began = performance.now();
    const note = await runningOn(line, spool, { ...NEVER, statusMs: 1_000 }, async (gateway) => {
      const ranges = [];
      gateway.on('command', (command) => ranges.push(...command.ranges));
      await allConfirmed(bench, gateway, bench.askedWithinMs);
      const inside = ranges.every(([from, to]) => first <= from && from <= to && to <= last);
      holds('ranges', inside, `within ${first} to ${last}`, ranges);
      return `asked for ${stringifyExact(ranges)} after ${Math.round((performance.now() - began) / 100) / 10} s`;
    });
    spool.close();
    readings.forEach((some) => bench.expectCommitted(some));
    return note;
  });
}

async function twoAddresses(bench, lines) {
  await withSpool(bench, async (directory) => {
    const spool = new Spool(directory);
    const readings = Array.from({ length: 10 }, () => bench.readings(3));
    for (const some of readings) spool.append(some);
    const deaf = await lines.mqtt();
    for (const seq of spool.kept()) await deaf.send(spool.envelope(seq)); // its acknowledgements are not heard
    await deaf.close();
    await running(bench, spool, lines.http, QUICK, (gateway) => allConfirmed(bench, gateway));
    spool.close();
    readings.forEach((some) => bench.expectCommitted(some));
  });
}

/** A server of our own that is not the platform: nothing that it says may free an envelope. */
async function liars(bench, open) {
  await withSpool(bench, async (directory) => {
    const spool = new Spool(directory);
    const readings = bench.readings(2);
    const seq = spool.append(readings);
    const acknowledgement = (stream) => stringifyExact({ v: 1, stream, confirmed: [seq], refused: [] });
    const lies = [
      [307, acknowledgement(spool.stream), { Location: '/elsewhere' }],
      [200, '<html>log in</html>'],
      [200, acknowledgement(newStream())],
      [200, acknowledgement(null)],
      [204, ''],
      [500, acknowledgement(spool.stream)],
      [429, acknowledgement(spool.stream), { 'Retry-After': '0' }],
      [503, '', { 'Retry-After': new Date(0).toUTCString(), Date: new Date(0).toUTCString() }],
      [200, '{"v":1,"stream":', { 'Content-Length': '999' }],
    ];
    await withLiar(lies, async (url, told) => {
      const liar = new HttpLine({ ...bench, url, gzip: true });
      liar.status = async () => {};
      const gateway = new Gateway({ spool, line: liar, firstDelayMs: 20, mostDelayMs: 40 });
      try {
        gateway.on('sent', () => told.length >= lies.length && gateway.emit('enough'));
        const enough = once(gateway, 'enough', { signal: AbortSignal.timeout(bench.withinMs) });
        await gateway.start();
        await enough.catch(() => {}); // what freed the envelope is told below
      } finally {
        gateway.halt();
        liar.close();
      }
      const paths = new Set(told.map(({ path }) => path));
      same('kept in spite of all lies', [spool.kept(), told.at(-1).code], [[seq], lies.at(-1)[0]]);
      same('paths asked for', [...paths], ['/push/v1/readings']);
    });
    await running(bench, spool, open, QUICK, (honest) => allConfirmed(bench, honest));
    spool.close();
    bench.expectCommitted(readings);
  });
}

/** Run `act` with a server that tells one of `lies` after the other, and what it has told. */
async function withLiar(lies, act) {
  const told = [];
  const server = http.createServer((request, response) => {
    const [code, text, headers] = lies[Math.min(told.length, lies.length - 1)];
    told.push({ path: request.url, code });
    request.resume().on('end', () => {
      response.writeHead(code, headers);
      if (headers?.['Content-Length'] === undefined) response.end(text);
      else response.write(text, () => response.destroy()); // half an answer
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await act(`http://127.0.0.1:${server.address().port}/push`, told);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

function exactNumbers() {
  for (const seq of [1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n]) {
    const text = encodeEnvelope(newStream(), seq, [['A', 1, 1]]);
    holds('seq as written', text.includes(`"seq":${seq},`), seq, text);
    const answer = readAcknowledgement(
      `{"v":1,"stream":null,"confirmed":[${seq}],"refused":[{"seq":${seq},"index":null,"code":"malformed","detail":"${seq}"}]}`,
    );
    same(
      'seq as read',
      [answer.confirmed[0], answer.refused[0].seq, answer.refused[0].detail],
      [seq, seq, String(seq)],
    );
  }
  same('value as read', parseExact('[1.5e3,"9007199254740993"]'), [1500, '9007199254740993']);
  const later = readAcknowledgement(
    '{"v":1,"stream":null,"confirmed":[],"refused":[{"seq":null,"index":null,"code":"odd","detail":"","x":1}]}',
  );
  same('a code of a later addition', later.refused[0].code, 'odd');
}

async function running(bench, spool, open, delays, act) {
  return runningOn(await open(), spool, delays, act);
}

async function runningOn(line, spool, delays, act) {
  const gateway = new Gateway({ spool, line, ...delays });
  try {
    await gateway.start();
    const result = await act(gateway);
    await gateway.stop();
    return result;
  } finally {
    gateway.halt();
    await line.close();
  }
}

/** The line, but what it sends of these numbers is lost the first time. */
function losing(line, numbers) {
  const deliver = line.deliver.bind(line);
  line.deliver = async (body) => {
    if (numbers.delete(BigInt(parseExact(body).seq))) return { acknowledgement: null, waitMs: null };
    return deliver(body);
  };
  return line;
}

async function allConfirmed(bench, gateway, withinMs = bench.withinMs) {
  const signal = AbortSignal.timeout(withinMs);
  while (gateway.spool.kept().length > 0) {
    await once(gateway, 'confirmed', { signal }).catch(() => {
      throw new Failed('confirmed', 'all', { unconfirmed: gateway.spool.kept() });
    });
  }
}

/** The directory of the one spool of all checks, since a new spool is a new stream; anew only after a failure. */
async function withSpool(bench, act) {
  bench.directory ??= mkdtempSync(join(tmpdir(), 'gateway-'));
  try {
    return await act(bench.directory);
  } catch (error) {
    forget(bench);
    throw error;
  }
}

function forget(bench) {
  if (bench.directory !== undefined) rmSync(bench.directory, { recursive: true, force: true });
  bench.directory = undefined;
}
