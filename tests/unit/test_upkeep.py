"""Upkeep without a database: settings that contradict each other, and what editions can do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from energy.config import decode_toml
from energy.errors import ConfigError
from ingest.settings import IngestSettings
from ingest.upkeep.edition import Edition, parse_version
from ingest.upkeep.policies import Wanted, wanted
from ingest.upkeep.settings import UpkeepSettings

SETTINGS = UpkeepSettings(readings_days=400, columnstore_days=50)


def edition(
    version: str = "2.19.3", licence: str = "timescale", *, functions: bool = True, compressed: int = 0
) -> Edition:
    """The community edition, unless told otherwise."""
    return Edition(version, licence, functions, compressed)


@pytest.mark.parametrize(("age", "kept", "right"), [(1000, 1030, True), (1000, 1029, False), (30, 60, True)])
def test_what_is_accepted_may_not_be_dropped_at_once(age: float, kept: float, *, right: bool) -> None:
    """The error names both keys, and by how much they must differ."""
    text = f'[database]\ndsn = "x"\n[mqtt]\n[checks]\nage_days = {age}\n[upkeep]\nreadings_days = {kept}\n'
    if right:
        assert decode_toml(text, IngestSettings, "ingest.toml").upkeep.readings_days == kept
        return
    with pytest.raises(ConfigError, match=r"\[upkeep\] readings_days is 1029, .* 30 more than \[checks\] age_days"):
        decode_toml(text, IngestSettings, "ingest.toml")


@pytest.mark.parametrize(
    ("version", "numbers"), [("2.19.3", (2, 19, 3)), ("2.30.0-dev", (2, 30, 0)), ("2.18.0-rc1", (2, 18, 0))]
)
def test_versions_are_read(version: str, numbers: tuple[int, ...]) -> None:
    """Also those of developers."""
    assert parse_version(version) == numbers


@pytest.mark.parametrize(
    ("found", "real_time", "plan"),
    [
        (edition(), True, Wanted(timedelta(days=400), timedelta(days=50))),
        (edition(), False, Wanted(None, None)),  # its clock is not ours
        (edition("2.18.0"), True, Wanted(timedelta(days=400), None)),  # it loses late readings
        (edition(licence="apache"), True, Wanted(None, None)),
        (edition(functions=False), True, Wanted(None, None)),
    ],
)
def test_policies_are_wanted_where_they_help(found: Edition, plan: Wanted, *, real_time: bool) -> None:
    """And nowhere else: the rest is done by us."""
    assert wanted(found, SETTINGS, real_time=real_time) == plan


def test_policies_can_be_switched_off() -> None:
    """By one key."""
    assert wanted(edition(), UpkeepSettings(policies=False), real_time=True) == Wanted(None, None)


def test_quarter_hours_are_kept_as_long_as_estimates_of_readings_kept_rest_on_them() -> None:
    """By default: a gap's like days are of the eight weeks before it."""
    settings = UpkeepSettings()
    assert settings.intervals_days >= settings.readings_days + 8 * 7
