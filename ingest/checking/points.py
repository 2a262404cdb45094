"""Which points there are and who may write them, as arrays that a whole batch is checked against at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from energy.registry.store import PointKey
from ingest.checking.big_arrays import joined, placed, sorted_places, zeros
from ingest.checking.code_index import UNKNOWN, CodeIndex, CodeKeys, as_bytes
from ingest.checking.lineups import SHORTEST, Lineups
from ingest.checking.value_bounds import BoundClasses, ClassNumbers, ValueBounds


@dataclass(frozen=True, slots=True)
class PointTable:
    """A snapshot of the registered points; a point's position is its index into the arrays.

    Attributes:
        index: finds positions by code.
        ids: int32, point id by position.
        owners: int32, number of the gateway that may write the point, by position.
        classes: its bounds, a class of `bounds`, by position.
        bounds: the bounds of each class.
        gateways: gateway code to number.
        version: of the registry; 0 for none that was read.
        late: positions of points that were found one by one, behind those of the index.
        lineups: remembers positions, many at once.
    """

    index: CodeIndex
    ids: NDArray[np.int32]
    owners: NDArray[np.int32]
    classes: ClassNumbers
    bounds: ValueBounds
    gateways: Mapping[str, int]
    version: int = 0
    late: Mapping[str, int] = field(default_factory=dict)
    lineups: Lineups = field(default_factory=Lineups)

    @classmethod
    def of(cls, points: Iterable[tuple[str, int, str]]) -> PointTable:
        """Without bounds, from rows of (point code, point id, gateway code)."""
        rows = list(points)
        gateways = {gateway: number for number, gateway in enumerate(dict.fromkeys(row[2] for row in rows))}
        building = TableBuilder(CodeKeys.drawn(), len(rows))
        building.add(
            as_bytes([code for code, _, _ in rows]),
            np.array([point for _, point, _ in rows], np.int32),
            np.array([gateways[gateway] for _, _, gateway in rows], np.int32),
            np.full((len(rows), 3), np.nan),
        )
        return building.table(gateways, version=0)

    def __len__(self) -> int:
        return len(self.ids)

    def having(self, points: Mapping[str, PointKey]) -> PointTable:
        """This table with some more `points`, of codes that it does not have."""
        classes = BoundClasses(self.bounds.classes())
        new = list(points.values())
        numbers = classes.numbers(np.array([(p.low, p.high, p.max_rate) for p in new], np.float64).reshape(-1, 3))
        return replace(
            self,
            ids=joined(self.ids, np.array([p.point_id for p in new], np.int32)),
            owners=joined(self.owners, np.array([p.gateway_id for p in new], np.int32)),
            classes=joined(classes.narrowed(self.classes), classes.narrowed(numbers)),
            bounds=classes.bounds(),
            gateways={**self.gateways, **{p.gateway: p.gateway_id for p in new}},
            late={**self.late, **{code: len(self) + number for number, code in enumerate(points)}},
        )

    def found_late(self, codes: Iterable[str]) -> Mapping[str, PointKey]:
        """Those of its points that were found one by one and have these `codes`."""
        gateways = {number: code for code, number in self.gateways.items()}
        classes, found = self.bounds.classes(), {}
        for code in codes:
            at = self.late[code]
            owner = int(self.owners[at])
            found[code] = PointKey(int(self.ids[at]), owner, gateways[owner], *classes[int(self.classes[at])])
        return found

    def positions(self, lists: Sequence[Sequence[str]]) -> NDArray[np.int32]:
        """int32, the position of each code of each list, one after the other; `UNKNOWN` for one not registered."""
        parts: list[bytes] = []
        missing: list[tuple[int, bytes | None]] = []
        for number, codes in enumerate(lists):
            digest = self.lineups.digest(codes) if len(codes) >= SHORTEST else None
            part = self.lineups.get(digest, len(codes)) if digest else None
            if part is None:
                missing.append((number, digest))
            parts.append(part or b"")
        if missing:
            self._look_up(lists, parts, missing)
        return np.frombuffer(b"".join(parts), np.int32)

    def find(self, codes: Sequence[str]) -> NDArray[np.int32]:
        """int32, the position of each code, `UNKNOWN` for one that is not registered."""
        found = self.index.find(codes)
        if self.late:
            for number in np.flatnonzero(found == UNKNOWN).tolist():
                found[number] = self.late.get(codes[number], UNKNOWN)
        return found

    def _look_up(
        self, lists: Sequence[Sequence[str]], parts: list[bytes], missing: Sequence[tuple[int, bytes | None]]
    ) -> None:
        """Fill in the `missing` parts (list number, digest), all in one look."""
        found = self.find([code for number, _ in missing for code in lists[number]])
        start = 0
        for number, digest in missing:
            own = found[start : start + len(lists[number])]
            start += len(own)
            parts[number] = own.tobytes()
            if digest is not None and (own != UNKNOWN).all():
                self.lineups.remember(digest, parts[number])


class TableBuilder:
    """Builds a table from pieces in any order, in hardly more memory than the table takes: 23 bytes a point.

    Args:
        keys: what the codes are known by.
        count: how many points there will be.
    """

    def __init__(self, keys: CodeKeys, count: int) -> None:
        self._keys = keys
        self._filled = 0
        self._upper = zeros(count, np.uint64)
        self._lower = zeros(count, np.uint32)
        self._ids = zeros(count, np.int32)
        self._owners = zeros(count, np.int32)
        self._numbers: ClassNumbers = zeros(count, np.uint8)
        self._classes = BoundClasses()

    def add(
        self,
        codes: NDArray[np.bytes_],
        ids: NDArray[np.int32],
        owners: NDArray[np.int32],
        bounds: NDArray[np.float64],
    ) -> None:
        """Take a piece: codes as `as_bytes` makes them, and (low, high, max_rate) of each, NaN where there is none."""
        part = slice(self._filled, self._filled + len(ids))
        self._upper[part], self._lower[part] = self._keys.of(codes)
        self._ids[part] = ids
        self._owners[part] = owners
        numbers = self._classes.numbers(bounds)
        self._numbers = self._classes.narrowed(self._numbers)
        self._numbers[part] = numbers
        self._filled = part.stop

    def table(self, gateways: Mapping[str, int], version: int) -> PointTable:
        """The table; this builder is empty then.

        Raises:
            KeysCollideError: two codes have one key; draw others.
            ValueError: there were fewer points than announced.
        """
        if self._filled != len(self._ids):
            raise ValueError(f"{self._filled} of {len(self._ids)} points")
        upper, place = sorted_places(self._upper)
        self._upper = upper  # one column after the other: each frees the one before
        self._lower = placed(self._lower, place)
        self._ids = placed(self._ids, place)
        self._owners = placed(self._owners, place)
        self._numbers = placed(self._numbers, place)
        index = CodeIndex(self._keys, self._upper, self._lower)
        return PointTable(index, self._ids, self._owners, self._numbers, self._classes.bounds(), gateways, version)
