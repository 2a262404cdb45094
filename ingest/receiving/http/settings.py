"""The `[http]` table: HTTP push; absent for none."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

import msgspec

from energy.config import Host, Positive
from ingest.receiving.http.tls import ServerTlsSettings

Prefix = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(/[A-Za-z0-9._~-]+)*\Z", description="a path without a slash at its end, such as /push, or empty"
    ),
]


class HttpLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The table `[http.limits]`. All times are real seconds.

    Attributes:
        window: envelopes that are taken before the first is committed.
        window_bytes: bytes that these may have together.
        gateway_window: how many of the window one gateway may have.
        connections: connections at once.
        requests_per_s: requests of one gateway, in the mean; five seconds' worth may come at once.
        bytes_per_s: bytes of one gateway, decompressed, likewise; uploaded files have as much again, and have to wait.
        strangers_per_s: requests without a valid proof from one address, likewise.
        first_request_s: within which a new connection has shown who it is.
        body_s: within which a body is there; a second more for each KiB that came.
        idle_s: after which a connection without a request is closed.
        answer_s: longest wait for the commit; shorter than a client's patience.
    """

    window: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 500
    window_bytes: Annotated[int, msgspec.Meta(ge=1 << 20)] = 64 << 20
    gateway_window: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 32
    connections: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 2_000
    requests_per_s: Positive = 100.0
    bytes_per_s: Annotated[int, msgspec.Meta(ge=1)] = 2_000_000
    strangers_per_s: Positive = 1.0
    first_request_s: Positive = 10.0
    body_s: Positive = 30.0
    idle_s: Positive = 75.0
    answer_s: Positive = 20.0


class HttpSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The table `[http]`: where gateways push to, and how they prove who they are.

    Attributes:
        port: 0 for any free one (the log tells which).
        host: the address to listen on.
        prefix: what stands before `/v1/readings`.
        shared_port: let other workers of this machine listen on the same port; the kernel shares the connections out.
        tls: our certificate, and whose certificates we believe.
        tokens_file: the gateways' tokens, as `quotawatt ingest token` makes them.
        allow_plain: take plain HTTP from other machines; whoever listens on the way reads everything, the tokens too.
    """

    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)]
    host: Host = "127.0.0.1"
    prefix: Prefix = ""
    shared_port: bool = False
    tls: ServerTlsSettings | None = None
    tokens_file: Path | None = None
    allow_plain: bool = False
    limits: HttpLimits = HttpLimits()

    def __post_init__(self) -> None:
        if _is_loopback(self.host):
            return
        if not self.proves:
            raise ValueError(
                "whoever reaches this host could send in any gateway's name: "
                "give tokens_file or tls.client_ca_file, or listen on 127.0.0.1"
            )
        if self.tls is None and not self.allow_plain:
            raise ValueError("plain HTTP from other machines needs allow_plain = true; better give tls")

    @property
    def proves(self) -> bool:
        """Whether a gateway has to prove who it is; otherwise its own word is believed, on the loopback alone."""
        return self.tokens_file is not None or (self.tls is not None and self.tls.client_ca_file is not None)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
