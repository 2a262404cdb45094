"""What runs for each gateway: a store, an uplink, a poller for each line, a listener for each broker in the plant."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, NamedTuple

from collector.drivers.mqtt.listener import MqttListener
from collector.drivers.sparkplug.listener import SparkplugListener
from collector.drivers.sparkplug.settings import SparkplugListenerSettings
from collector.planning.learned_file import LearnedFile
from collector.process.lines import line_poller
from collector.process.parts import Blueprint, Part, Parts
from collector.process.store import Store, open_store
from collector.profiles.library import Library
from collector.settings import CollectorSettings, GatewaySettings, LineSettings, ListenerSettings
from collector.spool.estimate import Expected
from collector.spool.file import SpoolFile
from collector.spool.keeper import Keeper
from collector.spool.spool import Spool
from collector.uplink.uplink import Uplink
from energy.clocks import DataClock
from energy.errors import QuotawattError, SetupError, TransportError
from energy.wire import Address

_DAY_S = 86_400


class Plan(NamedTuple):
    """The blueprints of everything that a file wants to run."""

    stores: Mapping[Hashable, Blueprint[Store]]
    uplinks: Mapping[Hashable, Blueprint[Uplink]]
    keepers: Mapping[Hashable, Blueprint[Keeper]]
    sources: Mapping[Hashable, Blueprint[Part]]


class Changed(NamedTuple):
    """How many parts stopped and started, and why others could not be made."""

    stopped: int
    started: int
    faults: tuple[QuotawattError, ...]


class Gateways:
    """Everything that runs for the gateways of a file, as four services: stores, uplinks, keepers, sources.

    They stop the other way round: what the sources read last is on disk before the uplinks wait for its confirmation.

    Args:
        settings: the whole file.
        clock: data time.
        thread: executor of one thread: the spools share a disk, whose waiting is what takes the time.
    """

    def __init__(self, settings: CollectorSettings, clock: DataClock, thread: Executor) -> None:
        self._clock = clock
        self._thread = thread
        self._learned: dict[Path, LearnedFile] = {}
        plan = self._plan(settings)
        self.stores: Parts[Store] = Parts("spools", plan.stores)
        self.uplinks: Parts[Uplink] = Parts("uplinks", plan.uplinks)
        self.keepers: Parts[Keeper] = Parts("keepers", plan.keepers)
        self.sources: Parts[Part] = Parts("meters", plan.sources)

    async def change(self, settings: CollectorSettings) -> Changed:
        """Run what another file wants, touching only what differs.

        What cannot be made, because a spool is in use, say, does not keep the rest from running.

        Raises:
            ConfigError: a profile has faults; nothing was changed.
        """
        plan = self._plan(settings)
        layers: Sequence[tuple[Parts[Any], Mapping[Hashable, Blueprint[Any]]]] = (
            (self.stores, plan.stores),
            (self.uplinks, plan.uplinks),
            (self.keepers, plan.keepers),
            (self.sources, plan.sources),
        )
        stopped = [await parts.stop_changed(blueprints) for parts, blueprints in reversed(layers)]
        started = [await parts.start(blueprints) for parts, blueprints in layers]
        # All lines of a gateway whose spool is not open fail alike: said once.
        faults = {str(fault): fault for _, faults in started for fault in faults}
        return Changed(sum(stopped), sum(count for count, _ in started), tuple(faults.values()))

    async def check_online(self) -> None:
        """Raise TransportError while a gateway is not connected to the platform."""
        if offline := [uplink.gateway for uplink in self.uplinks.parts.values() if not uplink.online]:
            raise TransportError(f"not connected to the platform: {', '.join(offline)}")

    def _plan(self, settings: CollectorSettings) -> Plan:
        library = Library(settings.profile_dirs)
        gateways = {gateway.code: gateway for gateway in settings.gateways}
        return Plan(
            {code: self._store(gateway, settings) for code, gateway in gateways.items()},
            {code: self._uplink(gateway, settings) for code, gateway in gateways.items()},
            {code: self._keeper(gateway, settings) for code, gateway in gateways.items()},
            {
                (code, *key): blueprint
                for code, gateway in gateways.items()
                for key, blueprint in self._sources(gateway, settings, library)
            },
        )

    def _store(self, gateway: GatewaySettings, settings: CollectorSettings) -> Blueprint[Store]:
        async def make() -> Store:
            _make_directory(settings.spool_dir)
            file = SpoolFile(
                settings.spool_dir / f"{gateway.code}.sqlite3", settings.spool, classes=_wants_classes(settings)
            )
            spool = Spool(gateway.code, file, self._clock, self._thread, expected=expected(gateway))
            return await open_store(spool)

        return Blueprint(_store_settings(gateway, settings), make)

    def _uplink(self, gateway: GatewaySettings, settings: CollectorSettings) -> Blueprint[Uplink]:
        async def make() -> Uplink:
            spool = self._spool_of(gateway)
            address = Address(gateway.region, gateway.code)
            return Uplink(address, settings.platforms, settings.uplink, spool, self._clock)

        own = (gateway.region, settings.platforms, settings.uplink)
        return Blueprint((_store_settings(gateway, settings), own), make)

    def _keeper(self, gateway: GatewaySettings, settings: CollectorSettings) -> Blueprint[Keeper]:
        async def make() -> Keeper:
            return Keeper(self._spool_of(gateway), settings.spool.readings_per_envelope)

        return Blueprint(_store_settings(gateway, settings), make)

    def _spool_of(self, gateway: GatewaySettings) -> Spool:
        store = self.stores.parts.get(gateway.code)
        if store is None:
            raise SetupError(f"{gateway.code}: its spool is not open")
        return store.spool

    def _keeper_of(self, gateway: GatewaySettings) -> Keeper:
        keeper = self.keepers.parts.get(gateway.code)
        if keeper is None:
            raise SetupError(f"{gateway.code}: its spool is not open")
        return keeper

    def _learned_of(self, path: Path) -> LearnedFile:
        """One for each file, whatever is reloaded: two would write over each other."""
        if path not in self._learned:
            self._learned[path] = LearnedFile(path)
        return self._learned[path]

    def _sources(
        self, gateway: GatewaySettings, settings: CollectorSettings, library: Library
    ) -> Iterator[tuple[tuple[str, str], Blueprint[Part]]]:
        def polls(line: LineSettings) -> Blueprint[Part]:
            async def make() -> Part:
                return line_poller(
                    gateway.code,
                    line,
                    library,
                    self._keeper_of(gateway),
                    self._clock,
                    learned=self._learned_of(settings.learned_file(gateway)),
                    backoff=settings.meter_backoff,
                )

            profiles = tuple(library.load_any(meter.profile) for meter in line.meters)
            return Blueprint((_store_settings(gateway, settings), line, profiles, settings.meter_backoff), make)

        def listens(listener: ListenerSettings) -> Blueprint[Part]:
            async def make() -> Part:
                keep = self._keeper_of(gateway).keep
                if isinstance(listener, SparkplugListenerSettings):
                    return SparkplugListener(gateway.code, listener, keep, self._clock)
                return MqttListener(gateway.code, listener, keep, self._clock)

            return Blueprint((_store_settings(gateway, settings), listener), make)

        yield from ((("line", line.place), polls(line)) for line in gateway.lines)
        yield from (
            ((_kind(listener), f"{listener.host}:{listener.port}"), listens(listener)) for listener in gateway.listeners
        )


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SetupError(f"{path} cannot be made: {error.strerror}", advice="Check `spool_dir`.") from error


def _kind(listener: ListenerSettings) -> str:
    return str(listener.__struct_config__.tag)


def _store_settings(gateway: GatewaySettings, settings: CollectorSettings) -> object:
    """What decides on a gateway's spool; all that works on the spool changes with it."""
    return gateway.code, settings.spool_dir, settings.spool, _wants_classes(settings)


def _wants_classes(settings: CollectorSettings) -> bool:
    """Whether readings at the quarter hours are kept apart from the rest."""
    return settings.spool.policy == "thin" or settings.uplink.send == "borders"


def expected(gateway: GatewaySettings) -> Expected:
    """What the polled meters of a gateway bring; what listeners bring nobody knows beforehand."""
    per_day, together = 0.0, 1
    for line in gateway.lines:
        counts = [len(meter.points) + (meter.point is not None) for meter in line.meters]
        intervals = [meter.interval_s or line.interval_s for meter in line.meters]
        per_day += sum(count * _DAY_S / interval for count, interval in zip(counts, intervals, strict=True))
        together = max(together, sum(counts))
    return Expected(per_day, together)
