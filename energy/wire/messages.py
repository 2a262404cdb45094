"""The messages of the wire contract as structs with their JSON codec.

Unknown members of an object are ignored, so that a later minor addition does not break an older receiver.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, TypeVar

import msgspec

from energy.errors import WireError
from energy.readings import Reading

VERSION = 1
"""Version of the contract, in every topic and message."""
MAX_ENVELOPE_READINGS = 1_000
"""Most readings of one envelope."""
MAX_ENVELOPE_BYTES = 262_144
"""Most bytes of one encoded envelope."""
MAX_COMMANDS = 16
"""Most commands in the answer to a status."""
LATEST_MS = 253_402_300_799_999
"""The last millisecond of the year 9999: times beyond it are beyond what databases and calendars know."""

Sequence = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
# `\Z`, since `$` would let a line end follow.
Stream = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}\Z")]


class RefusalCode(StrEnum):
    """Why ingest refused a message, an envelope or a reading; the list is closed, a receiver takes other words too."""

    MALFORMED = "malformed"
    """Not JSON, or a member is missing or of the wrong type."""
    UNSUPPORTED_VERSION = "unsupported_version"
    """`v` is not one that this platform speaks."""
    TOO_LARGE = "too_large"
    """More bytes or readings than an envelope may have."""
    UNKNOWN_POINT = "unknown_point"
    """No point of that code is registered."""
    NOT_OWNER = "not_owner"
    """The point belongs to another gateway."""
    FUTURE = "future"
    """Measured later than now plus the bound."""
    TOO_OLD = "too_old"
    """Measured earlier than the bound on age, or before 1970."""
    NOT_FINITE = "not_finite"
    """No finite value although the quality says that there is one, or a value although it says that there is none."""
    UNKNOWN_QUALITY = "unknown_quality"
    """The quality is no number of the list."""
    OUT_OF_RANGE = "out_of_range"
    """The value is not one that the point is registered to show."""
    STORAGE_REFUSED = "storage_refused"
    """The database refused this very reading."""


class Envelope(msgspec.Struct, frozen=True):
    """What a gateway sends: readings that were cut together once and never anew.

    Attributes:
        v: version of the contract.
        stream: 32 hexadecimal digits, made at random together with the spool.
        seq: number within the stream, from 1, going on across restarts; (gateway, stream, seq) identifies the envelope.
        readings: 1 to `MAX_ENVELOPE_READINGS`.
    """

    v: int
    stream: Stream
    seq: Sequence
    readings: list[Reading]


class Refusal(msgspec.Struct, frozen=True, omit_defaults=False):
    """One thing refused: a reading (`index` from 0), a whole envelope (`index` null), a message (`seq` null too).

    `code` is a `RefusalCode`. A platform of a later version may have others: who could not read these would not see
    what is confirmed beside them, and send for ever.
    """

    seq: int | None
    index: int | None
    code: str
    detail: str


class Acknowledgement(msgspec.Struct, frozen=True):
    """What ingest answers, for many envelopes of one stream at once.

    Attributes:
        v: version of the contract.
        stream: the stream; null only where a message's own could not be read.
        confirmed: numbers, in any order, with which ingest is done: the sender forgets them.
        refused: what of them was refused; everything else of a confirmed envelope is committed.
        at: data time at which ingest answered, ms UTC: shows a gateway that its clock is wrong.
    """

    v: int
    stream: str | None
    confirmed: list[int]
    refused: list[Refusal] = []
    at: Annotated[int, msgspec.Meta(ge=0, le=LATEST_MS)] | None = None


class DropReason(StrEnum):
    """Why a gateway dropped an envelope unconfirmed; a receiver takes other words too."""

    SIZE = "size"
    """The spool's bound on size."""
    AGE = "age"
    """Its bound on age."""
    THINNED = "thinned"
    """The bound on size, before what is nearer to the borders of quarter hours."""
    DAMAGED = "damaged"
    """The disk gave back other bytes than it had been given."""


class DroppedRange(msgspec.Struct, frozen=True):
    """Numbers `first` to `last`, inclusive, that the sender dropped unconfirmed: `reason` is a `DropReason`."""

    first: Sequence
    last: Sequence
    reason: str


class DroppedTotal(msgspec.Struct, frozen=True):
    """All that the sender dropped unconfirmed since the stream began, with how many readings were in it."""

    envelopes: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
    readings: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class Status(msgspec.Struct, frozen=True):
    """What a gateway tells of itself; the last will says only `online: false`.

    Attributes:
        v: version of the contract.
        online: false in the last will and at an orderly stop.
        stream: the present stream.
        kept_from: lowest number still kept unconfirmed, null when nothing is.
        last_seq: highest number ever assigned, 0 when none was.
        dropped: what was dropped, unconfirmed, in this stream: the newest ranges.
        at: data time of the report, ms UTC.
        dropped_total: all of it, also what `dropped` no longer names.
    """

    v: int
    online: bool
    stream: Stream | None = None
    kept_from: Sequence | None = None
    last_seq: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | None = None
    dropped: list[DroppedRange] = []
    at: Annotated[int, msgspec.Meta(ge=0, le=LATEST_MS)] | None = None
    dropped_total: DroppedTotal | None = None


class Command(msgspec.Struct, frozen=True):
    """What the platform asks of a gateway: send the envelopes of `ranges` (inclusive pairs) of `stream` again."""

    v: int
    command: Literal["resend"]
    stream: Stream
    ranges: list[tuple[Sequence, Sequence]]


class StatusAnswer(msgspec.Struct, frozen=True):
    """The answer to a status that came by HTTP: commands, not decoded yet, so that an unknown one spoils no other."""

    v: int
    commands: Annotated[list[msgspec.Raw], msgspec.Meta(max_length=MAX_COMMANDS)] = []


class _Identity(msgspec.Struct):
    """Just enough of an envelope to answer its sender."""

    stream: Stream
    seq: Sequence


class _Version(msgspec.Struct):
    """What every version of a message has: a later one may have any other shape."""

    v: int


Message = Envelope | Acknowledgement | Status | Command | StatusAnswer
M = TypeVar("M", bound=Message)

_encoder = msgspec.json.Encoder()
_envelope = msgspec.json.Decoder(Envelope)
_identity = msgspec.json.Decoder(_Identity)
_version = msgspec.json.Decoder(_Version)
_acknowledgement = msgspec.json.Decoder(Acknowledgement)
_status = msgspec.json.Decoder(Status)
_command = msgspec.json.Decoder(Command)
_status_answer = msgspec.json.Decoder(StatusAnswer)


def encode(message: Message) -> bytes:
    """Any message as UTF-8 JSON."""
    return _encoder.encode(message)


def encode_envelope(stream: str, seq: int, readings: list[Reading]) -> bytes:
    """An envelope as UTF-8 JSON.

    Raises:
        WireError: it would have no reading, or more readings or bytes than allowed (`too_large`).
    """
    _check_count(len(readings))
    body = _encoder.encode(Envelope(VERSION, stream, seq, readings))
    _check_size(body)
    return body


def decode_envelope(body: bytes) -> Envelope:
    """An envelope from UTF-8 JSON; readings' contents are checked by ingest, not here.

    Raises:
        WireError: with `malformed`, `unsupported_version` or `too_large`.
    """
    _check_size(body)
    envelope = _decode(_envelope, body)
    _check_count(len(envelope.readings))
    return envelope


def envelope_identity(body: bytes) -> tuple[str, int] | None:
    """(stream, seq) of an envelope that did not decode, as far as they can be read: to answer its sender."""
    try:
        identity = _identity.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return identity.stream, identity.seq


def decode_acknowledgement(body: bytes) -> Acknowledgement:
    """An acknowledgement from UTF-8 JSON.

    Raises:
        WireError: with `malformed` or `unsupported_version`.
    """
    return _decode(_acknowledgement, body)


def decode_status(body: bytes) -> Status:
    """A status from UTF-8 JSON.

    Raises:
        WireError: with `malformed` or `unsupported_version`.
    """
    return _decode(_status, body)


def decode_command(body: bytes) -> Command:
    """A command from UTF-8 JSON.

    Raises:
        WireError: with `malformed` or `unsupported_version`.
    """
    return _decode(_command, body)


def decode_status_answer(body: bytes) -> StatusAnswer:
    """The answer to a status from UTF-8 JSON.

    Raises:
        WireError: with `malformed` or `unsupported_version`.
    """
    return _decode(_status_answer, body)


def _decode(decoder: msgspec.json.Decoder[M], body: bytes) -> M:
    try:
        message = decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        _check_version(_version_of(body))
        raise WireError(RefusalCode.MALFORMED, str(error)) from error
    _check_version(message.v)
    return message


def _version_of(body: bytes) -> int:
    """The version of a message that is not of ours, as far as it can be read."""
    try:
        return _version.decode(body).v
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return VERSION


def _check_version(version: int) -> None:
    if version != VERSION:
        raise WireError(RefusalCode.UNSUPPORTED_VERSION, f"version {version}: this platform speaks {VERSION}")


def _check_count(count: int) -> None:
    if count == 0:
        raise WireError(RefusalCode.MALFORMED, "an envelope carries at least one reading")
    if count > MAX_ENVELOPE_READINGS:
        raise WireError(RefusalCode.TOO_LARGE, f"{count} readings: at most {MAX_ENVELOPE_READINGS}")


def _check_size(body: bytes) -> None:
    if len(body) > MAX_ENVELOPE_BYTES:
        raise WireError(RefusalCode.TOO_LARGE, f"{len(body)} bytes: at most {MAX_ENVELOPE_BYTES}")
