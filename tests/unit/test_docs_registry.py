"""The page on the registry lists every field of it with its default, and its example is a registry that is taken."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
import pytest

from energy.balance import Flow
from energy.quantities import Derived
from energy.registry import Gateway, Meter, Point, Registry, Unit
from energy.registry.checks import check
from energy.registry.model import PRODUCTION

PAGE = (Path(__file__).parents[2] / "docs" / "registry.md").read_text(encoding="utf-8")
EXAMPLE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def rows(name: str) -> dict[str, tuple[str, str]]:
    """The table of that mark: the second and the third cell by the first."""
    body = PAGE.split(f"<!-- {name} -->\n\n", 1)[1].split("\n\n", 1)[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in body.splitlines()[2:]]
    assert all(len(row) == 3 and row[2] for row in cells)
    return {row[0].strip("`"): (row[1], row[2]) for row in cells}


def default_words(field: msgspec.structs.FieldInfo) -> str:
    """How the page writes a default."""
    if field.required:
        return "required"
    made: Any = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
    if made is None or made == "":
        return "none" if made is None else "empty"
    return f"`{str(made).lower() if isinstance(made, bool) else f'{made:g}' if isinstance(made, float) else made}`"


@pytest.mark.parametrize("struct", [Unit, Gateway, Meter, Point], ids=lambda struct: struct.__name__)
def test_every_field_stands_there_with_its_default(struct: type[msgspec.Struct]) -> None:
    """In the order of the code, and no other."""
    found = {name: default for name, (default, _) in rows(struct.__name__).items()}
    assert list(found.items()) == [(one.encode_name, default_words(one)) for one in msgspec.structs.fields(struct)]


@pytest.mark.parametrize(
    ("words", "where"), [(Flow, rows("Point")["flow"][1]), (Derived, " ".join(rows("quantities")))]
)
def test_words_that_a_field_may_have_are_those_of_the_code(words: type[StrEnum], where: str) -> None:
    """Every one of them is named."""
    assert {word.value for word in words} <= set(re.findall(r"\w+", where))


def test_the_example_is_taken_and_shows_each_sort_of_point() -> None:
    """Import and export, photovoltaics, a power, interval values, heat, a product, a parent and a check meter."""
    (text,) = EXAMPLE
    names: dict[str, Any] = {}
    exec(text, names)  # noqa: S102 - the page's own example
    registry = names["registry"]
    assert isinstance(registry, Registry)
    check(registry)
    flows = {point.flow for point in registry.points}
    assert flows >= {None, Flow.SOLD, Flow.RENEWABLE}
    assert {point.quantity for point in registry.points} >= {"register", "rate", "interval"}
    assert {meter.carrier for meter in registry.meters} >= {"heat", PRODUCTION}
    assert any(meter.parent for meter in registry.meters)
    assert any(meter.check_meter for meter in registry.meters)


def test_it_says_that_a_coal_store_needs_no_meter() -> None:
    """What a newcomer asked first."""
    assert "A coal store needs no meter" in PAGE
