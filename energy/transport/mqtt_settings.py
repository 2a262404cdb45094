"""What a service says about its MQTT broker; pure values, no library."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Annotated

import msgspec

from energy.config import Host, read_secret
from energy.errors import SetupError

Seconds = Annotated[float, msgspec.Meta(gt=0)]


class TlsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The `[mqtt.tls]` table; its presence switches TLS on.

    Attributes:
        ca_file: whom to trust (PEM); the system's authorities without it.
        cert_file: our own certificate (PEM), where the broker asks for one.
        key_file: the key of `cert_file`.
    """

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    def __post_init__(self) -> None:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file belong together: give both or neither")


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
        if self.tls is None:
            return None
        try:
            context = ssl.create_default_context(cafile=self.tls.ca_file)
            if self.tls.cert_file is not None:
                context.load_cert_chain(self.tls.cert_file, self.tls.key_file)
        except (OSError, ssl.SSLError) as error:
            raise SetupError(
                f"the certificates of [mqtt.tls] cannot be used: {error}",
                advice="Check ca_file, cert_file and key_file: PEM files that the service's user may read.",
            ) from error
        return context


class Will(msgspec.Struct, frozen=True):
    """What the broker publishes (QoS 1) in our name when we are gone without a word."""

    topic: str
    payload: bytes
    retain: bool = False


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
