"""The wire contract between gateways and the platform, version 1; `docs/wire-protocol.md` is its text.

`topics` says where a message goes, `messages` what is in it. Both ends use the same codec, and so does every test.
"""

from energy.wire.messages import (
    MAX_ENVELOPE_BYTES,
    MAX_ENVELOPE_READINGS,
    VERSION,
    Acknowledgement,
    Command,
    DroppedRange,
    Envelope,
    Refusal,
    RefusalCode,
    Status,
    decode_acknowledgement,
    decode_command,
    decode_envelope,
    decode_status,
    encode,
    encode_envelope,
    envelope_identity,
)
from energy.wire.topics import ALL_STATUS, Address, Kind, parse_topic, shared_up

__all__ = [
    "ALL_STATUS",
    "MAX_ENVELOPE_BYTES",
    "MAX_ENVELOPE_READINGS",
    "VERSION",
    "Acknowledgement",
    "Address",
    "Command",
    "DroppedRange",
    "Envelope",
    "Kind",
    "Refusal",
    "RefusalCode",
    "Status",
    "decode_acknowledgement",
    "decode_command",
    "decode_envelope",
    "decode_status",
    "encode",
    "encode_envelope",
    "envelope_identity",
    "parse_topic",
    "shared_up",
]
