/** Named checks, one after the other, and what came of them. */

import { stringifyExact } from '../client/messages.mjs';

const BESIDE = 8;

/** What the page promises is not what was got. */
export class Failed extends Error {
  constructor(what, expected, got) {
    super(`${what}: expected ${show(expected)}, got ${show(got)}`);
    Object.assign(this, { what, expected, got });
  }
}

/** A check that cannot be made here. */
export class Skipped extends Error {}

/** Fail unless both say the same. */
export function same(what, got, expected) {
  if (show(got) !== show(expected)) throw new Failed(what, expected, got);
}

/** Fail unless `holds`. */
export function holds(what, condition, expected, got) {
  if (!condition) throw new Failed(what, expected, got);
}

export class Report {
  results = [];

  /** @param {{only?: string, quiet?: boolean}} options - `only`: a part of the names of the checks to make. */
  constructor({ only = '', quiet = false } = {}) {
    Object.assign(this, { only, quiet });
  }

  /** Make a check; whatever it throws is its failure, and the next one is made all the same. */
  async check(name, section, make) {
    if (!name.includes(this.only)) return;
    const began = performance.now();
    const result = { name, section, outcome: 'ok' };
    try {
      const note = await make();
      if (note !== undefined) result.note = note;
    } catch (error) {
      result.outcome = error instanceof Skipped ? 'skipped' : 'FAILED';
      result.note =
        error instanceof Failed || error instanceof Skipped ? error.message : (error.stack ?? String(error));
      if (error instanceof Failed) Object.assign(result, { expected: show(error.expected), got: show(error.got) });
    }
    result.ms = Math.round(performance.now() - began);
    this.results.push(result);
    if (!this.quiet) console.log(line(result));
  }

  /** Make the check `make(one)` of each, some beside each other: none of them depends on the order. */
  async together(prefix, some, make) {
    const waiting = [...some];
    const next = async () => {
      while (waiting.length > 0) {
        const one = waiting.shift();
        await this.check(`${prefix}/${one.name}`, one.section, () => make(one));
      }
    };
    await Promise.all(Array.from({ length: BESIDE }, next));
  }

  count(outcome) {
    return this.results.filter((result) => result.outcome === outcome).length;
  }
}

function line({ name, section, outcome, note, ms }) {
  return `${outcome.padEnd(7)} ${name}  [${section}]  ${ms} ms${note === undefined ? '' : `\n        ${note}`}`;
}

function show(value) {
  return value === undefined ? 'nothing' : stringifyExact(value);
}
