"""What the demo runs: which processes, on which ports, with which settings; all written below one directory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from alerts.settings import AlertsSettings
from collector.drivers.modbus.settings import ModbusMeter, ModbusTcpLine
from collector.settings import CollectorSettings, GatewaySettings, MeterBackoffSettings
from collector.spool.settings import SpoolSettings
from collector.uplink.settings import MqttPlatform, ReconnectSettings, ResendSettings, UplinkSettings
from deploy.demo.city import City
from deploy.demo.city_parts import CityGateway, gateways, simulator_settings
from deploy.demo.processes import Command, ProcessGroup
from deploy.demo.toml_files import write_settings
from deploy.stack import Endpoints, ports
from energy.clocks import ClockSettings
from energy.health import HealthSettings
from energy.storage import StorageSettings
from energy.transport.mqtt import MqttSettings
from ingest.accounting.settings import AccountingSettings
from ingest.receiving.mqtt.settings import ReceiveSettings
from ingest.settings import IngestSettings

_LOOPBACK = "127.0.0.1"
_DRAIN_S = 20.0
_UPLINK = UplinkSettings(
    resend=ResendSettings(first_s=3.0, most_s=10.0),  # the line is a loopback, and an hour lasts a second
    reconnect=ReconnectSettings(first_s=0.2, most_s=2.0),
    drain_s=_DRAIN_S,
    backlog_per_s=1_000.0,  # likewise
)


@dataclass(frozen=True)
class Setting:
    """What all processes of one run share.

    Attributes:
        city: the city.
        directory: where files of the run go.
        endpoints: broker and database; the database is this run's own.
        clock: data time.
        run: names this run on a broker that others may use: subscription group and client ids carry it.
        collectors: how many processes share the gateways.
        keep_confirmed: spools keep what is confirmed, for the audit.
    """

    city: City
    directory: Path
    endpoints: Endpoints
    clock: ClockSettings
    run: str
    collectors: int
    keep_confirmed: bool


class Layout:
    """The process groups of a run, downstream first, with their configuration files written."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._gateways = gateways(setting.city)
        self._ports = iter(ports.passing(4 + setting.collectors + len(self._gateways), int(setting.run, 16)))
        self._mqtt = MqttSettings(host=setting.endpoints.mqtt_host, port=setting.endpoints.mqtt_port)
        self._database = StorageSettings(setting.endpoints.dsn)
        self.log = setting.directory / "log" / "demo.log"
        self.spools = setting.directory / "spools"
        for path in (self.spools, setting.directory / "etc", setting.directory / "log"):
            path.mkdir(parents=True, exist_ok=True)
        self._modbus = {gateway.code: next(self._ports) for gateway in self._gateways}
        self.groups = [
            ProcessGroup("alerts", [self._alerts()]),
            ProcessGroup("accounting", [self._accounting()]),
            ProcessGroup("ingest", [self._ingest()]),
            ProcessGroup("simulators", [self._simulators()]),
            ProcessGroup("collectors", list(self._collectors())),
        ]

    def _alerts(self) -> Command:
        health = self._health()
        settings = AlertsSettings(self._database, self._setting.clock, health)
        return self._command("alerts", ("alerts", "run"), settings, health)

    def _accounting(self) -> Command:
        health = self._health()
        settings = AccountingSettings(self._database, self._setting.clock, health)
        return self._command("accounting", ("accounting", "run"), settings, health)

    def _ingest(self) -> Command:
        health = self._health()
        settings = IngestSettings(
            database=self._database,
            mqtt=self._mqtt,
            worker=f"ingest-{self._setting.run}",
            clock=self._setting.clock,
            health=health,
            receive=ReceiveSettings(group=f"demo-{self._setting.run}"),
        )
        return self._command("ingest", ("ingest", "run"), settings, health)

    def _simulators(self) -> Command:
        health = self._health()
        settings = simulator_settings(
            self._setting.city, host=_LOOPBACK, ports=self._modbus, clock=self._setting.clock, health=health
        )
        return self._command("simulators", ("simulate", "meters"), settings, health)

    def _collectors(self) -> Iterator[Command]:
        for number in range(self._setting.collectors):
            health = self._health()
            own = self._gateways[number :: self._setting.collectors]
            settings = CollectorSettings(
                platforms=(MqttPlatform(host=self._mqtt.host, port=self._mqtt.port),),
                clock=self._setting.clock,
                health=health,
                spool_dir=self.spools,
                spool=SpoolSettings(keep_confirmed=self._setting.keep_confirmed),
                uplink=_UPLINK,
                meter_backoff=MeterBackoffSettings(first_s=0.5, most_s=5.0),
                grace_s=_DRAIN_S + 10.0,
                gateways=tuple(self._gateway(gateway) for gateway in own),
            )
            yield self._command(f"collector-{number + 1}", ("collector", "run"), settings, health)

    def _gateway(self, gateway: CityGateway) -> GatewaySettings:
        line = ModbusTcpLine(
            host=_LOOPBACK,
            port=self._modbus[gateway.code],
            interval_s=gateway.interval_s,
            offset_s=gateway.offset_s,
            meters=tuple(
                ModbusMeter(point=meter.point, unit_id=meter.address, profile=meter.profile, ct=meter.ct, pt=meter.pt)
                for meter in gateway.meters
            ),
        )
        return GatewaySettings(code=gateway.code, region=gateway.region, lines=(line,))

    def _health(self) -> HealthSettings:
        return HealthSettings(host=_LOOPBACK, port=next(self._ports))

    def _command(self, name: str, command: Sequence[str], settings: msgspec.Struct, health: HealthSettings) -> Command:
        file = write_settings(self._setting.directory / "etc" / f"{name}.toml", settings)
        if health.port is None:
            raise ValueError(f"{name}: the demo asks every process for its health, so it needs a port")
        return Command(name, (*command, str(file)), health.port, self._setting.directory / "log" / f"{name}.log")
