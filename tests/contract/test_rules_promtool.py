"""Our `for` and keep-firing against those of Prometheus's own rule engine, evaluation by evaluation."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import chain, product
from pathlib import Path

import pytest
import yaml

from alerts.life.model import AlertState
from alerts.rules.durations import in_words, seconds_of
from alerts.rules.files import rules_of
from alerts.rules.judging import Judge
from alerts.series.known import catalogue
from alerts.trying.cases import Case, Course, Tried
from alerts.trying.courses import course
from deploy.stack.alerting import Tool
from energy.config import parse_document
from tests.support.alerting import run_tool

STEPS = 60
EVALUATION = 60
# Also such as are no multiple of the time between evaluations.
FOR = ("0", "1m", "2m", "3m30s", "10m")
KEEP = ("0", "59s", "1m", "2m", "7m30s")
RULES = list(product(FOR, KEEP))


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 12))])
async def test_alerts_stand_as_prometheus_says_at_every_evaluation(seed: int, tmp_path: Path) -> None:
    """Series that rise and fall in short and long runs, under rules of every pair of times.

    At each evaluation promtool finds the very alerts pending and firing that ours are.
    """
    series = list(_series(random.Random(seed), 5))  # noqa: S311 - a sample, not a secret
    ours = _ours(series)
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": list(_rules())}]}))
    tests = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": in_words(EVALUATION),
        "tests": [
            {
                "interval": in_words(EVALUATION),
                "input_series": [
                    {"series": f'lag_h{{unit="u{at}"}}', "values": values} for at, values in enumerate(series)
                ],
                "promql_expr_test": [
                    {
                        "expr": "ALERTS",
                        "eval_time": in_words(step * EVALUATION),
                        "exp_samples": [{"labels": labels, "value": 1} for labels in standing],
                    }
                    for step, standing in enumerate(ours)
                ],
            }
        ],
    }
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump(tests))
    code, printed = await run_tool(Tool.PROMTOOL, "test", "rules", tmp_path / "tests.yaml")
    assert code == 0, printed[:4_000]
    shown = " ".join(chain.from_iterable(ours))
    assert all(f'alertstate="{state}"' in shown for state in ("pending", "firing"))


def _series(randomly: random.Random, count: int) -> Iterator[str]:
    """Runs above and at 0, mostly short, with a blip of a single evaluation now and then; in promtool's notation."""
    runs = ("0x{0}", "1x{0}", "0.5-0.25x2 0x{0}", "-1+1x{0}", "2-1x{0}")
    for _ in range(count):
        yield " ".join(randomly.choice(runs).format(randomly.choice([0, 0, 1, 2, 4, 7, 12])) for _ in range(STEPS // 2))


def _rules() -> Iterator[dict[str, str]]:
    for at, (lasting, keep) in enumerate(RULES):
        # Prometheus reads 0s, and keep_firing_for only where there is one.
        rule = {"alert": f"r{at}", "expr": "lag_h > 0", "for": lasting if lasting != "0" else "0s"}
        yield rule if keep == "0" else {**rule, "keep_firing_for": keep}


def _ours(series: list[str]) -> list[list[str]]:
    """For every evaluation the alerts that are pending or firing, as Prometheus's series ALERTS labels them."""
    text = "".join(
        f'[[rule]]\ncode = "r{at}"\nsubject = "unit"\nwhen = "lag_h > 0"\nfor = "{lasting}"\nkeep_firing = "{keep}"\n'
        'severity = "warning"\nmessage = { zh = "", en = "" }\n'
        for at, (lasting, keep) in enumerate(RULES)
    )
    tried = tuple(Tried(name=f"u{at}", subject="unit", series={"lag_h": values}) for at, values in enumerate(series))
    case = Case(name="", interval="1m", subjects=tried, transitions=(Course("r0", "u0", ()),))
    standing: list[list[str]] = [[] for _ in range(STEPS)]
    rules = {rule.code: rule for rule in rules_of([parse_document(text, "test")], catalogue())}
    for rule in (rules[f"r{at}"] for at in range(len(RULES))):
        for unit in tried:
            _, steps = course(Judge(rule, catalogue()), case, unit, seconds_of("1m"))
            for step in steps:
                if step.at_s >= STEPS * EVALUATION:
                    break
                if step.standing is not None and step.standing.state in {AlertState.PENDING, AlertState.FIRING}:
                    labels = f'alertname="{rule.code}", alertstate="{step.standing.state}", unit="{unit.name}"'
                    standing[step.at_s // EVALUATION].append(f"ALERTS{{{labels}}}")
    return standing
