"""How soon Alertmanager has an alert: from the commit of the reading that breaks a quota until a webhook hears of it.

Ingest, accounting, alerts and a real Alertmanager as they ship, one process each, beside the mean load of SHARE of the
nation: 42 500 readings/s at a SHARE of 1, with five quotas for each unit. PROBES units have a gate meter and a quota of
1 kWh a day; one after the other gets the reading that closes a quarter hour with 1 000 kWh. The commit is seen by its
notification, the alert when the webhook is called: Alertmanager waits for no group.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path

import aiohttp
import numpy as np
import psutil
from aiohttp import web

from alerts.quotas.model import QuotaSpec
from alerts.quotas.store import apply_quotas
from benchmarks.derive_incremental import accounting, derived, history
from benchmarks.figures import Figure
from benchmarks.ingest_national import GATEWAYS, PER_SECOND, until_taken
from benchmarks.ingest_process import broker_of, configured, forget, pile_up, require_durable, running, watching
from benchmarks.nation import POINTS, nation
from benchmarks.registry import REGION, fill
from deploy.stack import Endpoints
from deploy.stack.alerting import Tool, executable, working_directory
from deploy.stack.paths import choose_places, server_account
from deploy.stack.ports import LOOPBACK, passing
from energy.readings import Reading
from energy.registry import Gateway, Meter, Point, Registry, Unit
from energy.registry.store import apply
from energy.storage import StorageSettings, connect
from energy.storage.databases import create_database, drop_database
from energy.storage.migrate import migrate
from energy.transport.mqtt import connect as connect_broker
from energy.wire import Address, encode_envelope

SHARE = float(os.environ.get("QUOTAWATT_SHARE_OF_NATION", "1"))
"""Of the nation: a machine that does other work besides carries less."""
PROBES, EVERY_S = 100, 1.5
_MEASURES = (("tce", "tce"), ("tce_equal", "tce"), ("tco2", "tCO2"), ("electricity", "kWh"), ("natural_gas", "m3"))
_WORKER = "bench-alerts-worker"
_WARM_S, _BOUND_S = 1_800, 120
_QUARTER = 900
_OPENED = "select count(*) from readings join point using (point_id) where code like 'probe-%'"


def measure(endpoints: Endpoints, directory: Path) -> list[Figure]:
    """Run it once."""
    return asyncio.run(_measure(endpoints, directory))


async def _measure(endpoints: Endpoints, directory: Path) -> list[Figure]:
    gateways = round(GATEWAYS * SHARE)
    dsn = await create_database(endpoints.dsn, "bench_alerts")
    await asyncio.to_thread(migrate, dsn)
    await fill(dsn, gateways, POINTS)
    await _register(dsn, gateways)
    await require_durable(dsn)
    await history(dsn, gateways)
    await pile_up(endpoints, [], [_WORKER])
    heard: dict[str, float] = {}
    async with _webhook(heard) as webhook, _alertmanager(directory, webhook) as alertmanager:
        with (
            accounting(directory, dsn) as deriving,
            running(configured(directory, endpoints, dsn, _WORKER)),
            _alerts(directory, dsn, alertmanager) as judging,
        ):
            await derived(dsn, _WARM_S, deriving)
            async with watching(dsn) as commits, nation(endpoints, gateways, PROBES * 3 // 60 + 3) as senders:
                await until_taken(senders)
                async with asyncio.TaskGroup() as group:
                    load = group.create_task(senders.send(PER_SECOND * SHARE, PROBES * EVERY_S + _BOUND_S))
                    await _probe(endpoints, dsn)
                    await _until_heard(heard, judging)
                    load.cancel()
            committed = await _committed(dsn, commits.seen)
    await forget(endpoints, [_WORKER])
    await drop_database(endpoints.dsn, "bench_alerts")
    lags = np.array([heard[unit] - at for unit, at in committed.items()])
    how = {"readings/s": round(PER_SECOND * POINTS * SHARE), "quotas": gateways * len(_MEASURES), "breaches": PROBES}
    return [
        Figure("alerts_latency_p50_s", float(np.quantile(lags, 0.5)), "s", how),
        Figure("alerts_latency_p99_s", float(np.quantile(lags, 0.99)), "s", how),
        Figure("alerts_latency_most_s", float(lags.max()), "s", how),
    ]


def _probes() -> Iterator[str]:
    return (f"probe-{number:03d}" for number in range(PROBES))


async def _register(dsn: str, gateways: int) -> None:
    """The probes, and quotas for everybody."""
    codes = list(_probes())
    registry = Registry(
        units=tuple(Unit(code, code, code, district=REGION, industry="32") for code in codes),
        gateways=tuple(Gateway(code, region=REGION, unit=code) for code in codes),
        meters=tuple(Meter(code, code, "electricity", level=1, profile="none") for code in codes),
        points=tuple(
            Point(code=code, meter=code, gateway=code, unit="kWh", quantum=Decimal("0.001")) for code in codes
        ),
    )
    units = (f"U-{number}" for number in range(gateways))
    quotas = [
        (unit, _quota(f"{unit}.{measure}", measure, unit_of_measure, 1e9, "month"))
        for unit in units
        for measure, unit_of_measure in _MEASURES
    ]
    quotas += [(code, _quota(code, "electricity", "kWh", 1, "day")) for code in codes]
    async with connect(StorageSettings(dsn)) as connection:
        await apply(connection, registry)
        await apply_quotas(connection, quotas)
        await connection.execute("analyze")


def _quota(code: str, measure: str, unit_of_measure: str, limit: float, period: str) -> QuotaSpec:
    return QuotaSpec(
        code=code,
        measure=measure,
        period=period,  # type: ignore[arg-type]  # one of two words
        limit=Decimal(limit),
        limit_unit=unit_of_measure,
        valid_from=date(2020, 1, 1),
        source="benchmark",
    )


async def _probe(endpoints: Endpoints, dsn: str) -> None:
    """The opening reading of each probe's quarter hour; when these are derived, one closing reading after the other."""
    border = int(time.time()) // _QUARTER * _QUARTER
    async with connect_broker(broker_of(endpoints), client_id="bench-probes") as link:

        async def send(number: int, code: str, seq: int, at: int, value: float) -> None:
            body = encode_envelope(f"{10**6 + number:032x}", seq, [Reading(code, at * 1000, value)])
            await link.send(Address(REGION, code).up, body)

        for number, code in enumerate(_probes()):
            await send(number, code, 1, border - _QUARTER, 0.0)
        async with connect(StorageSettings(dsn)) as connection:
            while await connection.fetchval(_OPENED) < PROBES:  # noqa: ASYNC110 - another process does it
                await asyncio.sleep(0.2)
        for number, code in enumerate(_probes()):
            await send(number, code, 2, border, 1000.0)
            await asyncio.sleep(EVERY_S)


async def _until_heard(heard: dict[str, float], judging: psutil.Popen) -> None:
    begin = time.monotonic()
    while len(heard) < PROBES:
        if time.monotonic() > begin + _BOUND_S or judging.poll() is not None:
            raise SystemExit(f"only {len(heard)} of {PROBES} alerts arrived")
        await asyncio.sleep(0.1)


async def _committed(dsn: str, seen: dict[int, float]) -> dict[str, float]:
    """When the closing reading of each probe was seen to be committed."""
    async with connect(StorageSettings(dsn)) as connection:
        rows = await connection.fetch(
            "select p.code, r.batch from readings r join point p using (point_id)"
            " where p.code like 'probe-%' and r.value = 1000"
        )
    return {row["code"]: seen[row["batch"]] for row in rows}


@asynccontextmanager
async def _webhook(heard: dict[str, float]) -> AsyncIterator[str]:
    async def hear(request: web.Request) -> web.Response:
        now = time.time()
        for one in (await request.json())["alerts"]:
            if one["labels"]["alertname"] == "breach":
                heard.setdefault(one["labels"]["unit"], now)
        return web.Response()

    app = web.Application()
    app.router.add_post("/", hear)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, 0).start()
    try:
        yield f"http://{LOOPBACK}:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _alertmanager(directory: Path, webhook: str) -> AsyncIterator[str]:
    """A real one that waits for no group; gives its url."""
    configuration = directory / "alertmanager.yml"
    configuration.write_text(
        "route: {receiver: hook, group_by: [alert_id], group_wait: 0s, group_interval: 5m, repeat_interval: 4h}\n"
        f"receivers: [{{name: hook, webhook_configs: [{{url: '{webhook}'}}]}}]\n"
    )
    program = executable(Tool.ALERTMANAGER, choose_places(os.environ, server_account()).cache, print)
    (port,) = passing(1, os.getpid())
    with (directory / "alertmanager.log").open("wb") as log:
        process = psutil.Popen(
            [
                *(program, f"--config.file={configuration}", f"--storage.path={directory / 'alertmanager'}"),
                *(f"--web.listen-address={LOOPBACK}:{port}", "--cluster.listen-address="),
            ],
            cwd=working_directory(program),
            stderr=log,
        )
    url = f"http://{LOOPBACK}:{port}"
    try:
        async with asyncio.timeout(_BOUND_S), aiohttp.ClientSession() as session:
            while not await _ready(session, url):  # noqa: ASYNC110 - another process does it
                await asyncio.sleep(0.1)
        yield url
    finally:
        process.kill()
        process.wait()


async def _ready(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(f"{url}/-/ready") as answer:
            return answer.ok
    except aiohttp.ClientError:
        return False


@contextmanager
def _alerts(directory: Path, dsn: str, alertmanager: str) -> Iterator[psutil.Popen]:
    config = directory / "alerts.toml"
    config.write_text(f'[database]\ndsn = "{dsn}"\n[[delivery.alertmanager]]\nurl = "{alertmanager}"\n')
    with (directory / "alerts.log").open("wb") as log:
        process = psutil.Popen([Path(sys.executable).with_name("quotawatt"), "alerts", "run", config], stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            psutil.wait_procs([process], timeout=60)
            if process.is_running():
                process.kill()
