"""The trap of a broker's low limits: it acknowledges what it then drops. Ingest finds them out at its start."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import structlog

from energy.errors import SetupError
from energy.storage import StorageSettings
from energy.transport.mqtt import BrokerLimits, MqttSettings, connect
from energy.transport.mqtt_refusals import refusal
from ingest.receiving.mqtt import broker_check
from ingest.receiving.mqtt.broker_limits import announced, probed, require
from ingest.receiving.mqtt.probe import Probed, probe
from ingest.receiving.mqtt.settings import ReceiveSettings
from tests.support import ingest_worker as worker
from tests.support.eventually import eventually
from tests.support.private_broker import private_broker

OPEN = "allow_anonymous true"
RECEIVE = ReceiveSettings()


async def test_the_usual_limits_of_mosquitto_are_found(tmp_path: Path) -> None:
    """1 000 messages are kept, what goes beyond was acknowledged to its sender, and is gone.

    The other default, 20 in flight, holds for what we publish; to a client of MQTT 5 it sends what that one asks for.
    """
    async with private_broker(tmp_path, OPEN) as mqtt:
        found = await probe(mqtt, "worker-1")
        assert found == Probed(in_flight=1_000, kept=1_000, sent=2_500)
        assert [one.limit for one in probed(found, RECEIVE)] == ["queued"]
        async with connect(mqtt) as link:
            assert [one.limit for one in announced(link.limits, RECEIVE)] == ["receive_maximum"]


async def test_the_stack_has_no_such_limits(mqtt: MqttSettings) -> None:
    """What `quotawatt stack` writes into the broker's settings is enough, and the probe leaves nothing behind."""
    for _ in range(2):
        found = await probe(mqtt, "worker-2")
        assert found == Probed(2_500, 2_500, 2_500)
        assert not list(probed(found, RECEIVE))
    async with connect(mqtt, client_id="worker-2-probe", clean_start=False) as link:
        assert not link.session_present


async def test_the_worker_says_what_is_too_low(tmp_path: Path, database: StorageSettings) -> None:
    """Each limit is one line of the log, with what was found, what is wanted, and what to set."""
    lines = (OPEN, "max_inflight_messages 7", "max_queued_messages 50", "max_packet_size 20000")
    async with private_broker(tmp_path, *lines) as mqtt:
        settings = worker.settings(database, mqtt)
        settings = msgspec.structs.replace(settings, receive=msgspec.structs.replace(settings.receive, probe=True))
        with structlog.testing.capture_logs() as logs:
            async with worker.running(settings):
                await eventually(lambda: any(line["event"] == "broker_probed" for line in logs))
    told = {line["limit"]: line["found"] for line in logs if line["event"] == "broker_limit_low"}
    assert told == {"packet_bytes": 20_000, "receive_maximum": 7, "queued": 50}
    assert all(line["effect"] for line in logs if line["event"] == "broker_limit_low")


async def test_a_broker_that_does_not_allow_the_probe_is_worked_with(tmp_path: Path, database: StorageSettings) -> None:
    """Access rules need not know of the topic."""
    rules = tmp_path / "rules"
    rules.write_text("topic readwrite qw/1/+/+/+\n")
    rules.chmod(0o600)
    async with private_broker(tmp_path, OPEN, f"acl_file {rules}") as mqtt:
        settings = worker.settings(database, mqtt)
        settings = msgspec.structs.replace(settings, receive=msgspec.structs.replace(settings.receive, probe=True))
        with structlog.testing.capture_logs() as logs:
            async with worker.running(settings):
                await eventually(lambda: any(line["event"] == "broker_not_probed" for line in logs))


async def test_a_broker_that_knows_our_name_alone_is_worked_with(
    database: StorageSettings, mqtt: MqttSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a one (reason code 133) refuses the probe's clients, and not us: a person is told, and nothing stops."""

    async def refused(*_: object) -> None:
        raise refusal("the connection", 133)

    monkeypatch.setattr(broker_check, "probe", refused)
    settings = worker.settings(database, mqtt)
    settings = msgspec.structs.replace(settings, receive=msgspec.structs.replace(settings.receive, probe=True))
    with structlog.testing.capture_logs() as logs:
        async with worker.running(settings):
            await eventually(lambda: any(line["event"] == "broker_not_probed" for line in logs))


async def test_a_broker_without_qos_1_is_refused(tmp_path: Path) -> None:
    """Nothing could be acknowledged after its commit."""
    async with private_broker(tmp_path, OPEN, "max_qos 0") as mqtt, connect(mqtt) as link:
        with pytest.raises(SetupError, match="QoS 0"):
            require(link.limits)


def test_what_a_broker_announces_is_compared() -> None:
    """Each limit below what is wanted is one finding; the standard's defaults are none."""
    assert not list(announced(BrokerLimits(), RECEIVE))
    low = BrokerLimits(packet_bytes=1_000, receive_maximum=5, retain=False, session_expiry_s=10)
    assert [one.limit for one in announced(low, RECEIVE)] == [
        "packet_bytes",
        "receive_maximum",
        "session_expiry_s",
        "retain",
    ]  # fmt: skip - one list
    with pytest.raises(SetupError, match="shared"):
        require(BrokerLimits(shared_subscriptions=False))
    require(BrokerLimits())


def test_what_was_tried_out_is_compared() -> None:
    """A broker that stops before the window is full bounds the throughput; one that sends all it keeps does not."""
    assert [one.limit for one in probed(Probed(20, 2_500, 2_500), RECEIVE)] == ["in_flight"]
    assert [one.limit for one in probed(Probed(20, 120, 2_500), RECEIVE)] == ["in_flight", "queued"]
    assert not list(probed(Probed(2_000, 2_500, 2_500), RECEIVE))
