"""The page on the collector: its file is one that works, its events are the code's, its unit fits the program."""

from __future__ import annotations

import re
from configparser import ConfigParser
from pathlib import Path

import pytest

from collector.checks import load_settings
from collector.process.gateways import expected
from collector.spool.estimate import Expected, days_that_fit
from collector.spool.settings import SpoolSettings
from energy.errors import ConfigError

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "collector.md").read_text(encoding="utf-8")
UNIT = ROOT / "docs" / "examples" / "quotawatt-collector.service"
FILE, ADDRESSES = re.findall(r"^```toml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
SOURCES = [path.read_text(encoding="utf-8") for path in (ROOT / "collector").rglob("*.py")]


def events() -> set[str]:
    """Every event that the collector logs, by the calls in its code."""
    single = {name for text in SOURCES for name in re.findall(r'_log\.(?:info|warning|error)\(\s*"(\w+)"', text)}
    pairs = {name for text in SOURCES for name in re.findall(r'Availability\(\s*_?log,\s*"(\w+)"', text)}
    return single | {f"{name}_{end}" for name in pairs for end in ("lost", "back")}


def test_its_file_loads(tmp_path: Path) -> None:
    """As it stands, and with the several addresses in the place of the one."""
    file = tmp_path / "collector.toml"
    file.write_text(FILE, encoding="utf-8")
    (gateway,) = load_settings(file).gateways
    assert expected(gateway).together == 3
    platform = FILE[FILE.index("[[platforms]]") : FILE.index("[health]")]
    file.write_text(FILE.replace(platform, ADDRESSES), encoding="utf-8")
    assert len(load_settings(file).platforms) == 2


def test_its_fault_is_the_one_that_is_told(tmp_path: Path) -> None:
    """With its line, where `ct` becomes zero."""
    file = tmp_path / "collector.toml"
    file.write_text(FILE.replace("ct = 200", "ct = 0"), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_settings(file)
    told = str(caught.value.faults[0]).removeprefix(f"{tmp_path}/")
    assert PAGE.count(told) == 2


def test_every_event_of_the_log_is_explained() -> None:
    """And none that does not exist."""
    chapter = PAGE.split("\n### The log\n", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| (`\w+`.*?) \| (.*) \|$", chapter, re.MULTILINE)
    named = {name for row in rows for cell in row for name in re.findall(r"`([a-z]+(?:_[a-z]+)+|reloaded)`", cell)}
    assert named - {"stale_after_s"} == events()


def test_the_days_of_the_bound_are_those_of_the_estimate() -> None:
    """Of the default bound, without the bound on age."""
    unbounded = SpoolSettings(max_age_days=1e6)
    minutely, tenth, second = 1440, 8640, 86_400
    for count, polls, words in (
        (500, minutely, "500 a minute"),
        (100, minutely, "100 a minute"),
        (500, tenth, "500 every ten seconds"),
        (50, second, "50 a second"),
    ):
        days = days_that_fit(unbounded, Expected(count * polls, count))
        assert re.search(rf"^\| {words} \| {int(days)}\b", PAGE, re.MULTILINE), (words, days)


def test_the_unit_of_systemd_says_what_the_program_does() -> None:
    """Readiness, watchdog, reload, and a stop that is waited for."""
    unit = ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # the keys are case-sensitive
    unit.read(UNIT, encoding="utf-8")
    service = unit["Service"]
    assert service["Type"] == "notify"
    assert service["ExecReload"].endswith("kill -HUP $MAINPID")
    assert service["ExecStart"].split()[1:3] == ["collector", "run"]
    assert float(service["TimeoutStopSec"]) > 10
    assert {"Type=notify", f"WatchdogSec={service['WatchdogSec']}"} <= set(re.findall(r"`(\w+=\w+)`", PAGE))
