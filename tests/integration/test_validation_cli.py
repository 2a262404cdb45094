"""`quotawatt findings`, as an operator calls it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from deploy.cli import root
from energy.errors import ConfigError, RejectedError
from energy.registry import Gateway, Meter, Point, Registry, Unit
from energy.registry.store import apply
from energy.storage import Connection
from tests.support.validation_store import judge, put_intervals, start_of
from tests.support.validation_world import DAY, ordinary

Call = Callable[..., "asyncio.Future[Result]"]


@pytest.fixture
def call(dsn: str) -> Call:
    """Calls the command in a thread of its own, since it runs a loop of its own."""

    def run(*arguments: str) -> asyncio.Future[Result]:
        runner = CliRunner(env={"QUOTAWATT_DSN": dsn})
        return asyncio.ensure_future(
            asyncio.to_thread(runner.invoke, root, ["findings", *arguments], catch_exceptions=False)
        )

    return run


@pytest.fixture
async def found(connection: Connection) -> None:
    """One slot above the greatest rate, which is a spike too; the point names a class that has no rules."""
    world = Registry(
        units=(Unit("U", "虚构一厂", "Fictional Works", "610302", "32"),),
        gateways=(Gateway("gw", "610302", "U"),),
        meters=(Meter("M", "U", "electricity", 1, "any"),),
        points=(Point("E", "M", "gw", "kWh", max_rate=400.0, class_="kiln"),),
    )
    await apply(connection, world)
    point = await connection.fetchval("select point_id from point")
    quanta = ordinary(1, slots=96)[0]
    quanta[40] = 130_000
    await put_intervals(connection, point, start_of(DAY), quanta)
    await judge(connection, [point], DAY)


@pytest.mark.usefixtures("found")
async def test_the_list_shows_what_was_found_and_its_figures(call: Call) -> None:
    """Below headings, with the figures that it rests on; filters choose, and a limit that is reached is said."""
    heading, *lines = (await call("list")).stdout.splitlines()
    assert heading.split()[:5] == ["DAY", "UNIT", "POINT", "CHECK", "SEVERITY"]
    assert [line.split()[:5] for line in lines] == [
        [str(DAY), "U", "E", "range", "failure"],
        [str(DAY), "U", "E", "spike", "warning"],
    ]
    assert lines[0].split()[5:7] == ["2026-03-04T10:00+08:00", "2026-03-04T10:15+08:00"], (
        "of the unit's zone, as its day"
    )
    assert lines[0].endswith("highest 130, lowest 130, most 120.002")
    for arguments, count in (
        (["--check", "spike"], 1),
        (["--severity", "failure"], 1),
        (["--unit", "U", "--point", "E"], 2),
        (["--since", str(DAY)], 2),
        (["--until", "2026-03-03"], 0),
    ):  # fmt: skip - two lines of cases
        assert len(json.loads((await call("list", "--json", *arguments)).stdout)) == count, arguments
    assert (await call("list", "--limit", "1")).stdout.splitlines()[-1] == "... and more: --limit 1 was reached"
    assert "Nothing was found" in (await call("list", "--until", "2026-03-02")).stdout
    for slip, told in ((("--unit", "V"), "unit 'V'"), (("--point", "X"), "point 'X'")):
        with pytest.raises(RejectedError, match=f"not registered: {told}"):
            await call("list", *slip)


async def test_a_check_that_does_not_exist_is_refused(call: Call) -> None:
    """With those that do: an empty list would look like clean data."""
    result = await call("list", "--check", "spikes")
    assert result.exit_code == 2
    assert "'spikes' is none of time, missing" in result.stderr


@pytest.mark.usefixtures("found")
async def test_rules_are_shown_and_classes_that_have_none(call: Call, tmp_path: Path) -> None:
    """What a file changes stands with its class; every fault is told with its line."""
    shown = (await call("check-config")).stdout
    assert "  spike: on, severity warning, over 1.8, least_slots 48, steps 4\n" in shown
    assert "1 point of electricity name class 'kiln', which has no rules: default holds for them\n" in shown
    path = tmp_path / "checks.toml"
    path.write_text("[classes.kiln.spike]\nover = 4\n")
    shown = (await call("check-config", str(path))).stdout
    assert "kiln\n  spike: over 4\n" in shown
    assert "which has no rules" not in shown
    path.write_text("[classes.kiln.spike]\nover = 0\n")
    with pytest.raises(ConfigError, match=r"checks.toml:2: classes.kiln.spike.over"):
        await call("check-config", str(path))
