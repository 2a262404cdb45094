"""The broker's settings and rights of the operating guide: all that is needed works with them, and nothing else."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from pathlib import Path

import msgspec
import pytest
import structlog

from energy.errors import PermissionRefusedError
from energy.readings import Reading
from energy.registry.store import apply
from energy.storage import Pool, StorageSettings
from energy.transport.mqtt import MqttSettings, connect
from energy.wire import Address, encode_envelope
from tests.support import ingest_worker as worker
from tests.support.eventually import eventually
from tests.support.ingest_gateway import FakeGateway
from tests.support.ingest_world import START_MS
from tests.support.private_broker import private_broker

PAGE = (Path(__file__).parents[2] / "docs" / "operating.md").read_text(encoding="utf-8")
SETTINGS, RIGHTS = re.findall(r"^```\n((?:max_inflight|pattern).*?)^```", PAGE, re.DOTALL | re.MULTILINE)

OWN, OTHER = Address("610303", "gw-example-001"), Address("610303", "gw-example-002")
STREAM = "0" * 32


def protected(directory: Path) -> tuple[str, ...]:
    """Lines of a broker with the settings and rights of the page, and an account each for ingest and two gateways."""
    passwords, rights = directory / "passwords", directory / "rights"
    names = ("ingest", OWN.gateway, OTHER.gateway)
    passwords.write_text("".join(f"{name}:{digest(name)}\n" for name in names))
    rights.write_text(RIGHTS)
    for file in (passwords, rights):
        file.chmod(0o600)
    own = SETTINGS.replace("persistence true", f"persistence true\npersistence_location {directory}/")
    return (*own.splitlines(), "allow_anonymous false", f"password_file {passwords}", f"acl_file {rights}")


def digest(password: str) -> str:
    """As Mosquitto keeps it: salted SHA-512."""
    salt = b"twelve bytes"
    made = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 101)
    return f"$7$101${base64.b64encode(salt).decode()}${base64.b64encode(made).decode()}"


def account(broker: MqttSettings, directory: Path, name: str) -> MqttSettings:
    """The broker as `name` reaches it; the password is the name."""
    secret = directory / f"{name}-secret"
    secret.write_text(name)
    return msgspec.structs.replace(broker, username=name, password_file=secret)


async def test_a_platform_works_with_the_rights_of_the_page(
    tmp_path: Path, database: StorageSettings, pool: Pool
) -> None:
    """A worker finds no limit too low, and an envelope of a gateway is confirmed on its own topic."""
    async with pool.acquire() as connection:
        await apply(connection, worker.registry(OWN.gateway, 1))
    async with private_broker(tmp_path, *protected(tmp_path)) as broker:
        settings = worker.settings(database, account(broker, tmp_path, "ingest"))
        settings = msgspec.structs.replace(settings, receive=msgspec.structs.replace(settings.receive, probe=True))
        reading = Reading(f"{OWN.gateway}-0", START_MS, 1.5)
        gateway = FakeGateway(account(broker, tmp_path, OWN.gateway), OWN, STREAM, [[reading]])
        with structlog.testing.capture_logs() as logs:
            async with worker.running(settings), asyncio.timeout(30):
                await gateway.run()
                await eventually(lambda: any(line["event"] == "broker_probed" for line in logs))
        assert not [line for line in logs if line["event"] in {"broker_limit_low", "broker_not_probed"}]
    assert not gateway.refused
    assert await pool.fetchval("select count(*) from readings") == 1


async def test_a_gateway_can_do_nothing_in_the_name_of_another(tmp_path: Path) -> None:
    """It may not write another's envelopes or status, nor hear what another is told; ingest may send no readings."""
    async with private_broker(tmp_path, *protected(tmp_path)) as broker:
        envelope = encode_envelope(STREAM, 1, [Reading("P", START_MS, 1.0)])
        gateway = account(broker, tmp_path, OWN.gateway)
        ingest = account(broker, tmp_path, "ingest")
        for who, topic in ((gateway, OTHER.up), (gateway, OTHER.status), (gateway, OWN.ack), (ingest, OWN.up)):
            async with connect(who) as link:
                with pytest.raises(PermissionRefusedError, match="a message was refused"):
                    await link.publish(topic, envelope)
        async with connect(gateway, client_id="curious") as link, connect(ingest, client_id="ingest") as platform:
            for topic in ("qw/1/+/+/ack", "qw/1/+/+/cmd", "qw/1/+/+/up"):
                await link.subscribe(topic)
            for topic in (OTHER.ack, OTHER.command, OWN.ack):
                await platform.publish(topic, topic.encode())
            assert (await link.take()).payload == OWN.ack.encode()
