"""How soon a value is on the platform, and whether all of them are.

100 meters of 50 registers, each register a value, polled each second over a connection of their own; the server in C
answers 5 ms after it was asked. The collector runs as it ships, a process of its own with its default configuration: on
disk with every commit synchronised before it is sent, over a real Mosquitto, to a peer that confirms.

`collector_lag_p99_ms`: of the time from a reading's time stamp, the middle between request and answer, until the broker
hands it over, that which 99 of 100 readings undercut. `collector_lost`: values of the measured seconds that did not
come. `collector_resident_mb`: memory of the collector's process after that time.
"""

from __future__ import annotations

import asyncio
import statistics
from pathlib import Path

from benchmarks.collector_process import Arrival, Cost, cost_of, platform, running
from benchmarks.figures import Figure
from benchmarks.libmodbus import build_server, serving
from benchmarks.plant import Plant
from deploy.stack import Endpoints

PLANT = Plant(values=50, type="u16", lines=100, units=1, line={"interval_s": 1})
DELAY_MS = 5
WARM_S, SECONDS = 10, 60
_LATE_S = 5
"""So long what was read last may take."""


def measure(endpoints: Endpoints, directory: Path) -> list[Figure]:
    """Run it once: a minute has 300 000 readings."""
    with serving(build_server(directory), PLANT.contents(), delay_ms=DELAY_MS) as port:
        config = PLANT.config(directory / "collector_lag", port, endpoints)
        return asyncio.run(_measure(endpoints, config))


async def _measure(endpoints: Endpoints, config: Path) -> list[Figure]:
    async with platform(endpoints) as taking:
        with running(config) as process:
            await asyncio.sleep(WARM_S)
            taking.arrivals.clear()
            cost = await cost_of(process, SECONDS + _LATE_S)
            return _figures(taking.arrivals, cost)


def _figures(arrivals: list[Arrival], cost: Cost) -> list[Figure]:
    # The first second that was surely not cut by the beginning.
    first = min(arrival.at for arrival in arrivals) // 1000 + 2
    measured = [arrival for arrival in arrivals if first <= arrival.at // 1000 < first + SECONDS]
    came = {(arrival.point, arrival.at // 1000) for arrival in measured}
    due = PLANT.points * SECONDS
    lags = statistics.quantiles((arrival.lag for arrival in measured), n=100, method="inclusive")
    about = {
        "meters": PLANT.meters,
        "values": PLANT.points,
        "interval": "1 s",
        "server's delay": f"{DELAY_MS} ms",
        "seconds": SECONDS,
    }
    return [
        Figure("collector_lag_p99_ms", lags[98], "ms", about),
        Figure("collector_lag_p50_ms", lags[49], "ms", about),
        Figure("collector_lag_most_ms", max(arrival.lag for arrival in measured), "ms", about),
        Figure("collector_lost", due - len(came), "values", {**about, "due": due, "twice": len(measured) - len(came)}),
        Figure("collector_resident_mb", cost.resident, "MB", about),
        Figure("collector_core_share", cost.share, "1", about),
    ]
