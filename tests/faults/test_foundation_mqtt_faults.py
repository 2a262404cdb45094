"""The MQTT link when the broker refuses, the line breaks or stands still."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import uuid
from pathlib import Path
from typing import Any

import msgspec
import pytest

from energy.errors import PermissionRefusedError, SetupError, TransportError
from energy.transport.mqtt import Link, MqttSettings, connect
from energy.transport.tls import TlsSettings
from tests.support.eventually import eventually, never_within
from tests.support.private_broker import private_broker
from tests.support.tcp_proxy import TcpProxy, tcp_proxy

TLS = Path(__file__).parent.parent / "support" / "tls"


def through(mqtt: MqttSettings, proxy: TcpProxy, **changes: object) -> MqttSettings:
    """The same broker, by way of the proxy."""
    return msgspec.structs.replace(mqtt, host=proxy.host, port=proxy.port, **changes)


async def end_of(link: Link) -> str:
    """Iterate until the link ends; returns why."""
    try:
        async with asyncio.timeout(10):
            async for _ in link.messages:
                pass
    except TransportError as error:
        return str(error)
    raise AssertionError("the iteration ended without an error")


async def open_and_close(settings: MqttSettings) -> None:
    """Connect once."""
    async with connect(settings):
        pass


async def test_a_lost_line_fails_at_once_all_that_waits(mqtt: MqttSettings) -> None:
    """Iteration, unconfirmed messages and later ones end with TransportError, long before any time-out."""
    topic = f"faults/{uuid.uuid4().hex}"
    async with tcp_proxy(mqtt.host, mqtt.port) as proxy, connect(through(mqtt, proxy, timeout=300.0)) as link:
        await link.subscribe(topic)
        proxy.stall()
        confirmation = link.send(topic, b"1")
        dropped = link.send(topic, b"2")
        publishing = asyncio.ensure_future(link.publish(topic, b"3"))
        reading = asyncio.ensure_future(end_of(link))
        await eventually(lambda: proxy.alive == 1)
        await proxy.cut()
        assert "the connection was lost" in await reading
        for waiting in (confirmation, publishing):
            with pytest.raises(TransportError, match="lost"):
                await waiting
        assert isinstance(dropped.exception(), TransportError)
        with pytest.raises(TransportError, match="lost"):
            link.send(topic, b"4")


async def test_messages_that_had_come_before_the_loss_can_still_be_taken(mqtt: MqttSettings) -> None:
    """What was received is not thrown away; only then does the iteration end."""
    topic = f"faults/{uuid.uuid4().hex}"
    async with tcp_proxy(mqtt.host, mqtt.port) as proxy, connect(through(mqtt, proxy)) as link:
        await link.subscribe(topic)
        for number in range(3):
            await link.publish(topic, b"%d" % number)
        await eventually(lambda: link.waiting == 3)
        proxy.drop_all()
        await eventually(lambda: not proxy.alive)
        assert [(await link.take()).payload for _ in range(3)] == [b"0", b"1", b"2"]
        assert "lost" in await end_of(link)


async def test_a_line_that_stands_still_is_noticed_by_the_keepalive(mqtt: MqttSettings) -> None:
    """Nothing arrives and nothing is closed: the link must find out by itself."""
    async with tcp_proxy(mqtt.host, mqtt.port) as proxy, connect(through(mqtt, proxy, keepalive=1)) as link:
        proxy.stall()
        assert "lost" in await end_of(link)


async def test_an_unconfirmed_message_times_out(mqtt: MqttSettings) -> None:
    """The broker that never confirms is a fault of the transport."""
    async with tcp_proxy(mqtt.host, mqtt.port) as proxy, connect(through(mqtt, proxy, timeout=0.2)) as link:
        proxy.stall()
        with pytest.raises(TransportError, match="did not confirm a message in time"):
            await link.publish("faults/x", b"1")
        with pytest.raises(TransportError, match="did not answer a subscription"):
            await link.subscribe("faults/x")


async def test_a_broker_that_never_answers_leaves_no_connection_behind(mqtt: MqttSettings) -> None:
    """A service that retries for days must not gather sockets."""
    async with tcp_proxy(mqtt.host, mqtt.port) as proxy:
        proxy.stall()
        for _ in range(3):
            with pytest.raises(TransportError, match="timed out"):
                await open_and_close(through(mqtt, proxy, timeout=0.1))
        assert proxy.connections == 3
        proxy.resume()
        await eventually(lambda: not proxy.alive)


async def test_a_cancelled_connect_leaves_no_connection_behind(mqtt: MqttSettings) -> None:
    """The thread that opens the socket cannot be stopped, but what it opens is closed."""
    async with tcp_proxy(mqtt.host, mqtt.port) as proxy:
        proxy.stall()
        connecting = asyncio.ensure_future(open_and_close(through(mqtt, proxy)))
        await eventually(lambda: proxy.alive)
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting
        proxy.resume()
        await eventually(lambda: not proxy.alive)


async def test_giving_up_on_a_broker_that_says_nothing_is_no_error(mqtt: MqttSettings) -> None:
    """A stop while the answer is awaited leaves no traceback in the log."""
    errors: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
    async with tcp_proxy(mqtt.host, mqtt.port) as proxy:
        proxy.stall()
        connecting = asyncio.ensure_future(open_and_close(through(mqtt, proxy)))
        await eventually(lambda: proxy.alive)
        await never_within(0.1, connecting.done)
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting
        await never_within(0.1, lambda: bool(errors))


async def test_a_connection_closed_before_its_answer_fails_without_waiting(mqtt: MqttSettings) -> None:
    """A broker that is going down closes the line; the time-out of minutes is not sat out."""
    async with tcp_proxy(mqtt.host, mqtt.port) as proxy:
        proxy.stall()
        connecting = asyncio.ensure_future(open_and_close(through(mqtt, proxy, timeout=300.0)))
        await eventually(lambda: proxy.alive)
        proxy.drop_all()
        async with asyncio.timeout(10):
            with pytest.raises(TransportError, match="closed the connection before accepting it"):
                await connecting


@pytest.fixture
def passwords(tmp_path: Path) -> Path:
    """A password file of Mosquitto with the user gw and the password geheim (salted SHA-512)."""
    salt = b"twelve bytes"
    digest = hashlib.pbkdf2_hmac("sha512", b"geheim", salt, 101)
    path = tmp_path / "passwords"
    path.write_text(f"gw:$7$101${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}\n")
    path.chmod(0o600)
    return path


async def test_refused_credentials_and_rights_need_a_person(tmp_path: Path, passwords: Path) -> None:
    """A wrong password, no password, a topic that may not be read or written: PermissionRefusedError with advice."""
    secret, wrong, rights = tmp_path / "secret", tmp_path / "wrong", tmp_path / "acl"
    secret.write_text("geheim\n")
    wrong.write_text("falsch\n")
    rights.write_text("user gw\ntopic readwrite mine/#\n")
    rights.chmod(0o600)
    lines = ("allow_anonymous false", f"password_file {passwords}", f"acl_file {rights}")
    async with private_broker(tmp_path, *lines) as nobody:
        stranger = msgspec.structs.replace(nobody, username="gw", password_file=wrong)
        for refused in (nobody, stranger):
            with pytest.raises(PermissionRefusedError, match="refused") as caught:
                await open_and_close(refused)
            assert "password_file" in caught.value.advice
        gateway = msgspec.structs.replace(stranger, password_file=secret)
        async with connect(gateway) as link:
            await link.subscribe("mine/1")
            await link.publish("mine/1", b"1")
            with pytest.raises(PermissionRefusedError, match="a message was refused"):
                await link.publish("others/1", b"1")


async def test_sending_past_the_brokers_receive_maximum_is_no_protocol_error(tmp_path: Path) -> None:
    """A broker that takes five at a time gets five at a time; all are confirmed, in order."""
    async with (
        private_broker(tmp_path, "allow_anonymous true", "max_inflight_messages 5") as broker,
        connect(broker) as link,
        connect(broker) as reader,
    ):
        await reader.subscribe("numbers")
        await asyncio.gather(*(link.send("numbers", b"%d" % number) for number in range(200)))
        assert [int((await reader.take()).payload) for _ in range(200)] == list(range(200))


# paho leaves the socket of a failed handshake to the garbage collector, which closes it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_line_with_tls_needs_a_certificate_that_we_trust(tmp_path: Path) -> None:
    """With the authority's file the line opens; without it, or with a file that is none, it does not."""
    lines = ("allow_anonymous true", f"certfile {TLS / 'server.pem'}", f"keyfile {TLS / 'server.key'}")
    async with private_broker(tmp_path, *lines) as plain:
        trusting = msgspec.structs.replace(plain, tls=TlsSettings(ca_file=TLS / "server.pem"))
        async with connect(trusting) as link:
            await link.publish("tls", b"1")
        with pytest.raises(TransportError, match="CERTIFICATE_VERIFY_FAILED"):
            await open_and_close(msgspec.structs.replace(plain, tls=TlsSettings()))
        with pytest.raises(SetupError, match=r"the MQTT broker at .* cannot be used"):
            await open_and_close(msgspec.structs.replace(plain, tls=TlsSettings(ca_file=tmp_path / "none")))
