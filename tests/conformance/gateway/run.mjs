#!/usr/bin/env node
/** Makes the checks of a platform; `--help` says how, README.md what it needs. */

import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { asGateway } from './checks/as_gateway.mjs';
import { HttpLine } from './client/http_line.mjs';
import { stringifyExact } from './client/messages.mjs';
import { Bench } from './checks/bench.mjs';
import { overHttp } from './checks/over_http.mjs';
import { overMqtt, statusAndWill } from './checks/over_mqtt.mjs';
import { Report } from './checks/report.mjs';

const HELP = `node run.mjs [--mqtt mqtt://host:1883] [--http http://host:8080/push] --region 610303 --gateway gw-x --points A,B

Plays a gateway, good and bad, against a platform and checks what docs/wire-protocol.md promises. It writes readings for
the points named here, at times of the last hour: take a gateway and points that nobody needs.

  --mqtt URL            broker, mqtt:// or mqtts://, user and password in the URL or in QUOTAWATT_MQTT_USER, QUOTAWATT_MQTT_PASSWORD
  --http URL            address of HTTP push, with its prefix
  --region, --gateway   whose messages these are; the gateway must be registered and must not run elsewhere
  --points A,B          codes of points registered for this gateway, without bounds on their values
  --foreign-point C     code of a point registered for another gateway
  --range-point D       code of a point of this gateway that is registered with a greatest value, and
  --range-most X        that value
  --token T             token of the gateway; better in QUOTAWATT_TOKEN, which other users of the machine cannot see
  --ca FILE             certificates to trust instead of the system's; --cert FILE, --key FILE: the gateway's own
  --hold COMMAND        keeps the platform from committing: says "held" in a line of its own when it does, until its input ends
  --held-ms N           how long it is held (1500)
  --asked-within S      how long to wait for the platform to ask for a missing number, seconds; 0 leaves it out (0)
  --within S            how long to wait for anything else, seconds (15)
  --only TEXT           only checks whose names contain it
  --ledger FILE         write down as JSON which readings the platform must have now, and which it must have refused
  --json                the outcome as one JSON object instead of lines

Exit code: 0 nothing failed, 1 a check failed, 2 wrong usage or no platform.`;

const TEXTS = [
  'mqtt',
  'http',
  'region',
  'gateway',
  'points',
  'foreign-point',
  'range-point',
  'range-most',
  'token',
  'ca',
  'cert',
  'key',
  'hold',
  'held-ms',
  'asked-within',
  'within',
  'only',
  'ledger',
];

function readOptions() {
  const options = Object.fromEntries(TEXTS.map((name) => [name, { type: 'string' }]));
  const { values } = parseArgs({ options: { ...options, json: { type: 'boolean' }, help: { type: 'boolean' } } });
  if (values.help) return values;
  for (const name of ['region', 'gateway', 'points']) if (!values[name]) throw new Error(`--${name} is missing`);
  if (!values.mqtt && !values.http) throw new Error('--mqtt or --http is missing');
  if (!/^\d{6}$/.test(values.region)) throw new Error(`--region ${values.region}: expected six digits`);
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(values.gateway))
    throw new Error(`--gateway ${values.gateway}: expected [a-z0-9][a-z0-9-]{0,62}`);
  if ((values['range-point'] === undefined) !== (values['range-most'] === undefined))
    throw new Error('--range-point and --range-most go together');
  return values;
}

function benchOf(values) {
  const file = (name) => (values[name] === undefined ? undefined : readFileSync(values[name]));
  return new Bench({
    mqtt: values.mqtt && withCredentials(values.mqtt),
    http: values.http,
    region: values.region,
    gateway: values.gateway,
    points: values.points.split(','),
    foreign: values['foreign-point'],
    rangePoint: values['range-point'],
    rangeMost: number(values, 'range-most', 0),
    token: values.token ?? process.env.QUOTAWATT_TOKEN,
    ca: file('ca'),
    cert: file('cert'),
    key: file('key'),
    hold: values.hold,
    heldMs: number(values, 'held-ms', 1_500),
    askedWithinMs: number(values, 'asked-within', 0) * 1_000,
    withinMs: number(values, 'within', 15) * 1_000,
  });
}

function number(values, name, otherwise) {
  const value = values[name] === undefined ? otherwise : Number(values[name]);
  if (!Number.isFinite(value)) throw new Error(`--${name} ${values[name]}: expected a number`);
  return value;
}

function withCredentials(url) {
  const { QUOTAWATT_MQTT_USER: user, QUOTAWATT_MQTT_PASSWORD: password } = process.env;
  const full = new URL(url);
  if (user !== undefined) Object.assign(full, { username: user, password: password ?? '' });
  return full.href;
}

/** Throws where nobody answers: eighty failed checks would say less. */
async function reachable(bench) {
  const line = new HttpLine({ ...bench, url: bench.http });
  await line.request('/v1/status', '').finally(() => line.close());
}

async function main() {
  const values = readOptions();
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const bench = benchOf(values);
  if (bench.http !== undefined) await reachable(bench);
  const report = new Report({ only: values.only, quiet: values.json });
  if (bench.mqtt !== undefined) await overMqtt(report, bench);
  if (bench.http !== undefined) await overHttp(report, bench);
  await asGateway(report, bench);
  if (bench.mqtt !== undefined) await statusAndWill(report, bench);
  if (values.ledger !== undefined)
    writeFileSync(values.ledger, stringifyExact({ committed: bench.committed, rejected: bench.rejected }));
  const [ok, skipped, failed] = ['ok', 'skipped', 'FAILED'].map((outcome) => report.count(outcome));
  if (values.json) console.log(JSON.stringify({ ok, skipped, failed, checks: report.results }, null, 1));
  else console.log(`${ok} ok, ${skipped} skipped, ${failed} FAILED`);
  return failed === 0 ? 0 : 1;
}

/** A check that failed may have left a line open, which must not keep the program; what is written must come through. */
function exit(code) {
  process.stdout.write('', () => process.exit(code));
}

main().then(exit, (error) => {
  console.error(`gateway-conformance: ${error.message}`);
  exit(2);
});
