/**
 * The messages of the wire contract, version 1: what a gateway writes and what it reads.
 *
 * Numbers of envelopes go up to 2^63 − 1, and JavaScript's own numbers are exact up to 2^53 − 1 only: `JSON.parse`
 * would round them without a word, and the gateway would forget the wrong envelope. They are BigInt here, from the
 * first byte to the last.
 */

import { randomBytes } from 'node:crypto';

export const VERSION = 1;
export const MOST_READINGS = 1_000;
export const MOST_ENVELOPE_BYTES = 262_144;
export const MOST_SEQ = 2n ** 63n - 1n;
export const WINDOW = 32;
export const MOST_DETAIL = 160;

export const MEASURED = 0;
export const UNCERTAIN = 1;
export const MANUAL = 2;
export const NOT_AVAILABLE = 3;

/** A message that does not keep to the contract. */
export class NotOfTheContract extends Error {}

// Nobody can send this mark on purpose: it is made anew with each process.
const MARK = `exact-${randomBytes(16).toString('hex')}:`;
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const LONG_INTEGER = /^-?\d{16,}$/;
const MARKED = new RegExp(`"${MARK}(-?\\d+)"`, 'g');

/** JSON text to a value, with integers of 16 digits and more as BigInt. */
export function parseExact(text) {
  const marked = text.replace(TOKEN, (token) => (LONG_INTEGER.test(token) ? `"${MARK}${token}"` : token));
  return JSON.parse(marked, (_, value) =>
    typeof value === 'string' && value.startsWith(MARK) ? BigInt(value.slice(MARK.length)) : value,
  );
}

/** A value to JSON text, BigInt as the digits that it has. */
export function stringifyExact(value) {
  const marked = JSON.stringify(value, (_, member) => (typeof member === 'bigint' ? `${MARK}${member}` : member));
  return marked.replace(MARKED, '$1');
}

/** A new stream: 128 random bits. */
export function newStream() {
  return randomBytes(16).toString('hex');
}

/** The topics of a gateway. */
export function topicsOf({ region, gateway }) {
  const base = `qw/${VERSION}/${region}/${gateway}`;
  return { up: `${base}/up`, ack: `${base}/ack`, cmd: `${base}/cmd`, status: `${base}/status` };
}

/** An envelope; readings are `[point, at, value]` or `[point, at, value, quality]`. */
export function encodeEnvelope(stream, seq, readings) {
  return stringifyExact({ v: VERSION, stream, seq: BigInt(seq), readings });
}

/** An acknowledgement with its numbers as BigInt; throws `NotOfTheContract`. */
export function readAcknowledgement(text) {
  const message = object(text);
  const stream = message.stream;
  if (stream !== null && !isStream(stream)) throw new NotOfTheContract(`stream is ${stringifyExact(stream)}`);
  const confirmed = array(message, 'confirmed').map((seq) => integer(seq, 'confirmed'));
  return { stream, confirmed, refused: array(message, 'refused').map(refusal), at: time(message.at) };
}

/** A command, or null where it is one that this gateway does not know: it is passed over then. */
export function readCommand(message) {
  if (message === null || typeof message !== 'object') throw new NotOfTheContract('a command is no object');
  if (message.v !== VERSION || message.command !== 'resend') return null;
  if (!isStream(message.stream)) throw new NotOfTheContract(`stream is ${stringifyExact(message.stream)}`);
  const ranges = array(message, 'ranges').map((range) => {
    if (!Array.isArray(range) || range.length !== 2) throw new NotOfTheContract('a range is not a pair');
    return range.map((end) => integer(end, 'ranges'));
  });
  return { v: VERSION, command: 'resend', stream: message.stream, ranges };
}

/** The commands in the answer to a status, those that are not known left out. */
export function readStatusAnswer(text) {
  const message = object(text);
  return (message.commands === undefined ? [] : array(message, 'commands')).map(readCommand).filter(Boolean);
}

/** JSON text that must be an object of this version. */
export function object(text) {
  let message;
  try {
    message = parseExact(text);
  } catch (error) {
    throw new NotOfTheContract(`not JSON: ${error.message}`);
  }
  if (message === null || typeof message !== 'object' || Array.isArray(message))
    throw new NotOfTheContract('no object');
  if (message.v !== VERSION) throw new NotOfTheContract(`v is ${stringifyExact(message.v ?? null)}`);
  return message;
}

function refusal(member) {
  if (member === null || typeof member !== 'object') throw new NotOfTheContract('a refusal is no object');
  const { code, detail } = member;
  if (typeof code !== 'string') throw new NotOfTheContract(`code is ${JSON.stringify(code ?? null)}, no text`); // any word: there may be later ones
  if (typeof detail !== 'string' || [...detail].length > MOST_DETAIL) {
    throw new NotOfTheContract(`detail is not a text of at most ${MOST_DETAIL} characters`);
  }
  const seq = orNull(member.seq, 'refused.seq');
  const index = orNull(member.index, 'refused.index');
  return { seq, index: index === null ? null : Number(index), code, detail };
}

function array(message, name) {
  if (!Array.isArray(message[name])) throw new NotOfTheContract(`${name} is no array`);
  return message[name];
}

function integer(value, name) {
  if (typeof value === 'bigint') return value;
  if (!Number.isSafeInteger(value)) throw new NotOfTheContract(`${name} has ${JSON.stringify(value)}, no integer`);
  return BigInt(value);
}

function orNull(value, name) {
  return value === null ? null : integer(value, name);
}

function time(value) {
  return value === undefined || value === null ? null : Number(integer(value, 'at'));
}

function isStream(value) {
  return typeof value === 'string' && /^[0-9a-f]{32}$/.test(value);
}
