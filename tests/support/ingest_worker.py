"""An ingest worker in the test's own loop, or as a process that can be killed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from deploy.demo.toml_files import write_settings
from energy.clocks import ClockSettings
from energy.registry.model import Gateway, Meter, Point, Registry, Unit
from energy.services import Control, Service, run_services
from energy.storage import StorageSettings
from energy.transport.mqtt import MqttSettings
from energy.wire import Address
from ingest.receiving.mqtt.settings import ReceiveSettings
from ingest.service import services
from ingest.settings import IngestSettings
from ingest.writing.settings import BatchSettings
from tests.support.ingest_world import START_MS

REGION = "610303"


def settings(database: StorageSettings, mqtt: MqttSettings, *, session_expiry_s: int = 0) -> IngestSettings:
    """A worker of a group of its own, whose data time starts an hour after `START_MS`."""
    name = f"worker-{uuid.uuid4().hex[:8]}"
    return IngestSettings(
        database,
        mqtt,
        worker=name,
        clock=ClockSettings(datetime.fromtimestamp(START_MS / 1000 + 3_600, UTC), time.time()),
        receive=ReceiveSettings(group=name, session_expiry_s=session_expiry_s, probe=False),
        batch=BatchSettings(readings=500, age_ms=20),
        points_reload_s=0.05,
    )


def registry(gateway: str, points: int) -> Registry:
    """One unit, its gateway, and points `<gateway>-0`, `<gateway>-1` and so on."""
    codes = [f"{gateway}-{number}" for number in range(points)]
    return Registry(
        (Unit(f"U-{gateway}", "虚构单位", "Invented unit", REGION, "32"),),
        (Gateway(gateway, REGION, f"U-{gateway}"),),
        tuple(Meter(f"M-{code}", f"U-{gateway}", "electricity", 1, "none") for code in codes),
        tuple(Point(code, f"M-{code}", gateway, "kWh") for code in codes),
    )


def address() -> Address:
    """A gateway of the test's own."""
    return Address(REGION, f"gw-{uuid.uuid4().hex[:8]}")


class _Started:
    """The last service to start: by then all others are ready."""

    name = "started"

    def __init__(self) -> None:
        self.event = asyncio.Event()

    async def run(self, control: Control) -> None:
        """Tell, and wait for the stop."""
        control.ready()
        self.event.set()
        await control.stopping.wait()


@asynccontextmanager
async def running(worker: IngestSettings) -> AsyncIterator[list[Service]]:
    """Run a worker for the length of the block, which begins when it receives; its end is orderly."""
    stop, started = asyncio.Event(), _Started()
    made = services(worker)
    async with asyncio.TaskGroup() as group:
        group.create_task(run_services([*made, started], grace=worker.grace_s, stop=stop))
        await started.event.wait()
        try:
            yield made
        finally:
            stop.set()


@contextmanager
def process(worker: IngestSettings, directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker as a process of its own; it is killed at the end of the block."""
    config = write_settings(directory / "ingest.toml", worker)
    command = [str(Path(sys.executable).with_name("quotawatt")), "ingest", "run", str(config)]
    with subprocess.Popen(command) as started:
        try:
            yield started
        finally:
            started.kill()
