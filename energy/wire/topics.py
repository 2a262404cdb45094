"""Topics: `qw/1/{region}/{gateway}/{up|ack|cmd|status}`.

The topic carries the version, the routing region (six digits of GB/T 2260) and the gateway. Which unit a gateway
belongs to is a dated fact of the registry and no part of the topic.
"""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

from energy.errors import WireError
from energy.wire.messages import VERSION, RefusalCode

_ROOT = f"qw/{VERSION}"
_REGION = re.compile(r"[0-9]{6}")
_TOPIC = re.compile(r"qw/([^/]*)/([^/]*)/([^/]*)/([^/]*)")
_GATEWAY = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class Kind(StrEnum):
    """The last level of a topic: what it carries, and in which direction."""

    UP = "up"
    """Envelopes, gateway to platform, QoS 1."""
    ACK = "ack"
    """Acknowledgements, platform to gateway, QoS 1."""
    COMMAND = "cmd"
    """Commands, platform to gateway, QoS 1."""
    STATUS = "status"
    """Status, gateway to platform, QoS 1, retained; also the last will."""


class Address(msgspec.Struct, frozen=True, order=True):
    """Where a gateway is reached.

    Attributes:
        region: routing region, six digits.
        gateway: the gateway's code: lower-case letters, digits and hyphens, at most 63, no hyphen first.

    Raises:
        ValueError: a part breaks its pattern.
    """

    region: str
    gateway: str

    def __post_init__(self) -> None:
        if not _REGION.fullmatch(self.region):
            raise ValueError(f"region {self.region!r}: six digits of GB/T 2260 expected")
        if not _GATEWAY.fullmatch(self.gateway):
            raise ValueError(f"gateway {self.gateway!r}: 1 to 63 of a-z, 0-9 and '-' expected, no '-' first")

    def topic(self, kind: Kind) -> str:
        """The gateway's topic of that kind."""
        return f"{_ROOT}/{self.region}/{self.gateway}/{kind}"

    @property
    def up(self) -> str:
        """Topic of the gateway's envelopes."""
        return self.topic(Kind.UP)

    @property
    def ack(self) -> str:
        """Topic of the acknowledgements to the gateway."""
        return self.topic(Kind.ACK)

    @property
    def command(self) -> str:
        """Topic of the commands to the gateway."""
        return self.topic(Kind.COMMAND)

    @property
    def status(self) -> str:
        """Topic of the gateway's status."""
        return self.topic(Kind.STATUS)


def parse_topic(topic: str) -> tuple[Address, Kind]:
    """Take a topic apart.

    Raises:
        WireError: the topic is none of ours (`malformed`) or of another version (`unsupported_version`).
    """
    match = _TOPIC.fullmatch(topic)
    if match is None:
        raise WireError(RefusalCode.MALFORMED, f"topic {topic!r}: qw/{VERSION}/REGION/GATEWAY/KIND expected")
    version, region, gateway, kind = match.groups()
    if version != str(VERSION):
        raise WireError(RefusalCode.UNSUPPORTED_VERSION, f"topic {topic!r}: version {VERSION} expected")
    try:
        return Address(region, gateway), Kind(kind)
    except ValueError as error:
        raise WireError(RefusalCode.MALFORMED, f"topic {topic!r}: {error}") from error


def shared_up(group: str) -> str:
    """The subscription by which the workers of `group` share all gateways' envelopes."""
    return f"$share/{group}/{_ROOT}/+/+/{Kind.UP}"


ALL_STATUS = f"{_ROOT}/+/+/{Kind.STATUS}"
"""Subscription to every gateway's status."""
