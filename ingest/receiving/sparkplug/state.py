"""What a host application says of itself: `spBv1.0/STATE/{host id}` (Sparkplug 3.0, section 6.4.26). Pure."""

from __future__ import annotations

from typing import Annotated

import msgspec

from energy.wire.messages import LATEST_MS


class HostState(msgspec.Struct, frozen=True):
    """A birth (`online`) or death of a host; `timestamp` is ms UTC."""

    online: bool
    timestamp: Annotated[int, msgspec.Meta(ge=0, le=LATEST_MS)]


def state_topic(host_id: str) -> str:
    """Where a host's births and deaths are kept."""
    return f"spBv1.0/STATE/{host_id}"


def encode_state(state: HostState) -> bytes:
    """The payload: JSON with `online` and `timestamp`."""
    return msgspec.json.encode(state)


def decode_state(payload: bytes) -> HostState | None:
    """What a payload says; None where it is no state."""
    try:
        return msgspec.json.decode(payload, type=HostState)
    except msgspec.MsgspecError:
        return None
