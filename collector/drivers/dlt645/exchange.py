"""What to ask a DL/T 645-2007 meter for the wanted values, and what its answers mean. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from collector.drivers.dlt645.frames import ReadData
from collector.drivers.line import Answer, Outcome
from collector.drivers.meters import Sent
from collector.errors import RegisterError
from collector.profiles.conversion import Conversion
from collector.profiles.dlt645 import DataItem, Dlt645Profile
from energy.errors import RejectedError
from energy.readings import Quality, Reading

MOST_BLOCK: Final = 2000
"""Bytes of the longest block that is taken: 64 values of 8 bytes, and as much again for what makers add."""


class Wanted(NamedTuple):
    """One item, the point under which it is sent, and the way from its digits to the point's unit of measure."""

    item: DataItem
    point: str
    conversion: Conversion


class Dlt645Exchange:
    """One request, and the items that its answer brings.

    Args:
        block: the block that is asked for; None for the one item alone.
        wanted: the items, in the order of their readings.
    """

    def __init__(self, block: str | None, wanted: Sequence[Wanted]) -> None:
        self._block = block
        self._wanted = tuple(wanted)
        if block is not None:
            # A meter of two tariffs sends a short block: that costs the values that it does not have, and no other.
            self._request = ReadData(block, min(want.item.block_end for want in wanted), MOST_BLOCK)
        else:
            (want,) = wanted
            self._request = ReadData(want.item.data_id or "", want.item.length, want.item.length)

    @property
    def request(self) -> ReadData:
        """What to ask."""
        return self._request

    @property
    def points(self) -> Sequence[str]:
        """The points that it brings."""
        return [want.point for want in self._wanted]

    def take(self, answer: Answer) -> Outcome:
        """The readings in an answer, in base units of measure, CT x PT applied; one bad value costs no other."""
        readings: list[Reading] = []
        faults: list[RejectedError] = []
        for want in self._wanted:
            try:
                data = answer.data if self._block is None else want.item.within(answer.data)
                readings.append(_reading(want, data, answer.at))
            except RegisterError as error:
                faults.append(error)
        return Outcome(readings, faults)

    def apart(self) -> list[Dlt645Exchange]:
        """The same items one by one, those that only the block brings left in it; none where nothing is gained."""
        if self._block is None:
            return []
        alone = [Dlt645Exchange(None, [want]) for want in self._wanted if want.item.data_id is not None]
        rest = [want for want in self._wanted if want.item.data_id is None]
        return [*alone, Dlt645Exchange(self._block, rest)] if alone and rest else alone


class Dlt645Requests:
    """What a meter is asked; a block that it refuses is not asked for again.

    Args:
        exchanges: what to ask at first.
    """

    def __init__(self, exchanges: Sequence[Dlt645Exchange]) -> None:
        self._exchanges = list(exchanges)

    @property
    def exchanges(self) -> Sequence[Dlt645Exchange]:
        """The present ones, in the order of asking."""
        return self._exchanges

    @property
    def refused(self) -> Sequence[str]:
        """None is left out: each refusal is noted when it comes."""
        return ()

    def replace(self, refused: Dlt645Exchange) -> Sequence[Dlt645Exchange]:
        """What to ask instead of a block that the meter does not have: its items, one by one."""
        smaller = refused.apart()
        if smaller and refused in self._exchanges:
            place = self._exchanges.index(refused)
            self._exchanges[place : place + 1] = smaller
        return smaller

    def answered(self, exchange: Dlt645Exchange) -> None:
        """Nothing is learned from an answer."""


def exchanges(profile: Dlt645Profile, sent: Mapping[str, Sent]) -> list[Dlt645Exchange]:
    """The fewest requests that bring the wanted values: a block where it brings two or more, else one for each.

    Args:
        profile: of the meter.
        sent: the values that are sent, by the profile's name.

    Raises:
        KeyError: the profile has no value of a name.
    """
    groups: dict[str, list[Wanted]] = {}
    for name, one in sent.items():
        item = profile.item(name)
        groups.setdefault(item.block or f"{item.data_id} alone", []).append(Wanted(item, one.point, one.conversion))
    return [exchange for wanted in groups.values() for exchange in _group(wanted)]


def _group(wanted: Sequence[Wanted]) -> list[Dlt645Exchange]:
    block = wanted[0].item.block
    if block is not None and (len(wanted) > 1 or wanted[0].item.data_id is None):
        return [Dlt645Exchange(block, wanted)]
    return [Dlt645Exchange(None, [want]) for want in wanted]


def _reading(want: Wanted, data: bytes, at: int) -> Reading:
    raw = want.item.decode(data)
    if raw is None:
        return Reading(want.point, at, None, Quality.NOT_AVAILABLE)
    return Reading(want.point, at, want.conversion.apply(raw))
