"""The load shapes against figures that stand in the data files themselves."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta

import pytest

from energy.errors import RejectedError
from simulators.loads import truth
from simulators.loads.catalogue import LoadSettings, ShapeFile, shape_files
from simulators.loads.shapes import Load, Shape, load_shape

BAOJI_S = 8 * 3600


def at_ms(local: str) -> int:
    """Data time of a moment given on Baoji's clock."""
    return int(datetime.fromisoformat(f"{local}+08:00").timestamp() * 1000)


def same_size(shape: str, **changes: object) -> LoadSettings:
    """A load whose size is that of the file, so that its figures can be read off."""
    return LoadSettings(shape=shape, mean_per_hour=load_shape(shape).mean_per_hour, **changes)  # type: ignore[arg-type]  # kwargs


def test_an_hour_in_baoji_replays_the_same_hour_of_the_file() -> None:
    """2026-03-01 17:00 local is 2022-02-27 17:00 of the file, whose row says 0.172 kWh."""
    row = next(r for r in shape_files()["uk-electricity-a"].text().splitlines() if r.startswith("2022-02-27 17:00"))
    load = Load(same_size("uk-electricity-a"), BAOJI_S)
    consumed = load.consumed(at_ms("2026-03-01T17:00:00"), at_ms("2026-03-01T18:00:00"))
    assert consumed == pytest.approx(float(row.split(",")[1]), rel=1e-9)


def test_every_shape_keeps_the_weekday() -> None:
    """A Sunday of data time replays a Sunday: the shift is whole weeks, and the season stays."""
    for file in shape_files().values():
        replayed = datetime(2026, 3, 1) - timedelta(weeks=file.first_week)  # noqa: DTZ001 - the file's clock has no zone
        assert (replayed.weekday(), replayed.month in (2, 3)) == (6, True)


def test_inside_a_gap_the_mean_load_runs_on() -> None:
    """The half-hourly file lacks 2012-01-12 to 2012-02-02 among others; an hour in there counts the mean."""
    file = shape_files()["uk-electricity-b"]
    stamps = sorted({datetime.fromisoformat(line.split(",")[0]) for line in file.text().splitlines()[1:]})
    before = next(a for a, b in itertools.pairwise(stamps) if b - a > timedelta(days=2))
    inside = (before + timedelta(weeks=file.first_week, days=1)).isoformat()
    since = at_ms(inside)
    settings = same_size("uk-electricity-b")
    expected = pytest.approx(settings.mean_per_hour, rel=1e-9)
    assert Load(settings, BAOJI_S).consumed(since, since + 3_600_000) == expected
    assert float(truth.consumed(settings, BAOJI_S, since, since + 3_600_000)) == expected


def test_copies_of_weeks_and_shifts_are_averaged() -> None:
    """A meter of two weeks and two copies a day is the mean of four single meters."""
    since, until = at_ms("2026-03-02T05:00:00"), at_ms("2026-03-02T09:30:00")
    mixed = Load(same_size("uk-gas-a", weeks=(0, 3), spread=2), BAOJI_S).consumed(since, until)
    half_day, week = 12 * 3_600_000, 7 * 24 * 3_600_000
    single = Load(same_size("uk-gas-a"), BAOJI_S)
    parts = [single.consumed(since - s, until - s) for s in (0, half_day, 3 * week, 3 * week + half_day)]
    assert mixed == pytest.approx(sum(parts) / 4, rel=1e-9)


def test_an_unknown_shape_is_refused_with_the_known_ones() -> None:
    """The message of a wrong name helps to find the right one."""
    with pytest.raises(RejectedError, match="unknown load shape") as caught:
        load_shape("uk-water")
    assert "uk-gas-a" in caught.value.advice


class _Text(ShapeFile, frozen=True):
    """A shape file whose text is given, to try contradictions."""

    body: str = ""

    def text(self) -> str:
        """The text given."""
        return f"start,value\n{self.body}"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("2020-01-01 00:00:00,1\n2020-01-01 00:00:00,2\n", "two different values"),
        ("2020-01-01 00:00:00,1\n2020-01-01 00:30:00,2\n", "overlap"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(body: str, message: str) -> None:
    """Two values for one interval, or intervals that overlap, have no truth to replay."""
    with pytest.raises(RejectedError, match=message):
        Shape(_Text(name="x", file="x.csv", interval_s=3600, first_week=0, body=body))
