/** The line to a platform by HTTP push. */

import http from 'node:http';
import https from 'node:https';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

import { readStatusAnswer, stringifyExact } from './messages.mjs';

const ACKNOWLEDGING = new Set([200, 400, 413, 422]);
const BUSY = new Set([429, 503]);
const MOST_ANSWER_BYTES = 1_048_576;
const LONGEST_WAIT_S = 600;
const compress = promisify(gzip);

/** No answer, half an answer, or more than an answer may have: it is unknown whether anything was committed. */
export class NoAnswer extends Error {}

export class HttpLine {
  #base;
  #agent;
  #gateway;

  /**
   * @param {{url: string, region: string, gateway: string, token?: string, ca?: Buffer, cert?: Buffer, key?: Buffer,
   *   gzip?: boolean, timeoutMs?: number}} options
   */
  constructor({ url, region, gateway, token, ca, cert, key, gzip: packed = true, timeoutMs = 30_000 }) {
    this.#base = url.replace(/\/+$/, '');
    this.transport = this.#base.startsWith('https:') ? https : http;
    this.#agent = new this.transport.Agent({ keepAlive: true, maxSockets: 64, ca, cert, key, minVersion: 'TLSv1.2' });
    this.#gateway = `${region}/${gateway}`;
    this.token = token;
    this.packed = packed;
    this.timeoutMs = timeoutMs;
    this.onCommand = () => {};
  }

  /** Post an envelope. */
  readings(body) {
    return this.#packed('/v1/readings', body);
  }

  /** Post an envelope for a `Gateway`: an acknowledgement counts, a status code alone neither confirms nor denies. */
  async deliver(body) {
    const answer = await this.readings(body);
    return {
      acknowledgement: ACKNOWLEDGING.has(answer.status) ? answer.text : null,
      waitMs: BUSY.has(answer.status) ? retryAfterMs(answer) : null,
      said: answer.status,
    };
  }

  /** Post a status; gives the commands to `onCommand`. */
  async status(body) {
    const answer = await this.#packed('/v1/status', body);
    if (answer.status === 200)
      for (const command of readStatusAnswer(answer.text)) this.onCommand(stringifyExact(command));
    return answer;
  }

  /** The headers that say who sends, and prove it. */
  headers() {
    const headers = { 'Content-Type': 'application/json', 'Quotawatt-Gateway': this.#gateway };
    if (this.token !== undefined) headers.Authorization = `Bearer ${this.token}`;
    return headers;
  }

  /**
   * One request as it is told; redirects are never followed. A header that is undefined is left out, and one that is
   * an array stands as often.
   *
   * @returns {Promise<{status: number, headers: object, text: string}>}
   */
  request(
    path,
    body,
    { method = 'POST', headers = {}, chunked = false, expect = false, timeoutMs = this.timeoutMs } = {},
  ) {
    const content = Buffer.from(body);
    const all = { ...this.headers(), ...headers };
    if (!chunked) all['Content-Length'] = content.length;
    if (expect) all.Expect = '100-continue';
    return new Promise((resolve, reject) => {
      const request = this.transport.request(this.#base + path, { method, agent: this.#agent, timeout: timeoutMs });
      for (const [name, value] of Object.entries(all)) if (value !== undefined) request.setHeader(name, value);
      request.on('response', (response) => void read(response).then(resolve, reject));
      request.on('error', (error) => reject(new NoAnswer(error.message)));
      request.on('timeout', () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)));
      if (expect) request.on('continue', () => request.end(content)).flushHeaders();
      else if (chunked) for (const part of halves(content)) request.write(part);
      if (!expect) request.end(chunked ? undefined : content);
    });
  }

  close() {
    this.#agent.destroy();
  }

  async #packed(path, body) {
    if (!this.packed) return this.request(path, body);
    return this.request(path, await compress(Buffer.from(body)), { headers: { 'Content-Encoding': 'gzip' } });
  }
}

/** How long the platform asks to be left alone, in milliseconds; null where it does not say. */
export function retryAfterMs({ headers }) {
  const said = headers['retry-after'];
  if (said === undefined) return null;
  const seconds = /^\d+$/.test(said) ? Number(said) : (Date.parse(said) - Date.parse(headers.date)) / 1_000;
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 0), LONGEST_WAIT_S) * 1_000 : null;
}

async function read(response) {
  const parts = [];
  let bytes = 0;
  try {
    for await (const part of response) {
      bytes += part.length;
      if (bytes > MOST_ANSWER_BYTES) throw new Error(`the answer has more than ${MOST_ANSWER_BYTES} bytes`);
      parts.push(part);
    }
  } catch (error) {
    throw new NoAnswer(error.message);
  }
  return {
    status: response.statusCode,
    headers: response.headers,
    rawHeaders: response.rawHeaders,
    text: Buffer.concat(parts).toString('utf8'),
  };
}

function halves(content) {
  const middle = content.length >> 1;
  return [content.subarray(0, middle), content.subarray(middle)].filter((part) => part.length > 0);
}
