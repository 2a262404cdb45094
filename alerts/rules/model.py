"""A rule: when it is raised, when it clears, how long each must last, and how loudly it speaks."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

from alerts.verdicts import Colour

Subject: TypeAlias = Literal["quota", "unit", "meter"]
"""What a rule looks at: each quota in each of its periods, each unit, each meter."""
Seconds: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What people read, in both languages; `{name}` stands for a series or a label of the subject."""

    zh: str
    en: str


class Timing(msgspec.Struct, frozen=True):
    """How long conditions must last, in seconds of data time.

    Attributes:
        for_s: the condition must hold this long before the alert fires; repeated looks at the same data never add up to
            it.
        keep_firing_s: the alert goes on firing for so long after its condition has cleared.
        keep_closed_s: an alert of a period goes on firing for so long after the period's end, so that the next shift
            sees it.
        escalate_s: an alert that nobody has acknowledged escalates after so long; 0 for never.
    """

    for_s: Seconds = 0
    keep_firing_s: Seconds = 0
    keep_closed_s: Seconds = 0
    escalate_s: Seconds = 0


class Rule(msgspec.Struct, frozen=True):
    """One rule over every subject of a kind.

    Attributes:
        code: unique among all rules, stable: an alert is known by rule, subject and period.
        version: a digest of everything that decides, so that evidence can say by which text it was judged.
        subject: what it looks at.
        when: expression that raises it.
        clear: expression that clears it (hysteresis); empty: it clears when `when` no longer holds.
        timing: how long.
        severity, colour: how loudly; `severity` "band" takes both from the band of the quota that is reached.
        corrects: the condition cannot end by itself before its period does, so that an end is a correction (what was
            used of a quota does not shrink); both figures are shown then.
        every_s: least data time between two evaluations; 0: whenever totals change.
        where: labels that subjects must have, each with the values accepted; `*` at the end of one stands for any rest.
        labels: added to the alert.
        message: what people read.
        excepting: labels that subjects must not have, each with the values refused.
        parameters: the names by which a file may change figures that stand in the conditions and messages.
    """

    code: str
    version: str
    subject: Subject
    when: str
    clear: str
    timing: Timing
    severity: str  # a Severity, or "band": msgspec decodes no union of the two, and evidence carries rules
    colour: Colour
    corrects: bool
    every_s: int
    where: dict[str, tuple[str, ...]]
    labels: dict[str, str]
    message: Message
    excepting: dict[str, tuple[str, ...]] = {}
    parameters: dict[str, float] = {}
