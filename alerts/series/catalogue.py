"""Every series that a rule may name, with its unit of measure and meaning in both languages."""

from __future__ import annotations

import msgspec

from alerts.rules.model import Subject


class Series(msgspec.Struct, frozen=True):
    """A named series of one kind of subject.

    Attributes:
        name: as rules write it.
        subject: of what.
        unit: unit of measure; 1 for shares and ratios, "" for flags (0 or 1).
        zh, en: what it says, as a sentence.
    """

    name: str
    subject: Subject
    unit: str
    zh: str
    en: str
