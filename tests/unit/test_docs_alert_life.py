"""The page on the life of alerts in both languages: its courses are the machine's, its estimates those of the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import get_args

import msgspec

from alerts.consequences.estimates import estimates
from alerts.consequences.files import shipped_policies
from alerts.consequences.model import Breach, ConsequencesSettings, Policy, RegionSettings
from alerts.life.model import AlertState, Condition, Reason
from alerts.rules.durations import seconds_of
from alerts.rules.model import Timing
from alerts.settings import AlertsSettings
from energy.config import decode_toml
from tests.support.accounting_pages import Cells, code, table, tables_after
from tests.support.alert_life import Life, after
from tests.support.rule_pages import both, numbers, same_but_for_words

BOTH = both("alert-life")


def test_both_pages_have_the_same_tables_and_figures() -> None:
    """What differs are words."""
    same_but_for_words("alert-life")


@BOTH
def test_states_and_reasons_are_those_of_the_code(page: Path) -> None:
    """In their order, and each reason leads somewhere."""
    assert [code(row[0])[0] for row in table(page, "states")] == list(AlertState)
    assert {reason for row in table(page, "moves") for reason in code(row[3])} == set(Reason)


def life_of(mark: str) -> Life:
    """An alert by what its comment says, such as `for 30m`, `ends 1440m`, `corrects`."""
    said = dict(re.findall(r"(\w+) (\d+[a-z])", mark))
    timing = Timing(
        for_s=seconds_of(said.get("for", "0")),
        keep_closed_s=seconds_of(said.get("keep_closed", "0")),
        escalate_s=seconds_of(said.get("escalate_after", "0")),
    )
    end = after(seconds_of(said["ends"]) / 60) if "ends" in said else None
    return Life(timing, end=end, corrects="corrects" in mark)


@BOTH
def test_courses_are_those_of_the_machine(page: Path) -> None:
    """Look by look."""
    parts = re.findall(r"<!-- course (.*?) -->\n\n((?:\|.*\n)+)", page.read_text(encoding="utf-8"))
    assert len(parts) == 4
    for mark, text in parts:
        life = life_of(mark)
        for line in text.splitlines()[2:]:
            now, data, condition, then, _ = (cell.strip() for cell in line.strip("|").split("|"))
            at, *final = data.split()
            looked = life.look(
                Condition(code(condition)[0]),
                float(now),
                at=float(at),
                final=final == ["final"],
                silenced="silenced" in condition,
            )
            assert code(then) == [looked], (mark, now)


@BOTH
def test_policies_are_those_that_are_shipped(page: Path) -> None:
    """Code, source, dates and confidence of each edition."""
    shipped = [
        (one.code, one.source, str(one.valid_from), str(one.valid_to or ""), one.confidence)
        for one in shipped_policies()
    ]
    listed = []
    for row in table(page, "policies"):
        since, *until = re.findall(r"\d{4}-\d\d-\d\d", row[3])
        listed.append((code(row[0])[0], row[2], since, *(until or [""]), code(row[4])[0]))
    assert listed == shipped


@BOTH
def test_kinds_of_policies_are_those_of_the_code(page: Path) -> None:
    """Each with fields that it has."""
    kinds = {str(kind.__struct_config__.tag): kind for kind in get_args(Policy)}
    rows = {code(row[0])[0]: code(row[2]) for row in table(page, "policy kinds")}
    assert list(rows) == list(kinds)
    assert all(set(fields) < set(kinds[name].__struct_fields__) for name, fields in rows.items())


@BOTH
def test_prices_of_policies_are_those_that_are_shipped(page: Path) -> None:
    """Each number that is said of an edition is one of its figures."""
    for row, policy in zip(table(page, "policies"), shipped_policies(), strict=True):
        figures = set(figures_of(msgspec.to_builtins(policy)))
        figures |= {round(100 * (1 + figure)) for figure in figures} if policy.code == "over-demand" else set()
        assert {float(one) for one in numbers(re.sub(r"(\d) (\d{3})\b", r"\1\2", row[1]))} <= figures, row


def figures_of(built: object) -> Iterator[float]:
    """All numbers in a structure."""
    if isinstance(built, float | int):
        yield float(built)
    for one in built.values() if isinstance(built, dict) else built if isinstance(built, list | tuple) else ():
        yield from figures_of(one)


def estimate(row: Cells, *, chinese: bool) -> str:
    """What the code makes of what a row gives."""
    said = {name: rest for name, _, rest in (piece.partition(" ") for piece in code(row[1]))}
    product, _, unit = said.get("product", "").partition(" ")
    breach = Breach(
        unit="example-001",
        district="610303",
        industry=said.get("industry", "30"),
        day=date(2026, 3, 1),
        measure="demand" if "demand" in said else "electricity",
        used=float(said.get("used", 2)),
        limit=float(said.get("limit", 1)),
        limit_unit=unit,
        product=product,
        per_product="per" in said,
        electricity_kwh=float(said["kwh"]) if "kwh" in said else None,
    )
    region = RegionSettings("6103", tuple(code(row[0])), float(said["gap"]) if "gap" in said else None)
    settings = ConsequencesSettings(region=(region,), classes={"example-001": said.get("class", "")})
    (found,) = estimates(breach, shipped_policies(), settings)
    return found.formula_zh if chinese else found.formula_en


@BOTH
def test_estimates_are_as_by_hand(page: Path) -> None:
    """Every figure of them."""
    rows = table(page, "estimates")
    assert [row[2] for row in rows] == [estimate(row, chinese=page.name.endswith(".zh.md")) for row in rows]
    assert {code(row[0])[0] for row in rows} >= {one.code for one in shipped_policies()} - {"steel"}


@BOTH
def test_the_settings_of_the_page_are_read(page: Path) -> None:
    """Beside a database, which they do not name."""
    (text,) = re.findall(r"```toml\n# alerts.toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    settings = decode_toml(f'database = {{ dsn = "postgresql://localhost/x" }}\n{text}', AlertsSettings, "alerts.toml")
    known = {one.code for one in shipped_policies()}
    assert set(settings.consequences.region[0].policies) <= known
    assert tables_after(page, "policies")


@BOTH
def test_numbers_of_the_page_are_the_defaults(page: Path) -> None:
    """Such as `timer_s` (5 s)."""
    text = page.read_text(encoding="utf-8").split("## ")[-1]
    said = dict(re.findall(r"`(\w+_s|recheck_days)`\s?[(（](\d+(?:\.\d+)?)", text))
    assert said.keys() >= {"timer_s", "min_interval_s", "full_interval_s", "recheck_days", "standby_s"}
    settings = decode_toml('database = { dsn = "postgresql://localhost/x" }', AlertsSettings, "alerts.toml")
    assert {name: float(value) for name, value in said.items()} == {
        name: float(getattr(settings, name)) for name in said
    }
