"""`quotawatt demo` as a user runs it: the whole way on real components, and nothing left behind."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import pty
import re
import signal
import struct
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from deploy.demo import BAOJI
from energy.errors import ConfigError
from tests.support.eventually import eventually
from tests.support.stack import cache_environment, server_directory

SCREEN = (120, 40)
_FRAMES = 50_000
"""Bytes that hold some frames of the board."""
_CONTROL = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")
"""What a terminal takes as an order and does not show."""


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    """A user's environment with a state directory of the test's own, which also marks the processes."""
    with server_directory() as state:
        yield {
            **cache_environment(),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "QUOTAWATT_STATE": str(state),
            "QUOTAWATT_STACK": "acceptance",
        }


def heed() -> None:
    """Before a program starts: it is to take what ends it, also where the tests run behind a shell, or under nohup."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def still_running(environment: dict[str, str]) -> list[str]:
    """Command lines of processes that carry the test's state directory in their arguments or environment."""
    mark = environment["QUOTAWATT_STATE"]
    found = []
    for process in psutil.process_iter():
        try:
            if mark in " ".join(process.cmdline()) or process.environ().get("QUOTAWATT_STATE") == mark:
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue  # it has just ended
    return found


@pytest.mark.timeout(300)
async def test_the_whole_way_is_audited(environment: dict[str, str]) -> None:
    """From registers to flagged units: nothing lost, nothing doubled, energy conserved, and no process left behind."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "deploy.cli", "demo", "--until-alert", "--json",
        env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    outcome = json.loads(out)
    assert (outcome["lost"], outcome["duplicates"], outcome["restarts"]) == (0, 0, 0)
    assert outcome["energy_error"] <= 0.001
    assert outcome["units"] >= 20
    assert outcome["meters"] >= 120
    assert outcome["simulated_days"] >= 3
    assert outcome["readings_stored"] == outcome["readings_sent"] >= 3 * 96 * 120 * 0.95
    verdicts = {flagged["verdict"] for flagged in outcome["flagged"]}
    assert {"exceeded", "on_course"} <= verdicts
    for flagged in outcome["flagged"]:
        fired = next(step for step in flagged["course"] if step["state"] == "firing")
        assert fired["used"] > flagged["limit"] or fired["projected"] > flagged["limit"]
        assert flagged["evidence"]
    assert_corrected([one for one in outcome["flagged"] if one["state"] == "corrected"])
    assert still_running(environment) == []


def assert_corrected(flagged: list[dict[str, Any]]) -> None:
    """What a mistaken meter broke was put right by the unit's report, openly; one alert went the whole way."""
    assert {(one["quota"], one["period_start"]) for one in flagged} == {("fufeng-flour.electricity-day", "2026-03-01")}
    courses = [[step["state"] for step in one["course"]] for one in flagged]
    assert ["pending", "firing", "resolved", "corrected"] in courses
    for one in flagged:
        last = one["course"][-1]
        assert last["used"] == one["used"]
        assert last["used"] < one["limit"] < last["said"]
    (breach,) = [one["course"][-1] for one in flagged if one["rule"] == "breach"]
    assert breach["used"] / breach["said"] == pytest.approx(60 / 80, abs=0.002)


@contextmanager
def terminal() -> Iterator[tuple[int, int]]:
    """A pseudo-terminal of `SCREEN` size: (ours, the program's)."""
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    try:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", SCREEN[1], SCREEN[0], 0, 0))
        yield ours, theirs
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.timeout(240)
async def test_the_board_flags_a_unit_and_ctrl_c_stops_everything(environment: dict[str, str]) -> None:
    """On a terminal a unit is flagged within the time promised; Ctrl-C ends all of it in order."""
    seen = bytearray()
    with terminal() as (ours, theirs):

        def look(text: bytes) -> bool:
            news = False
            try:
                while chunk := os.read(ours, 65_536):
                    seen.extend(chunk)
                    news = True
            except BlockingIOError:
                del seen[:-_FRAMES]
            return news and text in _CONTROL.sub(b"", seen)

        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "deploy.cli", "demo",
            env={**environment, "TERM": "xterm-256color"}, stdin=theirs, stdout=theirs, stderr=theirs, preexec_fn=heed,
        )  # fmt: skip

        def ended() -> bool:
            look(b"")  # a full terminal would hold the board up
            return process.returncode is not None

        try:
            await eventually(lambda: look(b"gateways 24/24"), within=60)
            await eventually(lambda: look(b" over "), within=90)
        finally:
            process.send_signal(signal.SIGINT)
            await eventually(ended, within=60)
    assert process.returncode == 0
    assert still_running(environment) == []


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("moment", "number"),
    [
        pytest.param(b"starting postgres", signal.SIGTERM, id="while the stack starts"),
        pytest.param(b"starting 24 gateways", signal.SIGHUP, id="before the processes are ready"),
        pytest.param(b"day 1", signal.SIGHUP, id="while it runs"),
        pytest.param(b"auditing", signal.SIGTERM, id="while it audits"),
    ],
)
async def test_a_stop_at_any_moment_leaves_nothing_behind(
    environment: dict[str, str], moment: bytes, number: signal.Signals
) -> None:
    """A service manager, or a terminal that closes and takes no more words, stops servers and processes alike."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "deploy.cli", "demo", "--until-alert", "--days", "1", "--day-seconds", "6",
        env=environment, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, preexec_fn=heed,
    )  # fmt: skip
    assert process.stderr is not None
    while moment not in (line := await process.stderr.readline()):
        assert line, "it ended before"
    process.stderr._transport.close()  # type: ignore[attr-defined]  # asyncio has no other way to hang up
    process.send_signal(number)
    assert await process.wait() not in {0, -number}
    assert still_running(environment) == []


async def test_a_faulty_city_starts_nothing(environment: dict[str, str], tmp_path: Path) -> None:
    """Every fault is listed with its line, the exit code says configuration, and no server was started."""
    lines = BAOJI.read_text(encoding="utf-8").splitlines()
    doubled = next(number for number, line in enumerate(lines) if "address = 2," in line)
    lines[doubled] = lines[doubled].replace("address = 2,", "address = 1,")
    unknown = next(number for number, line in enumerate(lines) if "fuxin_gas" in line)
    lines[unknown] = lines[unknown].replace("fuxin_gas", "no_such_layout")
    lines.append("colour = 1")
    city = tmp_path / "city.toml"
    city.write_text("\n".join(lines), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "deploy.cli", "demo", "--city", str(city),
        env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, err = await process.communicate()
    assert process.returncode == ConfigError.exit_code
    for line in (doubled, unknown, len(lines) - 1):
        assert f"{city}:{line + 1}: " in err.decode()
    assert os.listdir(environment["QUOTAWATT_STATE"]) == []  # noqa: PTH208 - pathlib's own would block just the same
