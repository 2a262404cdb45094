// Encodes payloads with the npm package sparkplug-payload: JSON lines with payloads in, base64 lines out.
// Whole numbers beyond 2^53 come as texts.
const { get } = require("sparkplug-payload");
const Long = require("long");

const codec = get("spBv1.0");
const WIDE = new Set(["Int64", "UInt64", "DateTime"]);

function metric(one) {
  const wide = WIDE.has(one.type) && typeof one.value === "string";
  return wide ? { ...one, value: Long.fromString(one.value, one.type !== "Int64") } : one;
}

const lines = require("fs").readFileSync(0, "utf8").trim().split("\n");
for (const line of lines) {
  const payload = JSON.parse(line);
  const bytes = codec.encodePayload({ ...payload, metrics: payload.metrics.map(metric) });
  console.log(Buffer.from(bytes).toString("base64"));
}
