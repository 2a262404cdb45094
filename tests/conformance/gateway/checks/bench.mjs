/**
 * What all checks share: whose points these are, times that no other reading has, and what the platform must have
 * afterwards.
 */

import { setTimeout as later } from 'node:timers/promises';

import { MqttLine } from '../client/mqtt_line.mjs';
import { encodeEnvelope, newStream, parseExact, readAcknowledgement } from '../client/messages.mjs';
import { Failed, Skipped } from './report.mjs';

const HOUR_MS = 3_600_000;

export class Bench {
  #next = null;
  #streams = new Map();

  /**
   * Readings that the platform must have, as `[point, at, value, quality]`, and those that it must have refused, with
   * the code.
   */
  committed = [];
  rejected = [];

  constructor(options) {
    Object.assign(this, options);
  }

  /** The platform's time, ms; its clock need not be ours, and times of readings are judged by it. */
  learnClock(at) {
    if (at === null) throw new Skipped('the platform does not tell its time; ours is taken');
    this.skewMs ??= at - Date.now();
    return `its clock is ${at - Date.now()} ms from ours`;
  }

  nowMs() {
    return Date.now() + (this.skewMs ?? 0);
  }

  /** A time that no reading of this run has yet. */
  time() {
    // An hour back, and then on by the millisecond: two runs meet only if they begin in the same one.
    this.#next ??= this.nowMs() - HOUR_MS;
    this.#next += 1;
    return this.#next;
  }

  /** Readings of the gateway's own points in turn. */
  readings(count, value = (index) => index + 0.5) {
    return Array.from({ length: count }, (_, index) => [
      this.points[index % this.points.length],
      this.time(),
      value(index),
      0,
    ]);
  }

  /**
   * A stream by name, with its numbers. There are few, since a platform follows only so many new ones of a gateway:
   * one a way, and one more where a check is about two.
   */
  stream(name) {
    if (!this.#streams.has(name)) this.#streams.set(name, new Numbered());
    return this.#streams.get(name);
  }

  /** Write down what must be in the database; readings may leave out the quality. */
  expectCommitted(readings) {
    for (const [point, at, value, quality = 0] of readings)
      this.committed.push([point, at, Object.is(value, -0) ? 0 : value, quality]);
  }

  expectRejected(readings) {
    for (const [point, at, code] of readings) this.rejected.push([point, at, code]);
  }

  mqttOptions() {
    return { url: this.mqtt, region: this.region, gateway: this.gateway, ca: this.ca, cert: this.cert, key: this.key };
  }
}

/** A stream, and its next number. */
class Numbered {
  id = newStream();
  #last = 0n;

  next() {
    this.#last += 1n;
    return this.#last;
  }
}

/** Listens on `ack` as any gateway does, and remembers all that comes. */
export class Probe {
  answers = [];
  odd = [];
  #sent = new Set();
  #wake = [];

  static async open(bench) {
    const probe = new Probe();
    probe.bench = bench;
    probe.line = await MqttLine.open(bench.mqttOptions());
    probe.line.onAcknowledgement = (text) => {
      try {
        probe.answers.push({ text, ...readAcknowledgement(text) });
      } catch (error) {
        probe.odd.push(`${error.message}: ${text}`);
      }
      for (const wake of probe.#wake.splice(0)) wake();
    };
    const send = probe.line.send.bind(probe.line);
    probe.line.send = (body) => {
      probe.#note(body);
      return send(body);
    };
    return probe;
  }

  /** What the answers since `from` refuse of one envelope, as `[index, code]`. */
  refusals(streamId, seq, from = 0) {
    const refused = this.of(streamId, from).flatMap((answer) => answer.refused);
    return refused.filter((refusal) => refusal.seq === seq).map(({ index, code }) => [index, code]);
  }

  /** What of the acknowledgements no platform may say, as texts. */
  wrong() {
    const wrong = [...this.odd];
    for (const { text, stream, confirmed, refused } of this.answers) {
      const never = confirmed.filter((seq) => !this.#sent.has(`${stream}/${seq}`));
      if (never.length > 0) wrong.push(`confirms ${never}, which was never sent: ${text}`);
      // A gateway forgets an envelope with the message that confirms it: what comes later finds nothing.
      const late = refused.filter(({ seq }) => seq !== null && !confirmed.includes(seq));
      if (late.length > 0) wrong.push(`refuses without confirming: ${text}`);
    }
    return wrong;
  }

  #note(body) {
    try {
      const { stream, seq } = parseExact(body.toString());
      this.#sent.add(`${stream}/${seq}`);
    } catch {
      // not JSON, on purpose: no number of it may be confirmed
    }
  }

  /** Send readings as the next envelope of a stream; gives its number. */
  async send(stream, readings) {
    const seq = stream.next();
    await this.line.send(encodeEnvelope(stream.id, seq, readings));
    return seq;
  }

  /** Wait until all these numbers are confirmed; gives the acknowledgements of the stream since `from`. */
  async confirmed(streamId, numbers, { from = 0, what = 'confirmed' } = {}) {
    const missing = () => {
      const seen = new Set(this.of(streamId, from).flatMap(({ confirmed }) => confirmed));
      return numbers.filter((seq) => !seen.has(seq));
    };
    await this.until(
      () => missing().length === 0,
      () => new Failed(what, numbers, { unconfirmed: missing() }),
    );
    return this.of(streamId, from);
  }

  /** Acknowledgements of a stream since `from`. */
  of(streamId, from = 0) {
    return this.answers.slice(from).filter(({ stream }) => stream === streamId);
  }

  /** Wait for a condition on what came, or fail as told. */
  async until(condition, failure) {
    const deadline = Date.now() + this.bench.withinMs;
    while (!condition()) {
      const left = deadline - Date.now();
      if (left <= 0) throw failure();
      const stop = new AbortController();
      await Promise.race([
        new Promise((resolve) => this.#wake.push(resolve)),
        later(left, undefined, { signal: stop.signal }).catch(() => {}),
      ]);
      stop.abort();
    }
  }

  close(options) {
    return this.line.close(options);
  }
}
