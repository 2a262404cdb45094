/**
 * What a gateway must keep, on its disk: a journal of one JSON object a line, each forced to the disk before the call
 * returns.
 *
 * Lines are `{stream, last, dropped, total}`, `{seq, readings}`, `{confirmed: [seq, …]}` and `{dropped: {first, last, reason},
 * readings}`. Opening reads them all, passes a last line over that a loss of power cut short, and writes the journal
 * anew without what is done with.
 */

import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

import { MOST_READINGS, encodeEnvelope, newStream, parseExact, stringifyExact } from './messages.mjs';

const MOST_RANGES = 100;

export class Spool {
  #file;
  #kept = new Map(); // seq → readings, in the order of their numbers
  #dropped = [];

  /**
   * @param {string} directory - made where it is missing; its stream is made with it.
   * @param {{most?: number}} bounds - envelopes kept unconfirmed at most; beyond it the oldest is dropped, and reported.
   */
  constructor(directory, { most = 10_000 } = {}) {
    this.most = most;
    this.stream = newStream();
    this.last = 0n;
    this.droppedTotal = { envelopes: 0n, readings: 0n };
    mkdirSync(directory, { recursive: true });
    const path = join(directory, 'journal.jsonl');
    if (existsSync(path)) for (const line of wholeLines(path)) this.#take(line);
    const fresh = join(directory, 'journal.new');
    this.#file = openSync(fresh, 'w');
    for (const line of this.#lines()) writeSync(this.#file, `${stringifyExact(line)}\n`);
    fsyncSync(this.#file);
    renameSync(fresh, path);
    syncDirectory(directory);
  }

  /** Keep readings as the next envelope; gives its number. */
  append(readings) {
    if (readings.length < 1 || readings.length > MOST_READINGS) throw new RangeError(`1 to ${MOST_READINGS} readings`);
    const line = { seq: this.last + 1n, readings };
    this.#write(line);
    while (this.#kept.size > this.most) this.#drop(this.#lowest(), 'size');
    return line.seq;
  }

  /**
   * Forget envelopes that the platform is done with; numbers that are not kept are passed over. Gives those that
   * were.
   */
  confirm(numbers) {
    const known = numbers.filter((seq) => this.#kept.has(seq));
    if (known.length > 0) this.#write({ confirmed: known });
    return known;
  }

  /** The numbers that are kept unconfirmed, lowest first. */
  kept() {
    return [...this.#kept.keys()];
  }

  has(seq) {
    return this.#kept.has(seq);
  }

  /** A kept envelope as it is sent. */
  envelope(seq) {
    return encodeEnvelope(this.stream, seq, this.#kept.get(seq));
  }

  /** What the status says of the spool. */
  status() {
    return {
      stream: this.stream,
      kept_from: this.#lowest() ?? null,
      last_seq: this.last,
      dropped: this.#dropped.slice(-MOST_RANGES),
      dropped_total: this.droppedTotal,
    };
  }

  close() {
    closeSync(this.#file);
  }

  #lowest() {
    return this.#kept.keys().next().value;
  }

  #drop(seq, reason) {
    this.#write({ dropped: { first: seq, last: seq, reason }, readings: this.#kept.get(seq).length });
  }

  #write(line) {
    writeSync(this.#file, `${stringifyExact(line)}\n`);
    fdatasyncSync(this.#file);
    this.#take(line);
  }

  #take(line) {
    if ('stream' in line) {
      this.stream = line.stream;
      this.last = BigInt(line.last);
      this.#dropped = line.dropped.map(({ first, last, reason }) => ({
        first: BigInt(first),
        last: BigInt(last),
        reason,
      }));
      this.droppedTotal = { envelopes: BigInt(line.total.envelopes), readings: BigInt(line.total.readings) };
    } else if ('seq' in line) {
      const seq = BigInt(line.seq);
      this.#kept.set(seq, line.readings);
      if (seq > this.last) this.last = seq;
    } else if ('confirmed' in line) {
      for (const seq of line.confirmed) this.#kept.delete(BigInt(seq));
    } else {
      this.#takeDropped(line);
    }
  }

  #takeDropped({ dropped: { first, last, reason }, readings }) {
    const range = { first: BigInt(first), last: BigInt(last), reason };
    this.#kept.delete(range.first);
    const newest = this.#dropped.at(-1);
    if (newest !== undefined && newest.reason === reason && newest.last + 1n === range.first) newest.last = range.last;
    else this.#dropped.push(range);
    this.droppedTotal.envelopes += 1n;
    this.droppedTotal.readings += BigInt(readings);
  }

  *#lines() {
    yield { stream: this.stream, last: this.last, dropped: this.#dropped, total: this.droppedTotal };
    for (const [seq, readings] of this.#kept) yield { seq, readings };
  }
}

function wholeLines(path) {
  const lines = readFileSync(path, 'utf8').split('\n');
  lines.pop(); // nothing, or a line that a loss of power cut short: it was never promised to anyone
  return lines.map(parseExact);
}

function syncDirectory(directory) {
  const handle = openSync(directory, 'r');
  fsyncSync(handle);
  closeSync(handle);
}
