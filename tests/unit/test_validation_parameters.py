"""The parameters of checks as data: the shipped file, a deployment's file over it, and every fault with its line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from energy.carriers import carriers
from energy.errors import ConfigError
from ingest.accounting.validation.loading import load_checks, shipped_checks
from ingest.accounting.validation.parameters import CHECKS
from ingest.accounting.validation.reach import affected_days, local_days


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "checks.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_file_gives_every_parameter() -> None:
    """All but one check are on by default; classes that are called like a carrier are those of carriers that exist."""
    shipped = shipped_checks()
    assert [name for name in CHECKS if not getattr(shipped.default, name).enabled] == ["difference"]
    assert set(shipped.classes) - set(carriers()) == {"volume", "loose", "bulk"}


def test_a_class_goes_before_the_carrier_and_the_carrier_before_the_default() -> None:
    """A class that is not there is none."""
    shipped = shipped_checks()
    assert shipped.of("", "electricity") is shipped.default
    assert shipped.of("", "heat").balance.share == 0.1
    assert shipped.of("bulk", "heat") is shipped.classes["bulk"]
    assert shipped.of("not_there", "heat") is shipped.classes["heat"]


def test_a_file_goes_over_the_shipped_one_key_by_key(tmp_path: Path) -> None:
    """Of the default, of a class that is shipped, and as a class of its own that is like another one."""
    text = """
[default.spike]
over = 3.0
[classes.heat.balance]
share = 0.2
[classes.kiln]
like = "heat"
[classes.kiln.zero_run]
enabled = false
"""
    checks, shipped = load_checks(_file(tmp_path, text)), shipped_checks()
    assert (checks.default.spike.over, checks.default.spike.steps) == (3.0, shipped.default.spike.steps)
    kiln = checks.of("kiln", "electricity")
    assert (kiln.balance.share, kiln.zero_run.enabled, kiln.spike.over) == (0.2, False, 3.0)
    assert checks.of("", "fresh_water").balance.share == 0.1
    assert checks.of("", "fresh_water").spike.over == 3.0


def test_the_fingerprint_follows_the_figures_alone(tmp_path: Path) -> None:
    """Words of a file change nothing, a figure does."""
    shipped = shipped_checks().fingerprint
    assert load_checks(_file(tmp_path, "# nothing\n[default.spike]\nover = 1.8\n")).fingerprint == shipped
    assert load_checks(_file(tmp_path, "[default.spike]\nover = 1.9\n")).fingerprint != shipped


FAULTY = """[default.spike]
over = -1
[default.spikes]
over = 2
[default.time]
warn_s = 500.0
[classes.a]
like = "b"
[classes.b]
like = "a"
[classes.c]
like = "nowhere"
[classes.d.zero_run]
weeks = 2
[classes.d.high_low]
severity = "failure"
"""


def test_every_fault_is_told_with_its_line(tmp_path: Path) -> None:
    """Values, keys, classes that are like nothing, bounds that contradict each other."""
    with pytest.raises(ConfigError) as caught:
        load_checks(_file(tmp_path, FAULTY))
    told = {(fault.line, fault.path) for fault in caught.value.faults}
    assert told == {
        (2, "default.spike.over"),
        (3, "default.spikes"),
        (8, "classes.a.like"),
        (10, "classes.b.like"),
        (12, "classes.c.like"),
        (16, "classes.d.high_low.severity"),
    }


def test_a_check_at_the_top_of_a_file_is_told_where_it_belongs(tmp_path: Path) -> None:
    """It is the first thing that one writes."""
    with pytest.raises(ConfigError) as caught:
        load_checks(_file(tmp_path, "[spike]\nover = 2.5\n"))
    assert caught.value.advice == "write [default.spike], or [classes.NAME.spike] for a class of points"
    assert load_checks(_file(tmp_path, "[default.spike]\nover = 2.5\n")).default.spike.over == 2.5


def test_parameters_that_contradict_each_other_are_told(tmp_path: Path) -> None:
    """Where each fits alone: in the class whose figure makes them so."""
    text = "[classes.d.zero_run]\nweeks = 2\n[default.high_low]\nlow = 3.0\n[default.time]\nfail_s = 1.0\n"
    with pytest.raises(ConfigError) as caught:
        load_checks(_file(tmp_path, text))
    told = {(fault.line, fault.path) for fault in caught.value.faults}
    assert {(1, "classes.d.zero_run.least_weeks"), (3, "default.high_low.high"), (6, "default.time.fail_s")} <= told


def test_a_days_change_reaches_the_next_one_the_weeks_and_the_months_after() -> None:
    """Over the end of the year, and from a leap day."""
    checks = shipped_checks()
    assert affected_days([date(2027, 12, 31)], checks) == [
        date(2027, 12, 31),
        date(2028, 1, 1),
        *(date(2028, 1, day) for day in (7, 14, 21, 28)),
        date(2028, 12, 1),
    ]
    assert date(2029, 2, 1) in affected_days([date(2028, 2, 29)], checks)


def test_a_utc_day_is_part_of_local_days_by_zone() -> None:
    """Two in most zones, one in UTC; none is left out where zones lie on both sides."""
    day = date(2026, 3, 4)
    assert local_days([day], ["Asia/Shanghai"]) == [day, date(2026, 3, 5)]
    assert local_days([day], ["UTC"]) == [day]
    assert local_days([day], ["America/New_York", "Asia/Shanghai"]) == [date(2026, 3, 3), day, date(2026, 3, 5)]
