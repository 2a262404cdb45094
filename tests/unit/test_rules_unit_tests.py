"""Unit tests of rules: their notation, what is wrong with a file, and how an expectation that is not met is shown."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from alerts.rules.files import load_rules
from alerts.rules.judging import Judge
from alerts.series.known import catalogue
from alerts.trying.cases import Case, Course, Tried
from alerts.trying.courses import course
from alerts.trying.notation import MOST_VALUES, values_of
from alerts.trying.unit_tests import run_file
from alerts.trying.yaml_lines import parse_yaml
from deploy.cli import root
from energy.errors import ConfigError

GOOD = """\
evaluation_interval: 1h
tests:
  - name: data stops
    interval: 1h
    subjects:
      - name: works
        subject: unit
        labels: {name_en: The Works}
        series:
          lag_h: 1 7x2 0x3
    transitions:
      - rule: data-stale
        subject: works
        expect:
          - {at: 1h, to: firing, reason: raised, severity: attention}
          - {at: 4h, to: resolved}
    alerts:
      - {at: 2h, rule: data-stale, subject: works, state: firing, colour: yellow}
"""


def run(tmp_path: Path, text: str) -> Result:
    """`quotawatt rules test` on this text."""
    path = tmp_path / "tests.yaml"
    path.write_text(text, encoding="utf-8")
    return CliRunner().invoke(root, ["rules", "test", str(path)])


def faults(tmp_path: Path, text: str) -> list[str]:
    """What is wrong with this text, less the name of its file and what is known instead."""
    path = tmp_path / "tests.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        run_file(path, catalogue())
    return [str(fault).removeprefix(f"{path}:").split(" (known")[0] for fault in refused.value.faults]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1 2.5 -1e3", [1, 2.5, -1000]),
        ("0+10x3", [0, 10, 20, 30]),
        ("5-1x2", [5, 4, 3]),
        ("-2+0.5x1", [-2, -1.5]),
        ("7x2 8x0", [7, 7, 7, 8]),
        ("1 _ 2 _x3 stale", [1, None, 2, None, None, None, None]),
        ("", []),
    ],
)
def test_values_are_read_as_promtool_reads_them(text: str, values: list[float | None]) -> None:
    """Counts are of steps after the first value."""
    assert values_of(text) == values


@pytest.mark.parametrize("text", ["x", "1x", "1+x2", "1+1", "__", "0x-1", "nan", "1e999x9999999", "1 x3"])
def test_values_that_are_none_are_refused(text: str) -> None:
    """With what may be written."""
    with pytest.raises(ValueError, match="is no value: write"):
        values_of(text)


def test_a_slip_in_a_count_does_not_fill_the_memory() -> None:
    """More values than anybody means."""
    with pytest.raises(ValueError, match=f"more than {MOST_VALUES:,} values"):
        values_of("1x999999 " * 3)


def test_what_is_met_is_counted(tmp_path: Path) -> None:
    """And the exit code says so."""
    result = run(tmp_path, GOOD)
    assert (result.exit_code, result.stdout.split(": ")[1]) == (0, "1 tests, 0 expectations not met\n")


def test_what_is_not_met_is_shown_against_what_came(tmp_path: Path) -> None:
    """With the line of the file, and lines that agree beside those that do not."""
    text = GOOD.replace("at: 4h, to: resolved", "at: 3h, to: resolved").replace("colour: yellow", "colour: red")
    result = run(tmp_path, text)
    shown = result.stdout.replace(str(tmp_path / "tests.yaml"), "FILE").splitlines()
    assert result.exit_code == 1
    assert shown == [
        "FILE:12: data stops: transitions of data-stale of works: - expected, + got",
        "      1h firing attention (raised)",
        "    - 3h resolved",
        "    + 4h resolved",
        "FILE:18: data stops: data-stale of works at 2h: - expected, + got",
        "      state: firing",
        "    - colour: red",
        "    + colour: yellow",
        "FILE: 1 tests, 2 expectations not met",
    ]


def test_a_transition_too_many_is_a_failure(tmp_path: Path) -> None:
    """The list is complete, or the test fails: nothing may fire unseen."""
    fewer = GOOD.replace("          - {at: 4h, to: resolved}\n", "")
    result = run(tmp_path, fewer)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[1:3] == [
        "      1h firing attention (raised)",
        "    + 4h resolved attention (cleared)",
    ]
    short = GOOD.replace(", reason: raised, severity: attention", "").replace(
        "          - {at: 4h, to: resolved}\n", ""
    )
    assert run(tmp_path, short).stdout.splitlines()[1] == "      1h firing"


def test_rules_that_go_by_the_clock_are_looked_at_no_oftener_than_they_ask(tmp_path: Path) -> None:
    """As the service does: between two looks what comes and goes is not seen."""
    text = """\
tests:
  - name: every five minutes
    interval: 1m
    subjects:
      - {name: blip, subject: unit, series: {lag_h: 0 7x2 0x5}}
      - {name: stays, subject: unit, series: {lag_h: 0x3 7x5}}
    transitions:
      - {rule: data-stale, subject: blip, expect: []}
      - {rule: data-stale, subject: stays, expect: [{at: 5m, to: firing}]}
"""
    assert run(tmp_path, text).exit_code == 0


def test_data_speaks_up_to_the_end_of_the_period_and_is_final_there() -> None:
    """As frames of quotas do, whatever the clock says."""
    tried = Tried(name="q", subject="quota", series={"used": "1x9"}, ends="3m", behind="0 60 0 60x7")
    case = Case(name="", interval="1m", subjects=(tried,), transitions=(Course("breach", "q", ()),))
    rule = next(rule for rule in load_rules((), catalogue()) if rule.code == "breach")
    frame = course(Judge(rule, catalogue()), case, tried, 60)[0].frame
    start = round(case.start.timestamp() * 1_000_000)
    assert ((frame.at_us - start) // 60_000_000).tolist() == [0, 0, 2, 2, 3, 3, 3, 3, 3, 3]
    assert frame.final.tolist() == [False] * 4 + [True] * 6


def test_every_fault_is_listed_with_its_line(tmp_path: Path) -> None:
    """Of values, names, words and lengths of time."""
    words = (
        GOOD.replace("interval: 1h\n    sub", "interval: 1 hour\n    sub")
        .replace("1 7x2 0x3", "1 7y2")
        .replace("to: res", "to: rex")
    )
    assert faults(tmp_path, words) == [
        "4: tests[0].interval: expected a length of time such as 90s, 30m, 1h30m, 2d or 0, got '1 hour'",
        "10: tests[0].subjects[0].series.lag_h: '7y2' is no value: write 12, 0+10x20, 7x3, _, _x3 or stale",
        "16: tests[0].transitions[0].expect[1].to: unknown value 'rexolved', did you mean 'resolved'?",
    ]
    names = (
        GOOD.replace("lag_h:", "lag_d:")
        .replace("name_en:", "name_fr:")
        .replace("rule: data-stale\n", "rule: data-stall\n")
        .replace("subject: works, state", "subject: work, state")
    )
    assert faults(tmp_path, names) == [
        "8: tests[0].subjects[0].labels.name_fr: no label of a unit: unknown value 'name_fr', did you mean 'name_zh'?",
        "10: tests[0].subjects[0].series.lag_d: no series of a unit: unknown value 'lag_d', did you mean 'lag_h'?",
        "12: tests[0].transitions[0].rule: no rule: unknown value 'data-stall', did you mean 'data-stale'?",
        "18: tests[0].alerts[0].subject: no subject of this test: unknown value 'work', did you mean 'works'?",
    ]
    assert faults(tmp_path, GOOD.replace("subject: unit", "subject: meter").replace("name_en", "unit"))[0] == (
        "13: tests[0].transitions[0].subject: is a meter, the rule is about a unit"
    )
    assert faults(tmp_path, GOOD.replace("interval: 1h\n    sub", "interval: 4w\n    sub").replace("x3", "x9999"))[
        0
    ].startswith("3: tests[0]: more than 50,000 evaluations")
    assert faults(tmp_path, "rule_files: [none.toml]\n" + GOOD)[0].endswith("cannot be read: No such file or directory")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "1: no YAML: "),
        ("a: 1\na: 2", "2: a: given twice"),
        ("1: 2", "1: a key must be text: write '1' in quotes"),
        ("- 1", "1: expected keys and values"),
        ("", "1: expected keys and values"),
        ("a: !!python/object/apply:os.system ['true']", "1: no YAML: "),
        ("a: \x01", " no YAML: "),
        ("a: " + "[" * 700, " nested too deeply"),
    ],
)
def test_what_is_no_plain_yaml_is_refused(text: str, said: str) -> None:
    """Twice the same key and objects of a language too, with the line where there is one."""
    with pytest.raises(ConfigError) as refused:
        parse_yaml(text, "FILE")
    assert str(refused.value.faults[0]).removeprefix("FILE:").removeprefix("FILE").startswith(said)


def test_plain_words_stay_text() -> None:
    """Series and times are not taken for hexadecimal or sexagesimal numbers, nor words for booleans."""
    text = "a: 0x3\nb: 1:30\nc: no\nd: 012\ne: 2026-03-01\nf: 1_000\ng: 5\nh: 0.8\ni: true\nj: 1e3"
    assert parse_yaml(text, "FILE").content == {
        "a": "0x3", "b": "1:30", "c": "no", "d": "012", "e": "2026-03-01", "f": "1_000",
        "g": 5, "h": 0.8, "i": True, "j": "1e3",
    }  # fmt: skip


def test_rules_are_checked_listed_and_shown(tmp_path: Path) -> None:
    """By a person who writes them, without a database."""
    own = tmp_path / "rules.toml"
    own.write_text('[shipped.pace]\nfor = "1h"\n', encoding="utf-8")
    runner = CliRunner()
    assert runner.invoke(root, ["rules", "check", str(own)]).stdout.endswith("rules are in force, and all is well\n")
    listed = runner.invoke(root, ["rules", "list", "-r", str(own)]).stdout
    quotas, units, meters, count = listed.split("\n\n")
    assert "pace             attention   1h      -  elapsed_share >= min_elapsed and pace > 1" in quotas.splitlines()
    titles = [group.splitlines()[:2] for group in (quotas, units, meters)]
    heading = "RULE             SEVERITY   FOR  EVERY  RAISED IF"
    assert titles == [["Of quotas", heading], ["Of units", heading], ["Of meters", heading]]
    assert "data-stale" in units
    assert not {"pace", "meter-stuck"} & set(units.split())
    asked = runner.invoke(root, ["rules", "list", "-r", str(own), "--json"]).stdout
    assert count == f"{len(json.loads(asked))} rules\n"
    chinese = runner.invoke(root, ["rules", "list", "-r", str(own), "--lang", "zh"]).stdout
    assert "pace             注意        1h     -  elapsed_share >= min_elapsed and pace > 1\n" in chinese
    assert not re.search(r"[A-Z]{2}", chinese), "no heading is left in English"
    shown = runner.invoke(root, ["rules", "show", "pace", "-r", str(own)]).stdout
    assert "for:            1h\n" in shown
    assert "share used over share due" in shown
    unknown = runner.invoke(root, ["rules", "show", "paces"])
    assert unknown.exit_code == 2
    assert "no rule: unknown value 'paces', did you mean 'pace'? (known: breach," in unknown.stderr
    assert "balance_gap" in runner.invoke(root, ["rules", "series", "meter"]).stdout
