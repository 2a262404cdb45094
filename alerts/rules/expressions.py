"""Conditions over named series: read and checked once, then judged for all rows at once.

The library simpleeval walks the parts that `grammar` let through, with operators of three-valued logic in place of
Python's; there is no eval, and no name beyond the columns that are given.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from functools import reduce
from operator import and_, or_
from typing import Any, ClassVar

import numpy as np
import simpleeval  # type: ignore[import-untyped] # it ships no types; only this module imports it
from numpy.typing import NDArray

from alerts.rules import grammar, kleene
from alerts.rules.kleene import Numbers, States, Tri


class Expression:
    """A condition that was checked.

    Args:
        text: what was written.
        body: its parts, from `grammar.parse`.
        names: the series that it uses.
    """

    def __init__(self, text: str, body: ast.expr, names: frozenset[str]) -> None:
        self.text = text
        self.names = names
        self._body = body

    def states(self, columns: Mapping[str, NDArray[np.float64]]) -> States:
        """TRUE, FALSE or UNKNOWN per row.

        Args:
            columns: at least the series that the expression names, all of one length; NaN is "not known".
        """
        used = {name: kleene.finite(columns[name]) for name in sorted(self.names)}
        count = len(columns[next(iter(used))])
        return kleene.truth(_Evaluator(used).eval(self.text, self._body)).states(count)


def compile_expression(text: str, units: Mapping[str, str]) -> Expression:
    """Check a condition over series of these names.

    Args:
        text: the condition.
        units: the unit of measure of each series that may be named, as `grammar.check` takes them.

    Raises:
        grammar.ExpressionError: with all that is wrong, and where.
    """
    body = grammar.parse(text)
    names = grammar.check(body, units)
    _see_series(names, units)
    return Expression(text, body, names)


def with_parameters(text: str, units: Mapping[str, str], parameters: Mapping[str, float]) -> str:
    """The condition with the values of a rule's parameters in place of their names: evidence then says all of it.

    Raises:
        grammar.ExpressionError: with all that is wrong, and where in `text`.
    """
    body = grammar.parse(text)
    _see_series(grammar.check(body, {**units, **dict.fromkeys(parameters, grammar.ANY)}), units)
    names = [part for part in ast.walk(body) if isinstance(part, ast.Name) and part.id in parameters]
    for name in sorted(names, key=lambda part: part.col_offset, reverse=True):
        value, rest = repr(float(parameters[name.id])).removesuffix(".0"), text[name.col_offset + len(name.id) :]
        # A power binds closer than a sign.
        shown = f"({value})" if value.startswith("-") and rest.lstrip().startswith("**") else value
        text = text[: name.col_offset] + shown + rest
    # A value may be too large, or the text too long with it.
    return compile_expression(text, units).text


def _see_series(names: frozenset[str], units: Mapping[str, str]) -> None:
    if not names & units.keys():
        raise grammar.ExpressionError((grammar.Slip(1, "names no series, so that it always says the same"),))


class _Evaluator(simpleeval.SimpleEval):  # type: ignore[misc] # the library is untyped
    """The library's walk over the parts of an expression, with our operators and nothing of its own."""

    OPERATORS: ClassVar[Mapping[type[ast.AST], Callable[..., Any]]] = {
        ast.Add: kleene.arithmetic(np.add),
        ast.Sub: kleene.arithmetic(np.subtract),
        ast.Mult: kleene.arithmetic(np.multiply),
        ast.Div: kleene.arithmetic(np.divide),
        ast.Pow: kleene.arithmetic(np.power),
        ast.USub: np.negative,
        ast.UAdd: np.positive,
        ast.Not: lambda value: ~kleene.truth(value),
        ast.Lt: kleene.less,
        ast.LtE: kleene.less_equal,
        ast.Gt: kleene.greater,
        ast.GtE: kleene.greater_equal,
        ast.Eq: kleene.equal,
        ast.NotEq: kleene.not_equal,
    }
    FUNCTIONS: ClassVar[Mapping[str, Callable[..., Any]]] = {
        "abs": np.abs,
        "min": kleene.lowest,
        "max": kleene.highest,
        "coalesce": kleene.coalesce,
        "known": kleene.known,
    }

    def __init__(self, columns: Mapping[str, Numbers]) -> None:
        super().__init__(operators=dict(self.OPERATORS), functions=dict(self.FUNCTIONS), names=dict(columns))
        self.nodes = {
            ast.Constant: lambda node: np.float64(node.value),
            ast.Name: self._eval_name,
            ast.UnaryOp: self._eval_unaryop,
            ast.BinOp: self._eval_binop,
            ast.BoolOp: self._all_or_any,
            ast.Compare: self._chain,
            ast.Call: self._eval_call,
        }

    def _all_or_any(self, node: ast.BoolOp) -> Tri:
        """Every part counts for some row, so that none is skipped."""
        found = [kleene.truth(self._eval(value)) for value in node.values]
        return reduce(and_ if isinstance(node.op, ast.And) else or_, found)

    def _chain(self, node: ast.Compare) -> Tri:
        """`a < b < c` is `a < b and b < c`."""
        values = [self._eval(part) for part in (node.left, *node.comparators)]
        pairs = zip(node.ops, values[:-1], values[1:], strict=True)
        found: list[Tri] = [self.operators[type(operator)](left, right) for operator, left, right in pairs]
        return reduce(and_, found)
