"""House rules that no linter knows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.support.source_tree import PACKAGES, ROOT, Module, modules, own_modules

MOST_LINES = 400

# Time in SQL comes from the service that writes it: data time may be scaled, and a database's clock is not.
DATABASE_CLOCK = re.compile(
    r"\b(now\s*\(\s*\)|(clock|statement|transaction)_timestamp|timeofday|current_(timestamp|date|time)\b"
    r"|local(timestamp|time)\b|'(now|today|yesterday|tomorrow)'\s*::)",
    re.IGNORECASE,
)

# The service runner makes tasks; everybody else uses task groups.
MAY_MAKE_TASKS = {"energy.services", "energy.waiting"}

REASONED = re.compile(r"#\s*(noqa: [A-Z0-9, ]+|type: ignore\[[a-z-, ]+\])(.*)$")


def test_files_stay_short() -> None:
    """A file of more than 400 lines does two things."""
    long = {
        str(path.relative_to(ROOT)): count
        for folder in (*PACKAGES, "tests", "benchmarks")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".sql"} and (count := len(path.read_text(encoding="utf-8").splitlines())) > MOST_LINES
    }
    assert not long


def test_sql_never_reads_the_databases_clock() -> None:
    """Neither in .sql files nor in strings of Python."""
    offences = [f"{place}:{line}: {found}" for place, line, found in _clock_reads()]
    assert not offences


def test_tasks_are_made_by_the_runner_and_by_task_groups() -> None:
    """A task that nobody waits for loses its error and outlives its owner."""
    offences = [
        f"{module.place}:{call.lineno}: {ast.unparse(call.func)}"
        for module in own_modules()
        if module.name not in MAY_MAKE_TASKS
        for call in _task_calls(module)
    ]
    assert not offences


def test_tests_do_not_sleep() -> None:
    """They wait for conditions; `sleep(0)` passes no time, and a simulated peer in tests/support may pace itself."""
    offences = [
        f"{module.place}:{node.lineno}"
        for module in modules("tests")
        if module.path.name.startswith("test_")
        for node in module.nodes
        if isinstance(node, ast.Call) and _called(node) == "sleep" and not _is_sleep_of_zero(node)
    ]
    assert not offences


def test_every_test_says_what_it_proves() -> None:
    """A docstring of one sentence; the name alone does not tell why."""
    silent = [
        f"{module.place}:{node.lineno}: {node.name}"
        for module in modules("tests")
        for node in module.nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
        if not ast.get_docstring(node)
    ]
    assert not silent


def test_every_exception_from_a_check_gives_its_reason() -> None:
    """A bare `noqa` or `type: ignore` says that somebody gave up."""
    offences = [
        f"{module.place}:{number}: {line.strip()}"
        for folder in (*PACKAGES, "tests", "benchmarks")
        for module in modules(folder)
        for number, line in enumerate(module.text.splitlines(), start=1)
        if _is_without_reason(line)
    ]
    assert not offences


def _clock_reads() -> Iterator[tuple[str, int, str]]:
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.sql"):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
                if match := DATABASE_CLOCK.search(line.partition("--")[0]):
                    yield str(path.relative_to(ROOT)), number, match.group()
    for module in own_modules():
        docstrings = set(_docstrings(module))
        for node in module.nodes:
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or node in docstrings:
                continue
            if match := DATABASE_CLOCK.search(node.value):
                yield module.place, node.lineno, match.group()


def _docstrings(module: Module) -> Iterator[ast.expr]:
    """Strings that stand alone: docstrings, also those below attributes."""
    for node in module.nodes:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value


def _task_calls(module: Module) -> Iterator[ast.Call]:
    """Calls that make a task otherwise than through a TaskGroup opened or annotated in this module."""
    groups = set(_group_names(module))
    for node in module.nodes:
        if not isinstance(node, ast.Call) or _called(node) not in {"create_task", "ensure_future", "gather"}:
            continue
        owner = node.func.value if isinstance(node.func, ast.Attribute) else None
        if not (owner is not None and ast.unparse(owner) in groups):
            yield node


def _group_names(module: Module) -> Iterator[str]:
    for node in module.nodes:
        if isinstance(node, ast.AsyncWith):
            for item in node.items:
                if item.optional_vars is not None and "TaskGroup" in ast.unparse(item.context_expr):
                    yield ast.unparse(item.optional_vars)
        if isinstance(node, ast.arg) and node.annotation is not None and "TaskGroup" in ast.unparse(node.annotation):
            yield node.arg


def _called(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _is_sleep_of_zero(call: ast.Call) -> bool:
    return [ast.unparse(argument) for argument in call.args] == ["0"]


def _is_without_reason(line: str) -> bool:
    if not re.search(r"#\s*(noqa|type:\s*ignore)", line) or "REASONED" in line or Path(__file__).name in line:
        return False
    match = REASONED.search(line)
    return match is None or not match[2].strip(" -#—:")
