"""The tables `[uplink]` and `[[platforms]]` of a collector's file."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from energy.backoff import BackoffSettings, Seconds
from energy.config import Host, NotNegative, Positive
from energy.transport.mqtt import MqttSettings
from energy.transport.tls import TlsSettings


class ResendSettings(BackoffSettings, frozen=True, kw_only=True):
    """The table `[uplink.resend]`."""

    first_s: Seconds = 30.0
    most_s: Seconds = 600.0


class ReconnectSettings(BackoffSettings, frozen=True, kw_only=True):
    """The table `[uplink.reconnect]`."""

    first_s: Seconds = 1.0
    most_s: Seconds = 60.0


class UplinkSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The table `[uplink]`: how envelopes are sent. All times are real seconds.

    Attributes:
        window: most unconfirmed envelopes of a gateway on the way.
        resend: when an envelope without confirmation is sent again.
        reconnect: when a platform that was lost is tried again.
        status_interval_s: how often the status is told although nothing changed.
        drain_s: how long an orderly stop waits for confirmations.
        backlog_per_s: envelopes a second of the backlog, beside those that are new.
        send: `all`, or only the `borders`: the readings nearest the quarter hours, for thin lines.
        rest_bytes_per_s: what a thin line spares for the other readings when no border waits; 0 keeps them until
            `send` is `all` again.
        switch_after: failures in a row until the next platform is tried.
        confirm_within_s: how long a platform may confirm nothing of what it was sent before that counts as a failure;
            only where there is another one.
        prefer_first_after_s: while another platform serves, the first one is tried again after so long, and taken back
            when it works.
        skew_warning_s: seconds by which our clock may differ from the platform's before we warn.
    """

    window: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 32
    resend: ResendSettings = ResendSettings()
    reconnect: ReconnectSettings = ReconnectSettings()
    status_interval_s: Positive = 60.0
    drain_s: NotNegative = 5.0
    backlog_per_s: Positive = 50.0
    send: Literal["all", "borders"] = "all"
    rest_bytes_per_s: NotNegative = 0.0
    switch_after: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 3
    confirm_within_s: Positive = 120.0
    prefer_first_after_s: Positive = 600.0
    skew_warning_s: Positive = 60.0


class MqttPlatform(MqttSettings, frozen=True, kw_only=True, tag="mqtt", tag_field="kind"):
    """A platform behind an MQTT broker: the table `[[platforms]]` with `kind = "mqtt"`."""

    @property
    def label(self) -> str:
        """Names it in logs."""
        return f"{'mqtts' if self.tls else 'mqtt'}://{self.host}:{self.port}"


class HttpsPlatform(msgspec.Struct, frozen=True, kw_only=True, tag="https", tag_field="kind"):
    """A platform that takes envelopes by HTTP POST: the table `[[platforms]]` with `kind = "https"`.

    Attributes:
        url: what stands before `/v1/readings`.
        token_file: a file that holds the bearer token and nothing else.
        tls: whom to trust, and our own certificate; the system's authorities without it.
        gzip: compress what is sent.
        connections: most requests at once, and so most envelopes on the way.
        timeout_s: longest wait, in real seconds, for an answer.
        allow_plain: let `http://` go to other machines; whoever listens on the way reads everything, the token too.
    """

    url: str
    token_file: Path | None = None
    tls: TlsSettings | None = None
    gzip: bool = False
    connections: Annotated[int, msgspec.Meta(ge=1, le=100)] = 4
    timeout_s: Positive = 30.0
    allow_plain: bool = False

    def __post_init__(self) -> None:
        if (fault := _url_fault(self.url)) is not None:
            raise ValueError(f"url {self.url!r}: {fault}")
        parts = urlsplit(self.url)
        if parts.scheme == "http":
            if self.tls is not None:
                raise ValueError("tls belongs to https:// only")
            if not self.allow_plain and not _is_loopback(parts.hostname or ""):
                raise ValueError(f"url {self.url!r}: http:// to another machine needs allow_plain = true")

    @property
    def label(self) -> str:
        """Names it in logs."""
        return self.url


Platform = MqttPlatform | HttpsPlatform
"""One platform address; several lead to one platform, in order of preference."""


_EXPECTED = "https://HOST[:PORT][/PATH] expected"


def _url_fault(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        port_is_one = parts.port != 0
        msgspec.convert(parts.hostname, Host)
    except msgspec.ValidationError:
        return _EXPECTED
    except ValueError as error:
        return str(error)
    if parts.scheme not in {"http", "https"} or not port_is_one or any(map(str.isspace, url)):
        return _EXPECTED
    if parts.query or parts.fragment or parts.username is not None:
        return "no query, no fragment and no password belong here"
    return None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
