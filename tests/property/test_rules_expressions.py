"""Expressions of rules against a plain row-by-row interpreter, and against people who mean harm."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alerts.rules.expressions import compile_expression, with_parameters
from alerts.rules.grammar import ANY, FLAG, ExpressionError
from alerts.rules.kleene import UNKNOWN

UNITS = {"a": ANY, "b": ANY, "c": ANY, "f": FLAG, "g": FLAG}
Row = Mapping[str, float]

_figures = st.sampled_from([math.nan, math.inf, -1.5, 0.0, 0.5, 1.0, 2.0, 3.0, 1e300])
_flags = st.sampled_from([math.nan, 0.0, 1.0])
_rows = st.lists(
    st.fixed_dictionaries({"a": _figures, "b": _figures, "c": _figures, "f": _flags, "g": _flags}),
    min_size=1,
    max_size=6,
)


def _numbers(deeper: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(deeper, deeper)
    return st.one_of(
        st.tuples(two, st.sampled_from("+-*/")).map(lambda part: f"({part[0][0]} {part[1]} {part[0][1]})"),
        st.tuples(two, st.sampled_from(["min", "max", "coalesce"])).map(
            lambda part: f"{part[1]}({part[0][0]}, {part[0][1]})"
        ),
        deeper.map(lambda part: f"abs({part})"),
        deeper.map(lambda part: f"-{part}"),
        deeper.map(lambda part: f"({part}) ** 2"),
    )


def _conditions(deeper: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.lists(deeper, min_size=2, max_size=3).map(lambda parts: f"({' and '.join(parts)})"),
        st.lists(deeper, min_size=2, max_size=3).map(lambda parts: f"({' or '.join(parts)})"),
        deeper.map(lambda part: f"(not {part})"),
    )


_number = st.recursive(st.sampled_from(["a", "b", "c", "0", "2", "0.5"]), _numbers, max_leaves=5)
_comparison = st.lists(_number, min_size=2, max_size=3).flatmap(
    lambda parts: st.lists(
        st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), min_size=len(parts) - 1, max_size=len(parts) - 1
    ).map(
        lambda signs: (
            "(" + parts[0] + "".join(f" {sign} {part}" for sign, part in zip(signs, parts[1:], strict=True)) + ")"
        )
    )
)
_condition = st.recursive(
    st.one_of(_comparison, st.sampled_from(["f", "g", "known(a)", "known(b / c)"])), _conditions, max_leaves=6
)


@given(_condition, _rows)
@example("a < b < c", [{"a": 2.0, "b": 1.0, "c": 3.0, "f": 0.0, "g": 0.0}])
@example("0 == a", [{"a": math.nan, "b": 0.0, "c": 0.0, "f": 0.0, "g": 0.0}])
def test_columns_say_what_a_plain_interpreter_says_of_each_row(text: str, rows: list[Row]) -> None:
    """Vectorised or row by row, with every mixture of what is known and not."""
    try:
        expression = compile_expression(text, UNITS)
    except ExpressionError:
        assert not set("abcfg") & {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
        return
    columns = {name: np.array([row[name] for row in rows]) for name in UNITS}
    wanted = [_truth(_plain(ast.parse(text, mode="eval").body, row)) for row in rows]
    assert [{1: True, 0: False, UNKNOWN: None}[state] for state in expression.states(columns).tolist()] == wanted


@given(_condition, _rows, st.floats(-5, 5))
def test_parameters_mean_their_values(text: str, rows: list[Row], value: float) -> None:
    """A name of a parameter and its value in its place are one condition, also where a sign meets a power."""
    with_name = text.replace("0.5", "level")
    try:
        filled = with_parameters(with_name, UNITS, {"level": value})
    except ExpressionError:
        return
    columns = {name: np.array([row[name] for row in rows]) for name in UNITS}
    columns["level"] = np.full(len(rows), value)
    named = compile_expression(with_name, {**UNITS, "level": ANY})
    assert compile_expression(filled, UNITS).states(columns).tolist() == named.states(columns).tolist()


def test_the_power_of_a_negative_parameter_is_that_of_its_value() -> None:
    """A sign that is written before a power would be taken last."""
    assert with_parameters("a > level ** 2 - level", UNITS, {"level": -2}) == "a > (-2) ** 2 - -2"


def test_a_parameter_may_be_no_number_that_an_expression_could_not_have() -> None:
    """It is refused when the rule is read, not when it is first judged."""
    with pytest.raises(ExpressionError, match="too large"):
        with_parameters("a > level", UNITS, {"level": 1e30})


@pytest.mark.parametrize(
    ("text", "at", "said"),
    [
        ("a > used.limit", 5, "an attribute"),
        ("__import__('os').system('true') > 1", 1, "no function"),
        ("open('x') > a", 1, "'open' is no function"),
        ("a > (lambda: 1)()", 5, "no function"),
        ("[x for x in (1, 2)] == a", 1, "not allowed"),
        ("a[0] > 1", 1, "a subscript"),
        ("a == 'x'", 6, "'x' is not a number"),
        ("a == True", 6, "True is not a number"),
        ("a ** 9 > 1", 6, "an exponent must be"),
        ("a ** b > 1", 6, "an exponent must be"),
        ("a ** 0 > 1", 6, "an exponent must be"),
        ("9 ** 4 ** 4 > a", 6, "an exponent must be"),
        ("a > 1e999", 5, "too large"),
        ("a > 1" + "0" * 400, 5, "too large"),
        ("a in b", 1, "not allowed"),
        ("a is b", 1, "not allowed"),
        ("a % 2 > 1", 1, "not allowed"),
        ("~a > 1", 1, "not allowed"),
        ("(a := 1) > 0", 2, "an assignment"),
        ("1 if a > b else f", 1, "if … else"),
        ("a > 1, b > 1", 1, "a tuple"),
        ("f'{a}' > 1", 1, "text"),
        ("a > 1 # or f", 7, "'#' is no part"),
        ("ａ > 1", 1, "no part"),
        ("a > 1; b > 1", 6, "cannot be read"),
        ("a >", 4, "cannot be read"),
        ("", 1, "empty"),
        ("1 < 2", 1, "names no series"),
        ("a", 1, "a number, where a condition"),
        ("a and f", 1, "a number, where a condition"),
        ("known(a > 1)", 7, "a condition, where a number"),
        ("min(a) > 1", 1, "min() takes"),
        ("min(*a) > 1", 1, "min() takes"),
        ("abs(x=a) > 1", 1, "abs() takes"),
        ("f and aa > 1", 7, "did you mean a?"),
        ("share > energy", 1, "different units of measure: 1 and kWh"),
        ("not " * 40 + "f", 125, "nested deeper"),
        ("a > " + "(" * 300 + "b" + ")" * 300, None, ""),
        ("a > " + "-" * 900 + "b", None, ""),
        ("a" * 2_000, 1_001, "longer than"),
    ],
)
def test_what_is_not_allowed_is_refused_with_its_place(text: str, at: int | None, said: str) -> None:
    """Before anything is evaluated: with the character where it stands, and what is wrong."""
    with pytest.raises(ExpressionError) as refused:
        compile_expression(text, {**UNITS, "share": "1", "energy": "kWh"})
    if at is not None:
        assert refused.value.slips[0].at == at
        assert said in refused.value.slips[0].message


@given(st.text(alphabet="abf()[]{}.,:;<>=!+-*/%~@\"'_ \n0129eandortif#lmkwx", max_size=60))
def test_nothing_written_at_random_does_anything_but_be_refused_or_judged(text: str) -> None:
    """No other exception, and no state but the three."""
    columns = {name: np.array([1.0, math.nan]) for name in UNITS}
    try:
        found = set(compile_expression(text, UNITS).states(columns).tolist())
    except ExpressionError as error:
        found = {slip.at for slip in error.slips} - set(range(1, len(text) + 3))
    assert found <= {-1, 0, 1}


Value = float | bool | None
_OPERATORS: dict[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_SIGNS: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def _plain(node: ast.expr, row: Row) -> Value:
    """One row: None is not known, numbers are numbers, conditions are booleans."""
    return _PARTS[type(node)](node, row)


def _unary(node: ast.UnaryOp, row: Row) -> Value:
    value = _plain(node.operand, row)
    if isinstance(node.op, ast.USub):
        return None if value is None else -value
    truth = _truth(value)
    return None if truth is None else not truth


def _comparison_of(node: ast.Compare, row: Row) -> Value:
    values = [_plain(part, row) for part in (node.left, *node.comparators)]
    pairs = zip(node.ops, values[:-1], values[1:], strict=True)
    return _all([None if one is None or two is None else _SIGNS[type(op)](one, two) for op, one, two in pairs])


def _boolean(node: ast.BoolOp, row: Row) -> Value:
    truths = [_truth(_plain(part, row)) for part in node.values]
    if isinstance(node.op, ast.And):
        return _all(truths)
    opposite = _all([None if truth is None else not truth for truth in truths])
    return None if opposite is None else not opposite


_PARTS: dict[type[ast.expr], Callable[..., Value]] = {
    ast.Constant: lambda node, _: float(node.value),
    ast.Name: lambda node, row: _finite(row[node.id]),
    ast.UnaryOp: _unary,
    ast.BinOp: lambda node, row: _calculated(
        _OPERATORS[type(node.op)], _plain(node.left, row), _plain(node.right, row)
    ),
    ast.Call: lambda node, row: _called(node.func.id, [_plain(argument, row) for argument in node.args]),
    ast.Compare: _comparison_of,
    ast.BoolOp: _boolean,
}


def _all(truths: list[bool | None]) -> bool | None:
    return False if False in truths else None if None in truths else True


def _truth(value: Value) -> bool | None:
    return None if value is None else bool(value)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _calculated(calculate: Callable[[float, float], float], left: Value, right: Value) -> Value:
    if left is None or right is None:
        return None
    try:
        return _finite(calculate(left, right))
    except (ZeroDivisionError, OverflowError):
        return None


def _called(name: str, values: list[Value]) -> Value:
    if name == "known":
        return values[0] is not None
    if name == "coalesce":
        return next((value for value in values if value is not None), None)
    numbers = [value for value in values if value is not None]
    if len(numbers) < len(values):
        return None
    return abs(numbers[0]) if name == "abs" else min(numbers) if name == "min" else max(numbers)
