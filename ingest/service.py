"""Wires one ingest worker together."""

from __future__ import annotations

import asyncio
import gc

from energy.channel import Channel
from energy.clocks import DataClock
from energy.health import HealthServer
from energy.metrics import watch_queue
from energy.services import Service, run_services
from ingest import metrics
from ingest.acknowledger import Acknowledger
from ingest.checking.batch import Batch
from ingest.checking.cutter import Cutter
from ingest.checking.directory import Directory
from ingest.checking.due import Due
from ingest.checking.look_limit import LookLimit
from ingest.database import KeptConnection, ping
from ingest.following.commands import Commands
from ingest.following.follower import Follower
from ingest.following.status import StatusFollower
from ingest.receiving.batcher import BatchLimits
from ingest.receiving.csv.report import CSV_PATH
from ingest.receiving.csv.route import WINDOW as CSV_WINDOW
from ingest.receiving.csv.route import CsvUploads
from ingest.receiving.entries.route import ENTRIES_PATH, Entries
from ingest.receiving.http.exchange import Handler
from ingest.receiving.http.push import push_server
from ingest.receiving.intake import Intake, IntakeGate
from ingest.receiving.mqtt.broker_check import BrokerCheck
from ingest.receiving.mqtt.receiver import MqttCarrier, Receiver
from ingest.receiving.mqtt.session import Session
from ingest.receiving.sparkplug.service import sparkplug_services
from ingest.rejects.service import RejectBounds
from ingest.settings import IngestSettings
from ingest.upkeep.service import Upkeep
from ingest.writing.store import Store
from ingest.writing.writer import Writer

_WINDOW_SHARE = 5
"""A batch takes at most this part of the receive window: written, waiting, checked and received ones all live in it."""

_COLLECT_AFTER = 50_000
"""Objects that may pile up before the garbage collector looks for cycles: some seconds at full speed."""


async def run(settings: IngestSettings, *, stop: asyncio.Event | None = None) -> None:
    """Receive, check, commit and acknowledge until a signal, or `stop`, asks for an orderly end.

    Raises:
        FatalError: database or broker refuse us, or the schema is of another version.
    """
    _relax_collector()
    await run_services(services(settings), grace=settings.grace_s, stop=stop)


def services(settings: IngestSettings) -> list[Service]:
    """All services of a worker, downstream first."""
    clock = DataClock(settings.clock)
    session = Session(settings.mqtt, settings.receive, settings.worker)
    directory = Directory(settings.database, LookLimit(settings.points_reload_s, asyncio.get_running_loop().time))
    statuses = StatusFollower(settings.database, clock, f"{settings.mqtt.host}:{settings.mqtt.port}")
    intake = Intake(_limits(settings), clock, _window(settings))
    batches: Channel[Due] = Channel(1)
    committed: Channel[Batch] = Channel(2)
    for name, queue in (("ingest_intake", intake), ("ingest_batches", batches), ("ingest_committed", committed)):
        watch_queue(name, queue)
    connections = [KeptConnection(settings.database, metrics.database_failed) for _ in range(settings.batch.writers)]
    cutter = Cutter(intake, directory, clock, settings.checks, batches)
    return [
        _health(settings, session),
        Upkeep(settings.database, settings.clock, settings.upkeep),
        RejectBounds(settings.database, clock, settings.rejects),
        directory,
        Follower(settings.database, settings.follow, clock, session.command),
        statuses,
        session,
        BrokerCheck(session, settings.mqtt, settings.receive, settings.worker),
        Acknowledger(committed),
        Writer(connections, Store(settings.worker, clock.now), batches, committed),
        cutter,
        IntakeGate(intake),
        *_http(settings, intake, cutter, statuses, clock),
        *_sparkplug(settings, intake, clock),
        Receiver(session, MqttCarrier(session, clock), intake, statuses),
    ]


def _http(
    settings: IngestSettings, intake: Intake, cutter: Cutter, statuses: StatusFollower, clock: DataClock
) -> list[Service]:
    own = settings.http
    if own is None:
        return []
    commands = Commands(settings.database)
    routes: dict[str, Handler] = {
        CSV_PATH: CsvUploads(settings.database, intake, cutter, clock, own.limits.bytes_per_s),
        ENTRIES_PATH: Entries(settings.database, clock, own.limits.bytes_per_s),
    }
    return [push_server(own, intake, statuses, clock, commands.commands_for, routes)]


def _sparkplug(settings: IngestSettings, intake: Intake, clock: DataClock) -> list[Service]:
    own = settings.sparkplug
    return sparkplug_services(own, settings.database, settings.mqtt, intake, clock) if own else []


def _relax_collector() -> None:
    """Spare the garbage collector what it would walk over in vain: a tenth and more of the work at full speed.

    What is loaded by now stays for good. What comes in, a few objects a message, dies by its reference count; cycles
    are rare, and are found a little later.
    """
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 10, 10)


def _limits(settings: IngestSettings) -> BatchLimits:
    return BatchLimits(
        readings=settings.batch.readings,
        messages=max(1, settings.receive.window // _WINDOW_SHARE),
        age=settings.batch.age_ms / 1000,
    )


def _window(settings: IngestSettings) -> int:
    """Most deliveries that all ways in together have unsettled; one of Sparkplug weighs a reading at least."""
    http = settings.http.limits.window + CSV_WINDOW if settings.http else 0
    return settings.receive.window + http + (settings.sparkplug.window if settings.sparkplug else 0)


def _health(settings: IngestSettings, session: Session) -> HealthServer:
    connection = KeptConnection(settings.database, metrics.database_failed)
    return HealthServer(settings.health, {"database": lambda: connection.once(ping), "broker": session.check})
