"""Every series that a rule may name, with its unit of measure and meaning in both languages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from alerts.rules.model import Subject


class Series(msgspec.Struct, frozen=True):
    """A named series of one kind of subject.

    Attributes:
        name: as rules write it.
        subject: of what.
        unit: unit of measure; 1 for shares and ratios, "" for flags (0 or 1), "any" where it depends on the row (the
            amounts of a quota are in its measure's unit).
        zh, en: what it says, as a sentence.
    """

    name: str
    subject: Subject
    unit: str
    zh: str
    en: str


class Catalogue:
    """All series and text labels, by kind of subject.

    Args:
        series: from the modules that read them.
        labels: the names of the text labels of each kind of subject.

    Raises:
        ValueError: a name is given twice to a kind of subject.
    """

    def __init__(self, series: Iterable[Series], labels: Mapping[Subject, Iterable[str]]) -> None:
        self._series: dict[tuple[str, str], Series] = {}
        self._labels = {subject: tuple(names) for subject, names in labels.items()}
        taken = {(subject, name) for subject, names in self._labels.items() for name in names}
        for one in series:
            key = (one.subject, one.name)
            if key in self._series or key in taken:
                raise ValueError(f"the {one.subject} has {one.name} twice")
            self._series[key] = one

    def __iter__(self) -> Iterator[Series]:
        return iter(self._series.values())

    def find(self, subject: Subject, name: str) -> Series | None:
        """The series of a kind of subject by its name."""
        return self._series.get((subject, name))

    def units(self, subject: Subject) -> dict[str, str]:
        """The unit of measure of every series of a kind of subject, by name."""
        return {one.name: one.unit for one in self if one.subject == subject}

    def labels(self, subject: Subject) -> tuple[str, ...]:
        """The names of the text labels of a kind of subject."""
        return self._labels.get(subject, ())
