"""Puts the parts of the host application together."""

from __future__ import annotations

from energy.clocks import DataClock
from energy.services import Service
from energy.storage import StorageSettings
from energy.transport.mqtt import MqttSettings
from ingest.receiving.intake import Intake
from ingest.receiving.sparkplug.carrier import SparkplugCarrier
from ingest.receiving.sparkplug.directory import MappingDirectory
from ingest.receiving.sparkplug.host import Host
from ingest.receiving.sparkplug.lease import Lease
from ingest.receiving.sparkplug.network import Network
from ingest.receiving.sparkplug.presence import Presence
from ingest.receiving.sparkplug.settings import SparkplugSettings


def sparkplug_services(
    settings: SparkplugSettings, database: StorageSettings, mqtt: MqttSettings, intake: Intake, clock: DataClock
) -> list[Service]:
    """The services of the host, downstream first; `mqtt` is the broker where the settings name none."""
    presence = Presence(database)
    carrier = SparkplugCarrier(settings.window)
    network = Network(settings, carrier, presence)
    lease = Lease(database, settings.host_id)
    return [
        presence,
        MappingDirectory(database, network),
        Host(settings, settings.mqtt or mqtt, network, carrier, lease, intake, clock),
    ]
