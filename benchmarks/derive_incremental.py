"""How soon the nation's quarter hours follow its readings: 42 500 readings/s, ingest and accounting as they ship.

2 550 000 registered points behind 25 500 gateways, one value a minute each, on one machine that also runs the broker,
the database and the senders. Before it begins each point has a history of REACH readings and two, so that it is known
to be calm, and accounting has derived that: the warm-up, whose time is reported, as after a restart. Measured for some
minutes: the time from a batch's commit, as the notification tells it, until its mark is seen to be gone, which is
committed with the quarter hours that it touched, weighed by the readings of a batch; processor shares of both services.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import numpy as np
import psutil

from benchmarks.figures import Figure
from benchmarks.ingest_national import GATEWAYS, PER_SECOND, TEMPLATE, until_taken
from benchmarks.ingest_national import prepare as prepare_nation
from benchmarks.ingest_process import configured, forget, pile_up, running, watching
from benchmarks.nation import POINTS, nation
from deploy.stack import Endpoints
from energy.storage import StorageSettings, connect
from energy.storage.databases import create_database, drop_database
from ingest.accounting.algebra.excursions import REACH

SECONDS = 240
_WORKER = "bench-derive-worker"
_HISTORY = REACH + 2
_WARM_S = 1_800
_LOOK_S = 0.05

_PAST = """
insert into readings (ts, point_id, value, quality, batch)
select to_timestamp($1) - make_interval(mins => 15 * ($2 - n)), point_id, (point_id - 1) % $4::int4, 0, 0
from generate_series(1, $2) as n, generate_series(1, $3) as point_id
"""
_MARK = """
insert into derivation_dirty (batch, points, since, until)
select nextval('batch_id'), array_agg(p), array_agg(to_timestamp($1)), array_agg(to_timestamp($1))
from generate_series(1, $2) as p group by p / 20000
"""


def measure(endpoints: Endpoints, directory: Path) -> list[Figure]:
    """Run it once."""
    return asyncio.run(_measure(endpoints, directory))


async def _measure(endpoints: Endpoints, directory: Path) -> list[Figure]:
    await prepare_nation(endpoints)
    dsn = await create_database(endpoints.dsn, "bench_derive", template=TEMPLATE)
    await history(dsn, GATEWAYS)
    await pile_up(endpoints, [], [_WORKER])
    with (
        accounting(directory, dsn) as deriving,
        running(configured(directory, endpoints, dsn, _WORKER)) as ingesting,
    ):
        warm_s = await derived(dsn, _WARM_S, deriving)
        lags: dict[int, float] = {}
        async with watching(dsn) as commits, looking(dsn, commits.seen, lags):
            async with nation(endpoints, GATEWAYS, SECONDS // 60 + 2) as gateways:
                await until_taken(gateways)
                before = [_processor(one) for one in (deriving, ingesting)]
                await gateways.send(PER_SECOND, SECONDS)
                shares = [
                    (_processor(one) - was) / SECONDS for one, was in zip((deriving, ingesting), before, strict=True)
                ]
                await gateways.finish(120)
            await derived(dsn, 300, deriving)
        resident = deriving.memory_info().rss / 1e6
    found = await _weighed(dsn, lags)
    await forget(endpoints, [_WORKER])
    await drop_database(endpoints.dsn, "bench_derive")
    how = {"readings/s": PER_SECOND * POINTS, "seconds": SECONDS, "points": GATEWAYS * POINTS, "history": _HISTORY}
    return [
        Figure("derive_lag_p50_ms", found[0], "ms", how),
        Figure("derive_lag_p99_ms", found[1], "ms", how),
        Figure("derive_lag_most_ms", found[2], "ms", how),
        Figure("derive_warm_up_s", warm_s, "s", how),
        Figure("derive_processor_share", shares[0], "1", {**how, "ingest": round(shares[1], 2)}),
        Figure("derive_resident_mb", resident, "MB", how),
    ]


@contextmanager
def accounting(directory: Path, dsn: str, more: str = "") -> Iterator[psutil.Popen]:
    """`quotawatt accounting run` as it ships; stopped in order at the end."""
    config = directory / "accounting.toml"
    config.write_text(f'[database]\ndsn = "{dsn}"\n{more}', encoding="utf-8")
    with (directory / "accounting.log").open("wb") as log:
        process = psutil.Popen([Path(sys.executable).with_name("quotawatt"), "accounting", "run", config], stderr=log)
        try:
            yield process
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.terminate()
                psutil.wait_procs([process], timeout=60)
                process.kill()


@asynccontextmanager
async def looking(dsn: str, committed: dict[int, float], lags: dict[int, float]) -> AsyncIterator[None]:
    """Note in `lags` for how long each batch has been `committed` when its mark is seen to be gone, in seconds."""
    async with connect(StorageSettings(dsn)) as connection, asyncio.TaskGroup() as group:

        async def look() -> None:
            while True:
                known = set(committed) - lags.keys()
                dirty = {row[0] for row in await connection.fetch("select batch from derivation_dirty")}
                now = time.time()
                lags.update({batch: now - committed[batch] for batch in known - dirty})
                await asyncio.sleep(_LOOK_S)

        task = group.create_task(look())
        yield
        task.cancel()


async def history(dsn: str, gateways: int) -> None:
    """Readings of all points of gateways, a quarter of an hour apart, the last one just now, all to be derived."""
    now = time.time()
    async with connect(StorageSettings(dsn)) as connection:
        await connection.execute(_PAST, now, _HISTORY, gateways * POINTS, POINTS, timeout=1_800)
        await connection.execute(_MARK, now, gateways * POINTS, timeout=600)
        await connection.execute("vacuum analyze readings", timeout=600)


async def derived(dsn: str, bound_s: float, process: psutil.Popen) -> float:
    """Wait until nothing is dirty; real seconds that it took."""
    begin = time.monotonic()
    async with connect(StorageSettings(dsn)) as connection:
        while await connection.fetchval("select exists (select from derivation_dirty)"):
            if time.monotonic() > begin + bound_s or process.poll() is not None:
                raise SystemExit("accounting does not get done")
            await asyncio.sleep(0.2)
    return time.monotonic() - begin


async def _weighed(dsn: str, lags: dict[int, float]) -> tuple[float, float, float]:
    """Median, 99 % and most in ms, by readings."""
    async with connect(StorageSettings(dsn)) as connection:
        rows = await connection.fetch("select batch, stored from ingest_batch where batch = any($1)", list(lags))
    lag, stored = np.array([lags[row[0]] for row in rows]), np.array([row[1] for row in rows], np.float64)
    order = np.argsort(lag)
    share = np.cumsum(stored[order]) / stored.sum()
    p50, p99 = (float(lag[order][np.searchsorted(share, part)]) for part in (0.5, 0.99))
    return p50 * 1000, p99 * 1000, float(lag.max()) * 1000


def _processor(process: psutil.Popen) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)
