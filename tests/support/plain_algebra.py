"""The rules of counter algebra once more, plainly, one reading at a time: what the vectorised code is held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

FURTHEST = 3
ZEROS = 6
_NEVER = ZEROS + 1


@dataclass(frozen=True)
class Register:
    """What the rules look at, in quanta and ms; None where not known."""

    wrap: int | None = None
    fastest: Fraction | None = None
    """Quanta per ms."""
    net: bool = False
    gap: int = 1_800_000
    """Readings further apart than so many ms leave a gap."""

    def most(self, span: int) -> Fraction | None:
        """The most that it counts in `span` ms."""
        return None if self.fastest is None else self.fastest * span * Fraction(12, 10)


def over_the_top(old: int, new: int, register: Register) -> bool:
    """From the last tenth of the range to the first."""
    top = register.wrap
    if top is None:
        return False
    if old <= top and old > Fraction(9, 10) * top and 0 <= new < Fraction(1, 10) * top:
        return True
    half = Fraction(top, 2)
    return old <= half and old > Fraction(4, 10) * top and -half <= new < Fraction(-4, 10) * top


def advance(old: int, new: int, span: int, register: Register) -> tuple[int | None, str]:  # noqa: PLR0911 - one a rule
    """What is counted, None where not known, and the name of the rule."""
    most, delta, top = register.most(span), new - old, register.wrap
    if register.net:
        if top is not None and top < 2 * abs(delta) < 2 * top:
            delta += -top if delta > 0 else top
        if most is not None and abs(delta) > most and 0 in {old, new}:
            return (None, "unexplained") if old == 0 else (0, "reset")
        return delta, ""
    if delta >= 0:
        return (None, "unexplained") if old == 0 and most is not None and delta > most else (delta, "")
    restarts = 0 <= new * 10 < old and (most is None or new <= most)
    if top is not None:
        over = delta + top
        better = restarts and most is not None and most < over
        near = most is not None and 0 <= over <= most and 2 * over <= top and not (restarts and span > register.gap)
        if (over_the_top(old, new, register) and not better) or near:
            return over, "wrap"
    if restarts:
        return new, "reset"
    if -delta <= most if most is not None else -delta * 100 <= old:
        return delta, "reversed"
    return None, "unexplained"


def aside(shown: Sequence[tuple[int, int]], register: Register) -> set[int]:
    """The indices of the readings, (ms, quanta), that are set aside."""
    out: set[int] = set()
    for i in range(len(shown) - 1):
        out |= _leaving(shown, i, register) if register.net else _falling(shown, i, register)
    for i in list(out):
        run = [i]
        while run[-1] + 1 in out:
            run.append(run[-1] + 1)
        while run[0] - 1 in out:
            run.insert(0, run[0] - 1)
        if not _brief([shown[index][1] for index in run]):
            out -= set(run)
    return out


def _brief(values: Sequence[int]) -> bool:
    """Whether these, in a row, can be set aside."""
    return len(values) <= (ZEROS if not any(values) else FURTHEST)


def _falling(shown: Sequence[tuple[int, int]], i: int, register: Register) -> set[int]:
    values = [quanta for _, quanta in shown]
    old, new = values[i], values[i + 1]
    if new >= old:
        return set()
    dip = spike = _NEVER
    for k in range(1, _NEVER):
        back = i + 1 + k
        brief = _brief(values[i + 1 : back])
        if dip == _NEVER and brief and back < len(values) and _plausible(shown[i], shown[back], register):
            jumps = register.wrap is not None and 2 * (values[back] - values[back - 1]) > register.wrap
            dip = k if jumps or not over_the_top(old, new, register) else dip
        if spike == _NEVER and k <= FURTHEST and i - k >= 0 and values[i - k] <= new:
            spike = k
    if min(dip, spike) == _NEVER:
        return set()
    return set(range(i + 1, i + 1 + dip)) if dip <= spike else set(range(i - spike + 1, i + 1))


def _plausible(before: tuple[int, int], after: tuple[int, int], register: Register) -> bool:
    """Whether the register can have recovered from the one to the other."""
    rise, most, top = after[1] - before[1], register.most(after[0] - before[0]), register.wrap
    return rise >= 0 and (most is None or rise <= most) and (top is None or after[1] <= top)


def _leaving(shown: Sequence[tuple[int, int]], i: int, register: Register) -> set[int]:
    def far(one: int, other: int) -> bool:
        most = register.most(shown[other][0] - shown[one][0])
        moved = abs(shown[other][1] - shown[one][1])
        if register.wrap is not None:
            moved = min(moved, abs(register.wrap - moved))
        return most is not None and moved > most

    if far(i, i + 1):
        for k in range(1, _NEVER):
            brief = _brief([quanta for _, quanta in shown[i + 1 : i + 1 + k]])
            if brief and i + 1 + k < len(shown) and not far(i, i + 1 + k):
                return set(range(i + 1, i + 1 + k))
    return set()


def advances(shown: Sequence[tuple[int, int]], register: Register) -> list[tuple[int, int, int | None, str]]:
    """(from, to, advance, rule) between the kept ones of readings (ms, quanta) of one register."""
    out = aside(shown, register)
    kept = [one for i, one in enumerate(shown) if i not in out]
    return [(a, b, *advance(old, new, b - a, register)) for (a, old), (b, new) in pairwise(kept)]
