/** The line to a platform over MQTT 3.1.1. */

import { EventEmitter } from 'node:events';

import mqtt from 'mqtt';

import { stringifyExact, topicsOf } from './messages.mjs';

const NOTHING_YET = { acknowledgement: null, waitMs: null };
const WILL = stringifyExact({ v: 1, online: false });

export class MqttLine {
  #client;

  constructor(client, topics) {
    this.#client = client;
    this.topics = topics;
    this.onConnected = () => {};
    this.onAcknowledgement = () => {};
    this.onCommand = () => {};
    client.on('message', (topic, payload) => {
      if (topic === topics.ack) this.onAcknowledgement(payload.toString('utf8'));
      if (topic === topics.cmd) this.onCommand(payload.toString('utf8'));
    });
    client.on('error', () => {}); // it connects again by itself
  }

  /**
   * Connect, and listen on `ack` and `cmd` before anything is sent: an acknowledgement that comes earlier would reach
   * nobody.
   *
   * @param {{url: string, region: string, gateway: string, ca?: Buffer, cert?: Buffer, key?: Buffer, clientId?: string}} options - user and password stand in
   *   the URL.
   */
  static async open({ url, region, gateway, ca, cert, key, clientId }) {
    const topics = topicsOf({ region, gateway });
    const client = await mqtt.connectAsync(
      url,
      {
        protocolVersion: 4,
        clientId: clientId ?? `${gateway}-${process.pid}-${Date.now().toString(36)}`,
        clean: true,
        keepalive: 30,
        reconnectPeriod: 500,
        resubscribe: false,
        queueQoSZero: false,
        ca,
        cert,
        key,
        will: { topic: topics.status, payload: WILL, qos: 1, retain: true },
      },
      false,
    );
    const line = new MqttLine(client, topics);
    client.on('connect', () => void line.#reconnected());
    await line.#listen();
    return line;
  }

  /** Send an envelope; the broker's own acknowledgement means nothing more than that the broker has it. */
  async send(body) {
    await this.#client.publishAsync(this.topics.up, body, { qos: 1 });
  }

  /** Send an envelope for a `Gateway`: what the platform says of it comes on `ack`. */
  async deliver(body) {
    // Without a connection the library would keep one copy more with every repetition; the spool has it anyway.
    if (this.#client.connected) await this.send(body);
    return NOTHING_YET;
  }

  /** Publish the status. */
  async status(body) {
    await this.#client.publishAsync(this.topics.status, body, { qos: 1, retain: true });
  }

  /** Listen on one more topic; gives text and whether it was retained. Throws where the broker denies it. */
  async watch(topic, take) {
    this.watched = new EventEmitter();
    this.#client.on('message', (from, payload, packet) => {
      if (from === topic) take(payload.toString('utf8'), packet.retain);
    });
    await this.#subscribe([topic]);
  }

  /** Lose the connection, as lines do; it comes back by itself. */
  cut() {
    this.#client.stream.destroy();
  }

  /** Leave; without `orderly` the line is cut, and the broker publishes the last will. */
  async close({ orderly = true } = {}) {
    if (orderly) {
      await this.#client.endAsync(false);
    } else {
      this.#client.options.reconnectPeriod = 0;
      this.cut();
      await this.#client.endAsync(true);
    }
  }

  async #reconnected() {
    try {
      await this.#listen();
    } catch {
      this.#client.reconnect(); // lost again, or denied: without `ack` nothing is to be sent
      return;
    }
    this.onConnected();
  }

  async #listen() {
    await this.#subscribe([this.topics.ack, this.topics.cmd]);
  }

  async #subscribe(topics) {
    const granted = await this.#client.subscribeAsync(topics, { qos: 1 });
    const denied = granted.filter(({ qos }) => qos > 2);
    if (denied.length > 0) throw new Error(`the broker denies ${denied.map(({ topic }) => topic).join(', ')}`);
  }
}
