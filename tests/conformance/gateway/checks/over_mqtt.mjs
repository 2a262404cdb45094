/** What the page promises of the way over MQTT. */

import { once } from 'node:events';
import { setTimeout as later } from 'node:timers/promises';

import { MOST_ENVELOPE_BYTES, encodeEnvelope } from '../client/messages.mjs';
import { Probe } from './bench.mjs';
import { cases } from './cases.mjs';
import { holding } from './hold.mjs';
import { Failed, Skipped, holds, same } from './report.mjs';

/** Make all checks over MQTT. */
export async function overMqtt(report, bench) {
  const probe = await Probe.open(bench);
  try {
    await acknowledgements(report, bench, probe);
    const all = [...cases(bench, bench.stream('mqtt'))];
    await report.together(
      'mqtt',
      all.filter(({ seq }) => seq !== null),
      (one) => answered(bench, probe, one),
    );
    // Which of these an answer belongs to cannot be told: one after the other.
    for (const one of all.filter(({ seq }) => seq === null))
      await report.check(`mqtt/${one.name}`, one.section, () => answered(bench, probe, one));
    await report.check('mqtt/far-too-large', 'Refusals', () => farTooLarge(bench, probe));
    await report.check('mqtt/line-still-good', 'Refusals', () => confirmedPlainly(bench, probe));
    await report.check('mqtt/only-what-was-sent', 'Acknowledgements', () => {
      same('acknowledgements that no platform may send', probe.wrong(), []);
      return `${probe.answers.length} acknowledgements`;
    });
  } finally {
    await probe.close();
  }
}

async function acknowledgements(report, bench, probe) {
  const section = 'Acknowledgements';
  await report.check('mqtt/time-of-the-platform', section, async () => {
    await probe.line.send('what is the time?');
    await probe.until(
      () => probe.answers.length > 0,
      () => new Failed('an answer', ['malformed'], probe.odd),
    );
    return bench.learnClock(probe.answers[0].at);
  });
  await report.check('mqtt/confirmed', section, () => confirmedPlainly(bench, probe));
  await report.check('mqtt/confirmed-after-commit', 'In short', () => afterCommit(bench, probe));
  await report.check('mqtt/many-at-once', section, () => manyAtOnce(bench, probe));
  await report.check('mqtt/numbers-out-of-order', 'Sending, waiting, sending again', () => outOfOrder(bench, probe));
  await report.check('mqtt/repeats', 'Identity', () => repeats(bench, probe));
  await report.check('mqtt/two-streams', 'Identity', () => twoStreams(bench, probe));
}

async function confirmedPlainly(bench, probe) {
  const stream = bench.stream('mqtt');
  const readings = bench.readings(4);
  const seq = await probe.send(stream, readings);
  await probe.confirmed(stream.id, [seq]);
  same('refused', probe.refusals(stream.id, seq), []);
  bench.expectCommitted(readings);
}

async function afterCommit(bench, probe) {
  if (bench.hold === undefined) throw new Skipped('needs --hold');
  const stream = bench.stream('mqtt');
  const readings = bench.readings(2);
  const seq = await holding(bench.hold, async () => {
    const sent = await probe.send(stream, readings);
    await later(bench.heldMs);
    const early = probe.of(stream.id).some(({ confirmed }) => confirmed.includes(sent));
    same('confirmed while nothing can be committed', early, false);
    return sent;
  });
  await probe.confirmed(stream.id, [seq]);
  bench.expectCommitted(readings);
}

async function manyAtOnce(bench, probe) {
  const stream = bench.stream('mqtt');
  const from = probe.answers.length;
  const sent = await Promise.all(
    Array.from({ length: 30 }, () => {
      const readings = bench.readings(10);
      bench.expectCommitted(readings);
      return probe.send(stream, readings);
    }),
  );
  const answers = await probe.confirmed(stream.id, sent, { from });
  return `30 envelopes in ${answers.length} acknowledgements`;
}

async function outOfOrder(bench, probe) {
  const stream = bench.stream('mqtt');
  const [a, b, c, d, e] = Array.from({ length: 5 }, () => stream.next());
  for (const seq of [d, b, e, a, c]) {
    const readings = bench.readings(1);
    bench.expectCommitted(readings);
    await probe.line.send(encodeEnvelope(stream.id, seq, readings));
  }
  await probe.confirmed(stream.id, [a, b, c, d, e]);
}

async function repeats(bench, probe) {
  const stream = bench.stream('mqtt');
  const unknown = [`${bench.points[0]}-nobody-has-this`.slice(-64), bench.time(), 1, 0];
  const readings = [...bench.readings(3), unknown];
  bench.expectCommitted(readings.slice(0, 3));
  bench.expectRejected([[unknown[0], unknown[1], 'unknown_point']]);
  const seq = await probe.send(stream, readings);
  await probe.confirmed(stream.id, [seq]);
  for (let time = 2; time <= 4; time += 1) {
    const from = probe.answers.length;
    await probe.line.send(encodeEnvelope(stream.id, seq, readings));
    await probe.confirmed(stream.id, [seq], { from, what: `confirmed the ${time}th time` });
    same(`refused the ${time}th time`, probe.refusals(stream.id, seq, from), [[3, 'unknown_point']]);
  }
}

/** Numbers that the one stream has used mean other envelopes in the other. */
async function twoStreams(bench, probe) {
  const stream = bench.stream('mqtt, another');
  for (let count = 0; count < 3; count += 1) {
    const readings = bench.readings(1);
    bench.expectCommitted(readings);
    await probe.send(stream, readings);
  }
  await probe.confirmed(stream.id, [1n, 2n, 3n]);
}

async function answered(bench, probe, { stream, seq, body, refused, committed, rejected }) {
  const from = probe.answers.length;
  await probe.line.send(body);
  const mine = (answer) =>
    answer.stream === stream && (seq === null ? answer.refused.length > 0 : answer.confirmed.includes(seq));
  const find = () => probe.answers.slice(from).find(mine);
  await probe.until(
    () => find() !== undefined,
    () =>
      new Failed(
        'an answer',
        { stream, confirmed: seq === null ? [] : [seq] },
        probe.answers.slice(from).map(({ text }) => text),
      ),
  );
  const answer = find();
  if (seq === null) same('confirmed', answer.confirmed, []);
  const ours = answer.refused.filter((refusal) => refusal.seq === seq).map(({ index, code }) => [index, code]);
  same(
    'refused',
    ours.sort(([a], [b]) => a - b),
    refused,
  );
  bench.expectCommitted(committed);
  bench.expectRejected(rejected);
}

async function farTooLarge(bench, probe) {
  const stream = bench.stream('mqtt');
  const from = probe.answers.length;
  const body = encodeEnvelope(stream.id, stream.next(), bench.readings(1)).replace(
    '{',
    `{"pad":"${'x'.repeat(MOST_ENVELOPE_BYTES + 20_000)}",`,
  );
  await probe.line.send(body);
  const find = () =>
    probe.answers.slice(from).find((answer) => answer.refused.some(({ code }) => code === 'too_large'));
  await probe.until(
    () => find() !== undefined,
    () => new Failed('an answer', ['too_large'], probe.answers.slice(from)),
  );
}

/** The status and the last will as others see them; the broker may deny a gateway to read its own status. */
export async function statusAndWill(report, bench) {
  await report.check('mqtt/status-and-will', 'Status', async () => {
    const watcher = await Probe.open(bench);
    const seen = [];
    const { topics } = watcher.line;
    try {
      await watcher.line
        .watch(topics.status, (text, retained) => {
          seen.push({ ...JSON.parse(text), retained });
          watcher.line.watched.emit('seen');
        })
        .catch((error) => {
          throw new Skipped(`the broker denies the gateway its own status: ${error.message}`);
        });
      const other = await Probe.open(bench);
      await other.line.status(
        JSON.stringify({ v: 1, online: true, stream: bench.stream('mqtt').id, kept_from: null, last_seq: 0 }),
      );
      await until(watcher, seen, ({ online }) => online);
      await other.close({ orderly: false });
      await until(watcher, seen, ({ online }) => !online);
    } finally {
      await watcher.close();
    }
    const late = await Probe.open(bench);
    try {
      const [retained] = await new Promise(
        (resolve) => void late.line.watch(topics.status, (...what) => resolve(what)),
      );
      same('what a later subscriber gets', JSON.parse(retained), { v: 1, online: false });
    } finally {
      await late.close();
    }
  });
}

async function until(watcher, seen, condition) {
  const signal = AbortSignal.timeout(watcher.bench.withinMs);
  while (!seen.some(condition)) {
    await once(watcher.line.watched, 'seen', { signal }).catch(() => {
      throw new Failed('a status', String(condition), seen);
    });
  }
  seen.length = 0;
}
