"""The `[receive]` table: how messages are taken from the broker."""

from __future__ import annotations

from typing import Annotated

import msgspec


class ReceiveSettings(msgspec.Struct, frozen=True):
    """The `[receive]` table.

    Attributes:
        group: name of the shared subscription; all workers of a platform have the same.
        window: messages that the broker sends before the first is acknowledged: bounds memory, makes back-pressure.
        session_expiry_s: real seconds for which the broker keeps messages for this worker while it is away; what the
            broker does not keep, the gateways send again.
        probe: try out at the start how many messages the broker has in flight and keeps, on the topic
            `qw/1/probe/{worker}`, and say so where it is too few.
    """

    group: Annotated[
        str, msgspec.Meta(pattern=r"^[^/+#\s]{1,64}\Z", description="1 to 64 characters without spaces, / + and #")
    ] = "ingest"
    window: Annotated[int, msgspec.Meta(ge=10, le=65_535)] = 2_000
    session_expiry_s: Annotated[int, msgspec.Meta(ge=0)] = 300
    probe: bool = True
