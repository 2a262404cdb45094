"""What a service says about its MQTT broker; pure values, no library."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Annotated

import msgspec

from energy.config import Host, read_secret
from energy.transport.tls import TlsSettings

Seconds = Annotated[float, msgspec.Meta(gt=0)]


class MqttSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The `[mqtt]` table.

    Attributes:
        host: name or address of the broker.
        port: 1883 by custom, 8883 with TLS.
        username: for brokers that want one.
        password_file: a file that holds the password and nothing else.
        client_id: empty for one that the service makes.
        keepalive: seconds of silence after which the line is tested; a dead one is noticed within twice that.
        timeout: longest wait, in seconds, for the broker to answer.
        tls: absent for a line without encryption.
    """

    host: Host = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 1883
    username: str | None = None
    password_file: Path | None = None
    client_id: str = ""
    keepalive: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 15
    timeout: Seconds = 10.0
    tls: TlsSettings | None = None

    def __post_init__(self) -> None:
        if self.password_file is not None and self.username is None:
            raise ValueError("password_file needs a username")

    def password(self) -> str | None:
        """Read the password anew, so that a changed one needs no restart; raises SetupError."""
        return read_secret(self.password_file) if self.password_file else None

    def tls_context(self) -> ssl.SSLContext | None:
        """The certificates, read anew; None without TLS. Raises SetupError where a file cannot be used."""
        return None if self.tls is None else self.tls.context(f"the MQTT broker at {self.host}:{self.port}")


class Will(msgspec.Struct, frozen=True):
    """What the broker publishes (QoS 1) in our name when we are gone without a word."""

    topic: str
    payload: bytes
    retain: bool = False


class BrokerLimits(msgspec.Struct, frozen=True):
    """What a broker of MQTT 5 says that it allows (CONNACK, section 3.2.2.3); the defaults are the standard's.

    Attributes:
        qos: the highest QoS that it takes.
        packet_bytes: the largest packet that it takes, None for no limit.
        receive_maximum: QoS 1 messages that it takes from us unconfirmed.
        retain: whether it keeps retained messages.
        shared_subscriptions: whether clients may share a subscription.
        session_expiry_s: seconds for which it keeps our session, None for as long as we asked.
    """

    qos: int = 2
    packet_bytes: int | None = None
    receive_maximum: int = 65_535
    retain: bool = True
    shared_subscriptions: bool = True
    session_expiry_s: int | None = None


class Message(msgspec.Struct, frozen=True, eq=False, gc=False):
    """A message that came in.

    Attributes:
        topic: where it was published.
        payload: as it was published.
        retain: whether the broker had kept it from earlier.
        qos: 0 or 1; only QoS 1 can be acknowledged.
        packet_id: numbers it until it is acknowledged; then the broker uses the number again.
    """

    topic: str
    payload: bytes
    retain: bool
    qos: int
    packet_id: int
