/** A gateway: sends what its spool keeps within the window, again and again, until the platform has confirmed it. */

import { EventEmitter } from 'node:events';

import {
  NotOfTheContract,
  VERSION,
  WINDOW,
  object,
  readAcknowledgement,
  readCommand,
  stringifyExact,
} from './messages.mjs';

const MOST_SKEW_MS = 60_000;

/**
 * Events: `confirmed` (numbers), `refused` (a refusal), `broken` (the platform could not read what we send), `skew`
 * (ms between the platform's clock and ours), `denied` (an HTTP status that needs the operator), `command`, `sent` (a
 * number).
 */
export class Gateway extends EventEmitter {
  #flight = new Map(); // seq → {timer, delayMs}: sent, and neither confirmed nor given up
  #fresh = [];
  #backlog;
  #statusTimer = null;
  #stopped = false;

  /**
   * @param {{spool: import('./spool.mjs').Spool, line: object, firstDelayMs?: number, mostDelayMs?: number, statusMs?: number,
   *   now?: () => number, random?: () => number}} parts - `line` is an `MqttLine` or an `HttpLine`.
   */
  constructor({
    spool,
    line,
    firstDelayMs = 3_000,
    mostDelayMs = 180_000,
    statusMs = 120_000,
    now = Date.now,
    random = Math.random,
  }) {
    super();
    Object.assign(this, { spool, line, firstDelayMs, mostDelayMs, statusMs, now, random });
    this.#backlog = spool.kept();
    line.onAcknowledgement = (text) => this.#acknowledged(text);
    line.onCommand = (text) => this.#commanded(text);
    line.onConnected = () => void this.#connected();
  }

  /** Report, and begin to send. */
  async start() {
    await this.report();
    this.#statusTimer = setInterval(() => void this.report().catch(() => {}), this.statusMs);
    this.#pump();
  }

  /** Keep readings and send them; they are on the disk when this returns. */
  add(readings) {
    const before = this.spool.droppedTotal.envelopes;
    const seq = this.spool.append(readings);
    this.#fresh.push(seq);
    if (this.spool.droppedTotal.envelopes > before) {
      for (const sent of this.#flight.keys()) if (!this.spool.has(sent)) this.#landed(sent);
      this.#reportSoon();
    }
    this.#pump();
    return seq;
  }

  /** Send the status. */
  report({ online = true } = {}) {
    return this.line.status(stringifyExact({ v: VERSION, online, ...this.spool.status(), at: this.now() }));
  }

  /** Stop in order; what is not confirmed stays in the spool. */
  async stop() {
    this.halt();
    await this.report({ online: false });
  }

  /** Stop at once, as a loss of power would. */
  halt() {
    this.#stopped = true;
    clearInterval(this.#statusTimer);
    clearTimeout(this.soon);
    for (const { timer } of this.#flight.values()) clearTimeout(timer);
    this.#flight.clear();
  }

  #pump() {
    while (!this.#stopped && this.#flight.size < WINDOW) {
      // Live first: what is new goes before what is old.
      const seq = this.#fresh.shift() ?? this.#backlog.shift();
      if (seq === undefined) return;
      if (this.spool.has(seq) && !this.#flight.has(seq)) this.#send(seq, this.firstDelayMs);
    }
  }

  #send(seq, delayMs) {
    this.#flight.set(seq, { delayMs, timer: setTimeout(() => this.#again(seq), this.#jittered(delayMs)) });
    this.emit('sent', seq);
    this.line.deliver(this.spool.envelope(seq)).then(
      ({ acknowledgement, waitMs, said }) => {
        if (acknowledgement !== null) this.#acknowledged(acknowledgement);
        if (said === 401 || said === 403) this.emit('denied', said);
        if (waitMs !== null) this.#postpone(seq, waitMs);
      },
      () => {}, // unknown whether it was committed: the timer sends it again
    );
  }

  #again(seq) {
    const flight = this.#flight.get(seq);
    this.#flight.delete(seq);
    if (flight !== undefined && this.spool.has(seq)) this.#send(seq, Math.min(flight.delayMs * 2, this.mostDelayMs));
    else this.#pump();
  }

  #landed(seq) {
    clearTimeout(this.#flight.get(seq)?.timer);
    this.#flight.delete(seq);
  }

  #postpone(seq, waitMs) {
    const flight = this.#flight.get(seq);
    if (flight === undefined) return;
    clearTimeout(flight.timer);
    flight.timer = setTimeout(() => this.#again(seq), this.#jittered(waitMs));
  }

  #acknowledged(text) {
    let answer;
    try {
      answer = readAcknowledgement(text);
    } catch (error) {
      if (error instanceof NotOfTheContract) return; // whoever said this is not the platform: nothing is confirmed by it
      throw error;
    }
    if (answer.at !== null && Math.abs(answer.at - this.now()) > MOST_SKEW_MS)
      this.emit('skew', answer.at - this.now());
    if (answer.stream === null && answer.refused.length > 0) this.emit('broken', answer.refused);
    if (answer.stream !== this.spool.stream) return;
    const done = new Set(this.spool.confirm(answer.confirmed));
    for (const seq of done) this.#landed(seq);
    for (const refusal of answer.refused) if (done.has(refusal.seq)) this.emit('refused', refusal);
    if (done.size > 0) this.emit('confirmed', [...done]);
    this.#pump();
  }

  #commanded(text) {
    let command;
    try {
      command = readCommand(object(text));
    } catch (error) {
      if (error instanceof NotOfTheContract) return;
      throw error;
    }
    if (command === null || command.stream !== this.spool.stream) return;
    this.emit('command', command);
    // What is kept is gone through, and not the range: it may end at 2^63 − 1.
    const asked = this.spool
      .kept()
      .filter((seq) => command.ranges.some(([first, last]) => first <= seq && seq <= last));
    for (const seq of asked) this.#landed(seq);
    this.#fresh.push(...asked);
    this.#pump();
  }

  async #connected() {
    for (const { timer } of this.#flight.values()) clearTimeout(timer);
    this.#flight.clear();
    this.#backlog = this.spool.kept();
    await this.report().catch(() => {});
    this.#pump();
  }

  #reportSoon() {
    this.soon ??= setTimeout(() => {
      this.soon = undefined;
      void this.report().catch(() => {});
    }, 1_000);
  }

  #jittered(delayMs) {
    return delayMs * (1 + 0.2 * this.random());
  }
}
