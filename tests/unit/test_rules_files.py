"""Files of rules: every fault with its line, what a deployment changes in shipped rules, and versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerts.rules.durations import in_words, seconds_of
from alerts.rules.files import load_rules, rules_of
from alerts.rules.model import Rule
from alerts.series.catalogue import Catalogue, Series
from alerts.series.known import catalogue
from alerts.verdicts import Colour
from energy.config import parse_document
from energy.errors import ConfigError

RULE = """
[[rule]]
code = "late"
subject = "unit"
when = "lag_h > level"
clear = "lag_h < level - 1"
for = "1h30m"
severity = "attention"
message = { zh = "{name_zh}{lag_h:.1f}", en = "{name_en} {lag_h:.1f} of {level:.0f}" }
parameters = { level = 6 }
"""


def rules(*texts: str) -> dict[str, Rule]:
    """The rules in force with these files."""
    documents = [parse_document(text, f"file{at}.toml") for at, text in enumerate(texts)]
    return {rule.code: rule for rule in rules_of(documents, catalogue())}


def faults(*texts: str) -> list[str]:
    """What is wrong with these files."""
    with pytest.raises(ConfigError) as refused:
        rules(*texts)
    return [str(fault) for fault in refused.value.faults]


def test_a_rule_is_complete_without_its_parameters() -> None:
    """Values stand in place of names, lengths of time are seconds, the colour follows the severity."""
    rule = rules(RULE)["late"]
    assert (rule.when, rule.clear) == ("lag_h > 6", "lag_h < 6 - 1")
    assert rule.message.en == "{name_en} {lag_h:.1f} of 6"
    assert (rule.timing.for_s, rule.colour) == (5400, Colour.YELLOW)


def test_every_fault_of_every_file_is_listed_with_its_line() -> None:
    """One look shows all that is to be mended."""
    wrong = """
[[rule]]
code = "Late"
subject = "units"
when = "lag_h > 1"
for = "90 minutes"
severity = "grave"
message = { zh = "" }

[[rule]]
code = "other"
subject = "meter"
when = "lag_d > 1 and x.y"
clear = "lag_h < open('x')"
severity = "band"
keep_closed = "1h"
corrects = true
where = { industri = "30" }
message.zh = "{lag_d} {name_zh:.1f} {lag_h:x} {lag_h.real}"
message.en = "{"
parameters = { lag_h = 1, max = 2 }
"""
    first = faults(wrong, "[shipped.pase]\nfor = '1h'")
    assert [fault.split(" (known: breach")[0] for fault in (*first[:5], first[-1])] == [
        "file0.toml:3: rule[0].code: expected up to 48 small letters, digits and hyphens, got 'Late'",
        "file0.toml:4: rule[0].subject: unknown value 'units', did you mean 'unit'? (known: quota, unit, meter)",
        "file0.toml:6: rule[0].for: expected a length of time such as 90s, 30m, 1h30m, 2d or 0, got '90 minutes'",
        "file0.toml:7: rule[0].severity: unknown value 'grave' (known: notice, attention, warning, critical, band)",
        "file0.toml:8: rule[0].message.en: missing key",
        "file1.toml:1: shipped.pase: no shipped rule: unknown value 'pase', did you mean 'pace'?",
    ]
    second = faults(wrong[wrong.index('[[rule]]\ncode = "other"') :])
    assert [fault.split(": ")[:2] for fault in second] == [
        ["file0.toml:4", "rule[0].when"],
        ["file0.toml:4", "rule[0].when"],
        ["file0.toml:5", "rule[0].clear"],
        ["file0.toml:6", "rule[0].severity"],
        ["file0.toml:7", "rule[0].keep_closed"],
        ["file0.toml:8", "rule[0].corrects"],
        ["file0.toml:9", "rule[0].where.industri"],
        ["file0.toml:10", "rule[0].message.zh"],
        ["file0.toml:10", "rule[0].message.zh"],
        ["file0.toml:10", "rule[0].message.zh"],
        ["file0.toml:10", "rule[0].message.zh"],
        ["file0.toml:11", "rule[0].message.en"],
        ["file0.toml:12", "rule[0].parameters.lag_h"],
        ["file0.toml:12", "rule[0].parameters.max"],
    ]
    of_the_other = [fault.partition(": ")[2].replace("rule[1]", "rule[0]") for fault in first[5:-1]]
    assert of_the_other == [fault.partition(": ")[2] for fault in second]
    assert "at character 1: no series or parameter 'lag_d', did you mean lag_h?" in second[0]


def test_a_code_belongs_to_one_rule() -> None:
    """Twice in a file, in two files, or that of a shipped rule: an alert is known by it."""
    shipped = RULE.replace("late", "pace")
    assert [fault.split(": ", 1)[1] for fault in faults(RULE + RULE, RULE, shipped)] == [
        "rule[1]: 'late' is taken in file0.toml:2",
        "rule[0]: 'late' is taken in file0.toml:2",
        "rule[0]: 'pace' is shipped: change it with [shipped.pace]",
    ]


def test_a_deployment_changes_shipped_rules_openly() -> None:
    """What is named changes, with another version; the rest stays; what is switched off is gone."""
    before = rules()
    after = rules(
        "[shipped.pace]\nfor = '1h'\nseverity = 'critical'\n"
        "parameters = { level = 1.1 }\nwhere = { period = 'month' }\nlabels = { team = 'a' }\n"
        "[shipped.share]\nenabled = false\n"
    )
    pace = after["pace"]
    assert (pace.timing.for_s, pace.severity, pace.colour) == (3600, "critical", Colour.RED)
    assert pace.when == "elapsed_share >= min_elapsed and pace > 1.1"
    assert (pace.clear, pace.message) == (before["pace"].clear, before["pace"].message)
    assert (pace.where, pace.labels) == ({"period": ("month",)}, {"team": "a"})
    assert pace.version != before["pace"].version
    assert before.keys() - after.keys() == {"share"}
    assert all(after[code].version == before[code].version for code in after.keys() - {"pace"})


def test_changes_of_shipped_rules_are_checked_too() -> None:
    """A parameter that there is not, one rule changed in two files, a label that there is not."""
    found = faults(
        "[shipped.pace]\nparameters = { levle = 1 }\n",
        "[shipped.pace]\nfor = '1h'\n[shipped.breach]\nparameters = { x = 1 }\nwhere = { industri = '30' }\n",
    )
    level, industry = "did you mean 'level'?", "did you mean 'industry'?"
    assert [fault.split(" (known")[0] for fault in found] == [
        "file0.toml:2: shipped.pace.parameters.levle: no parameter of the rule: unknown value 'levle', " + level,
        "file1.toml:1: shipped.pace: is changed already in file0.toml:1",
        "file1.toml:4: shipped.breach.parameters.x: no parameter of the rule: this rule has none",
        "file1.toml:5: shipped.breach.where.industri: no label of a quota: unknown value 'industri', " + industry,
    ]


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("level = 6", "level = 7"),
        ('for = "1h30m"', 'for = "90m"\nkeep_firing = "1s"'),
        ("attention", "warning"),
        ("lag_h > level", "lag_h >= level"),
        ("severity", 'where = { industry = "30" }\nseverity'),
        ("severity", 'except = { industry = "30" }\nseverity'),
    ],
)
def test_the_version_says_whether_a_rule_decides_the_same(was: str, becomes: str) -> None:
    """Whatever decides changes it; how a file writes it does not."""
    first = rules(RULE)["late"].version
    assert rules(RULE.replace('for = "1h30m"', 'for = "90m"') + "\n# a remark")["late"].version == first
    assert rules(RULE.replace(was, becomes))["late"].version != first


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    """As every other one."""
    with pytest.raises(ConfigError, match="cannot be read"):
        load_rules([tmp_path / "none.toml"], catalogue())


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0), ("90s", 90), ("1h30m", 5400), ("2d", 172_800), ("1w1s", 604_801)]
)
def test_lengths_of_time_are_read_and_written(text: str, seconds: int) -> None:
    """In words, and back."""
    assert seconds_of(text) == seconds
    assert seconds_of(in_words(seconds)) == seconds


def test_a_name_means_one_series_of_a_kind_of_subject() -> None:
    """Two modules that claim it, or a label of that name, are a mistake of ours."""
    one = Series("lag_h", "unit", "h", "", "")
    with pytest.raises(ValueError, match="lag_h twice"):
        Catalogue([one, one], {})
    with pytest.raises(ValueError, match="lag_h twice"):
        Catalogue([one], {"unit": ("lag_h",)})
