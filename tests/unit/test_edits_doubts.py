"""States of a replacement that do not fit the readings beside it are doubted, and no others."""

from __future__ import annotations

from typing import Any

import pytest

from ingest.accounting.edits.doubts import Beside, doubts
from ingest.accounting.edits.model import Edit, Kind
from tests.support.edits_world import edited

HOUR_MS = 3_600_000


def doubted(point: str = "P-E", *, max_rate: float | None = 50.0, wrap: float | None = None, **said: Any) -> list[str]:
    """Of a replacement at 12:00, between readings of 16121 an hour before and of 7 an hour after."""
    edit = Edit(Kind.REPLACEMENT, edited(point), since=12 * HOUR_MS, until=12 * HOUR_MS, **said)
    return list(doubts(edit, Beside((11 * HOUR_MS, 16_121.0), (13 * HOUR_MS, 7.0), max_rate, wrap, 0.1)))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"old_end": 16_121.0, "new_start": 7.0}, []),
        ({"old_end": 16_171.0, "new_start": 0.0}, []),
        ({"old_end": 16_120.95, "new_start": 7.05}, []),
        ({"old_end": 99_999.0}, ["old_end 99999 is further than max_rate allows (50.1) from the last reading"]),
        ({"old_end": 5_000.0}, ["old_end 5000 lies below the last reading before, 16121"]),
        ({"new_start": 7.3}, ["new_start 7.3 lies above the first reading after, 7"]),
        ({"new_start": 0.0, "max_rate": 5.0}, ["new_start 0 is further than max_rate allows (5.1) from the first"]),
        ({"old_end": 99_999.0, "max_rate": None}, []),
        ({"old_end": 5.0, "wrap": 16_130.0}, []),
        ({"old_end": 5_000.0, "wrap": 16_130.0}, ["old_end 5000 lies below"]),
        ({"old_end": 5_000.0, "wrap": 100_000.0, "max_rate": None}, ["old_end 5000 lies below"]),
        ({"old_end": 5.0, "wrap": 20_000.0, "max_rate": None}, []),
        ({"point": "P-N", "old_end": 16_071.0}, []),
        ({"point": "P-N", "old_end": 16_000.0}, ["old_end 16000 is further than max_rate allows (50.1)"]),
    ],
)
def test_states_are_held_against_the_readings_beside_them(said: dict[str, Any], told: list[str]) -> None:
    """Above by what may flow in the time, below only over the top; a register of both directions either way."""
    found = doubted(**said)
    assert [text[: len(start)] for text, start in zip(found, told, strict=True)] == told


def test_without_readings_nothing_is_doubted() -> None:
    """Nor where no state is given."""
    edit = Edit(Kind.REPLACEMENT, edited(), since=0, until=0, old_end=99_999.0, new_start=99_999.0)
    assert not list(doubts(edit, Beside(None, None, 1.0, None, 0.0)))
    assert not doubted()
