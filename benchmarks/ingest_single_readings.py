"""One reading to a message, the hardest way to send: ingest against bare aiomqtt, which only takes the messages.

Numerator: messages per second of ingest, with checks, COPY, batch records and acknowledgements. Denominator: messages
per second that aiomqtt alone takes from the same broker, the same backlog, acknowledged by itself, in a process of its
own. Both from the first message to the last.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.ingest_over_copy import ROUNDS, ingest_rate, prepare, yesterday_ms
from benchmarks.ingest_process import GROUP, forget, pile_up
from benchmarks.load import Load
from deploy.stack import Endpoints

GATEWAYS, MINUTES = 2_000, 25

_BARE = """
import asyncio, sys, time
import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

async def main(host, port, group, count):
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 3600
    properties.ReceiveMaximum = 2000
    async with aiomqtt.Client(host, int(port), identifier="bench-bare", protocol=aiomqtt.ProtocolVersion.V5,
                              clean_start=False, properties=properties) as client:
        await client.subscribe(f"$share/{group}/qw/1/+/+/up", qos=1)
        taken, begin = 0, 0.0
        async for message in client.messages:
            begin = begin or time.perf_counter()
            taken += 1
            if taken == int(count):
                break
        print(taken / (time.perf_counter() - begin))

asyncio.run(main(*sys.argv[1:]))
"""


def measure(endpoints: Endpoints, directory: Path) -> list[Figure]:
    """Run both sides in turn and compare."""
    return asyncio.run(_measure(endpoints, directory))


async def _measure(endpoints: Endpoints, directory: Path) -> list[Figure]:
    load = Load(GATEWAYS, 1, MINUTES, yesterday_ms(), 1)
    await prepare(endpoints, load)
    bare, ingested = [], []
    for _ in range(ROUNDS):
        bare.append(await _bare_rate(endpoints, load))
        ingested.append(await ingest_rate(endpoints, load, directory))
    ours, theirs = statistics.median(ingested), statistics.median(bare)
    how = {"messages": load.readings, "gateways": load.gateways, "rounds": ROUNDS}
    return [
        Figure("aiomqtt_messages_per_second", theirs, "1/s", {**how, "all": [round(one) for one in bare]}),
        Figure("ingest_single_readings_per_second", ours, "1/s", {**how, "all": [round(one) for one in ingested]}),
        Figure("ingest_over_aiomqtt", ours / theirs, "1", how),
    ]


async def _bare_rate(endpoints: Endpoints, load: Load) -> float:
    await pile_up(endpoints, load.messages(), ["bench-bare"])
    command = [sys.executable, "-c", _BARE, endpoints.mqtt_host, str(endpoints.mqtt_port), GROUP, str(load.readings)]
    done = await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True, text=True, timeout=300)
    await forget(endpoints, ["bench-bare"])
    return float(done.stdout)
