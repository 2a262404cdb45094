"""What is known of one edge node: its births, whether any message was missed, and when to ask for births again. Pure.

An alias or a missing datatype means what the last birth said, and that only as long as no message was missed since:
seq counts every message of the edge node and its devices from 0 to 255 and round again. What carries name and datatype
itself is understood always. Nothing is ever guessed: after a gap, births are asked for.

What no consumer can tell: a birth is lost and the message after it happens to have the number that was due.
"""

from __future__ import annotations

from typing import NamedTuple

from energy.errors import MessageError
from energy.sparkplug.payload import Metric, Payload
from energy.sparkplug.topics import Kind

NODE = ""
"""Stands for the edge node where a device is named."""

SEQS = 256
"""So many numbers there are; after 255 comes 0."""
_BD_SEQ = "bdSeq"
_GOOD, _STALE = 192, 500
"""The property `Quality` (Sparkplug 3.0, section 6.4.7); 0 is bad."""
_STEADY_S = 60.0
"""Real seconds that a birth has to hold until the next request is made as soon as the first."""


class Shown(NamedTuple):
    """What a metric shows.

    Attributes:
        device: whose; `NODE` for the edge node's own.
        name: of the metric.
        datatype: see `datatypes`.
        at: ms UTC.
        is_null: whether the metric says that it has no value, or none that is good.
        value: as it was transferred; None where the metric says that it has none.
        live: whether it is the present value, and neither one that was kept nor one that the edge node calls stale.
        is_stale: whether the edge node calls it stale: the last value that there was.
    """

    device: str
    name: str
    datatype: int
    at: int
    is_null: bool
    value: object
    live: bool
    is_stale: bool = False


class Heard(NamedTuple):
    """What a message told.

    Attributes:
        shown: the metrics that are understood.
        faults: what was not.
        dead: devices that are gone since, or `NODE` for all.
    """

    shown: list[Shown]
    faults: list[MessageError]
    dead: list[str]


class _Birth:
    """What a birth defines."""

    def __init__(self, payload: Payload) -> None:
        self.at = payload.timestamp
        self.datatypes = {one.name: one.datatype for one in payload.metrics if one.name and one.datatype is not None}
        self.names: dict[int, str | None] = {}
        for metric in payload.metrics:
            if metric.alias is not None and metric.name:
                # An alias that stands for two names stands for none.
                self.names[metric.alias] = None if metric.alias in self.names else metric.name


class EdgeNode:
    """One edge node with its devices. All times named `now` are real monotonic seconds.

    Args:
        first_s: shortest time between two requests for births.
        most_s: longest; the time doubles as long as births do not help.
    """

    def __init__(self, first_s: float = 10.0, most_s: float = 600.0) -> None:
        self._births: dict[str, _Birth] = {}
        self._seq: int | None = None
        self._bd_seq: object = None
        self._newest_birth = 0
        self._first_s, self._most_s, self._pause_s = first_s, most_s, first_s
        self._wanted = False
        self._asked_at: float | None = None
        self._born_at = 0.0

    @property
    def in_step(self) -> bool:
        """Whether the births are known and no message was missed since."""
        return self._seq is not None

    @property
    def due(self) -> int | None:
        """The seq of the next message; None when not in step."""
        return None if self._seq is None else (self._seq + 1) % SEQS

    @property
    def wants_birth(self) -> bool:
        """Whether births are to be asked for as soon as it is time."""
        return self._wanted

    def reconnected(self) -> None:
        """Messages may have been missed, and requests too."""
        self._asked_at = None
        self._pause_s = self._first_s
        self._miss()

    def rebirth_due(self, now: float) -> bool:
        """Whether to ask for births now; asking is noted."""
        if not self._wanted:
            return False
        if self._asked_at is not None:
            if self._asked_at < self._born_at < now - _STEADY_S:
                self._pause_s = self._first_s
            if now - self._asked_at < self._pause_s:
                return False
            self._pause_s = min(self._most_s, 2 * self._pause_s)
        self._asked_at = now
        return True

    def take(self, kind: Kind, device: str, payload: Payload, now: float) -> Heard:
        """What a message tells; `device` is `NODE` for the edge node's own."""
        if kind is Kind.NODE_DEATH:
            return self._node_death(payload)
        if kind is Kind.NODE_BIRTH:
            return self._node_birth(payload, now)
        if self.in_step and payload.seq == self._seq:
            return Heard([], [MessageError("repeated", f"seq {payload.seq} came twice")], [])
        self._count(payload)
        if kind is Kind.DEVICE_DEATH:
            self._births.pop(device, None)
            return Heard([], [], [device])
        if kind is Kind.DEVICE_BIRTH and self.in_step:
            self._births[device] = _Birth(payload)
        return self._metrics(device, payload, is_birth=kind is Kind.DEVICE_BIRTH)

    def skip(self, payload: Payload) -> None:
        """Count a message of a device whose metrics nobody wants."""
        if not (self.in_step and payload.seq == self._seq):
            self._count(payload)

    def _node_birth(self, payload: Payload, now: float) -> Heard:
        at = payload.timestamp or 0
        known = self._births.get(NODE)
        if known is not None and self.in_step and at == known.at and self._bd_seq == _bd_seq(payload):
            return Heard([], [MessageError("repeated", "the birth came twice")], [])
        older = at < self._newest_birth
        self._newest_birth = at
        if older:
            # One that comes late would give aliases the wrong meaning. Or the edge node's clock was set back: then the
            # next birth is newer than this one.
            self._miss()
            heard = self._metrics(NODE, payload, is_birth=True)
            heard.faults.append(MessageError("old_birth", "a birth older than the last one"))
            return heard
        self._births = {NODE: _Birth(payload)}
        self._bd_seq = _bd_seq(payload)
        self._seq = payload.seq
        self._wanted = payload.seq is None
        self._born_at = now
        return self._metrics(NODE, payload, is_birth=True)

    def _node_death(self, payload: Payload) -> Heard:
        """The will of an earlier connection may come after the birth of a later one: bdSeq tells which dies."""
        told = _bd_seq(payload)
        if None not in (told, self._bd_seq) and told != self._bd_seq:
            return Heard([], [MessageError("old_death", f"bdSeq {told} is not {self._bd_seq}")], [])
        self._births = {}
        self._seq = None
        self._wanted = False  # nobody is there to answer; the next birth comes by itself
        return Heard([], [], [NODE])

    def _miss(self) -> None:
        self._seq = None
        self._wanted = True

    def _count(self, payload: Payload) -> None:
        due = self.due
        if due is None or payload.seq != due:
            self._miss()
        else:
            self._seq = due

    def _metrics(self, device: str, payload: Payload, *, is_birth: bool) -> Heard:
        birth = self._births.get(device) if self.in_step else None
        if birth is not None and payload.timestamp is not None and payload.timestamp < (birth.at or 0):
            # Brokers keep the order of each topic only: this one was sent before the birth.
            self._miss()
            birth = None
        shown: list[Shown] = []
        faults: list[MessageError] = []
        for metric in payload.metrics:
            # A value of a birth without a time of its own may be of any age.
            at = metric.timestamp if is_birth or metric.is_historical else metric.timestamp or payload.timestamp
            try:
                name, datatype = _meaning(metric, birth)
            except MessageError as error:
                self._miss()
                faults.append(error)
                continue
            if at is not None:
                # No quality means good; what is bad or stale is the last value that there was, or a guess.
                is_null = metric.is_null or metric.quality not in (None, _GOOD)
                is_stale = metric.quality == _STALE
                live = not metric.is_historical and not is_stale
                value = None if metric.is_null else metric.value
                shown.append(Shown(device, name, datatype, at, is_null, value, live, is_stale))
        return Heard(shown, faults, [])


def _meaning(metric: Metric, birth: _Birth | None) -> tuple[str, int]:
    """Name and datatype of a metric; raises MessageError where they are not known for sure."""
    name = metric.name
    if name is None:
        if birth is None or metric.alias is None:
            raise MessageError("unborn", f"alias {metric.alias}: no birth is known, or a message was missed since")
        name = birth.names.get(metric.alias)
        if name is None:
            raise MessageError("alias", f"alias {metric.alias} stands for no metric, or for two")
    datatype = metric.datatype
    if datatype is None:
        datatype = birth.datatypes.get(name) if birth else None
        if datatype is None:
            raise MessageError("unborn", f"{name}: its datatype is not known")
    return name, datatype


def _bd_seq(payload: Payload) -> object:
    return next((one.value for one in payload.metrics if one.name == _BD_SEQ), None)
