"""What an expression may consist of: every part is looked at, and all that is not in this list is refused. Pure.

    numbers       12, 0.97, 1e3
    names         series of the subject, parameters of the rule
    arithmetic    + - * / and ** with a number of at most 4 as exponent
    comparisons   < <= > >= == !=, also chained: 0.8 <= used_share < 1
    logic         and or not
    functions     abs(x) min(x, y, …) max(x, y, …) coalesce(x, y, …) known(x)

Nothing here evaluates anything. Quantities and truths are told apart, and quantities in different units of measure are
not added or compared.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, cast

from energy.toml_words import close_to

ALLOWED = "numbers, series, parameters, parentheses, + - * / **, comparisons, and or not, abs min max coalesce known"
MOST_CHARACTERS = 1_000
MOST_DEPTH = 30
"""Of parts within parts; Python's own parser gives up far later, and a reader earlier."""
MOST_EXPONENT = 4
MOST_NUMBER = 1e18
ANY = "any"
"""The unit of measure of plain numbers, parameters and series whose unit depends on the row: fits every other."""
FUNCTIONS = {"abs": (1, 1), "min": (2, 9), "max": (2, 9), "coalesce": (2, 9), "known": (1, 1)}
"""The functions that may be called, with the least and most numbers that each takes."""
UNCHECKED = "unchecked"
"""The unit of figures whose series nobody knows any more, as in old evidence: fits all, and may stand for a truth."""
FLAG = ""
"""The unit of series that are 0 or 1: they may stand for a truth."""

_FOREIGN = re.compile(r"[^ -~\s]|#")


@dataclass(frozen=True, slots=True)
class Slip:
    """One thing wrong with an expression: at which character (from 1), and what."""

    at: int
    message: str

    def __str__(self) -> str:
        return f"at character {self.at}: {self.message}"


class ExpressionError(ValueError):
    """An expression is not allowed, or makes no sense; `slips` lists all that is wrong with it."""

    def __init__(self, slips: tuple[Slip, ...]) -> None:
        super().__init__("; ".join(map(str, slips)))
        self.slips = slips


@dataclass(frozen=True, slots=True)
class Quantity:
    """The kind of a part that is a number, and its unit of measure."""

    unit: str


class Truth:
    """The kind of a part that holds or does not."""


Kind: TypeAlias = Quantity | Truth | None
"""None: wrong, and said so."""
TRUTH = Truth()


def parse(text: str) -> ast.expr:
    """The parts of an expression.

    Raises:
        ExpressionError: it is none, or too long.
    """
    if len(text) > MOST_CHARACTERS:
        raise ExpressionError((Slip(MOST_CHARACTERS + 1, f"longer than {MOST_CHARACTERS} characters"),))
    if foreign := _FOREIGN.search(text):
        wrong = f"{foreign.group()!r} is no part of an expression"
        raise ExpressionError((Slip(foreign.start() + 1, f"{wrong} (allowed: {ALLOWED})"),))
    # One line, so that positions count through; a condition over several lines is one condition.
    line = re.sub(r"\s", " ", text)
    start = len(line) - len(line.lstrip())
    if not line.strip():
        raise ExpressionError((Slip(1, f"empty (allowed: {ALLOWED})"),))
    try:
        with warnings.catch_warnings():
            # What Python merely frowns at, such as 1if, is refused.
            warnings.simplefilter("error")
            return cast("ast.expr", _shifted(ast.parse(line[start:], mode="eval").body, start))
    except SyntaxError as error:
        # Where the text ends too early Python names no place.
        at = error.offset or len(line[start:]) + 1
        raise ExpressionError((Slip(at + start, f"cannot be read: {error.msg}"),)) from None
    except (RecursionError, MemoryError):
        raise ExpressionError((Slip(1, "nested too deeply"),)) from None


def _shifted(node: ast.AST, by: int) -> ast.AST:
    for part in ast.walk(node):
        if hasattr(part, "col_offset"):
            part.col_offset += by
    return node


def check(body: ast.expr, units: Mapping[str, str]) -> frozenset[str]:
    """See to it that an expression is a condition over these names, and return those that it uses.

    Args:
        body: from `parse`.
        units: the unit of measure of every series and parameter that it may name: ANY, FLAG, "1" for ratios, or a unit.

    Raises:
        ExpressionError: with all that is wrong.
    """
    checker = _Checker(units)
    checker.condition(body, 0)
    if checker.slips:
        raise ExpressionError(tuple(sorted(checker.slips, key=lambda slip: slip.at)))
    return frozenset(checker.used)


@dataclass
class _Checker:
    units: Mapping[str, str]
    slips: list[Slip] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    def condition(self, node: ast.expr, depth: int) -> None:
        """A part that must hold or not."""
        kind = self.kind(node, depth)
        if isinstance(kind, Quantity) and kind.unit not in {FLAG, UNCHECKED}:
            self.slip(node, "a number, where a condition is expected: compare it with something")

    def quantity(self, node: ast.expr, depth: int) -> Quantity | None:
        """A part that must be a number."""
        kind = self.kind(node, depth)
        if isinstance(kind, Truth):
            self.slip(node, "a condition, where a number is expected")
            return None
        return kind

    def kind(self, node: ast.expr, depth: int) -> Kind:
        """What a part is; a fault is noted once, where it is."""
        if depth > MOST_DEPTH:
            if not any(slip.message.startswith("nested") for slip in self.slips):
                self.slip(node, f"nested deeper than {MOST_DEPTH}")
            return None
        handle = _HANDLERS.get(type(node))
        if handle is None:
            what = _WORDS.get(type(node), type(node).__name__)
            return self.slip(node, f"{what}: not allowed (allowed: {ALLOWED})")
        return handle(self, node, depth + 1)

    def slip(self, node: ast.expr, message: str) -> Kind:
        """Note a fault at a part; of its kind nothing can be said."""
        self.slips.append(Slip(node.col_offset + 1, message))
        return None

    def constant(self, node: ast.Constant, _: int) -> Kind:
        value = node.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            return self.slip(node, f"{value!r} is not a number (allowed: {ALLOWED})")
        # As text 1e999 is infinite; a whole number may be beyond every float.
        if abs(value) > MOST_NUMBER:
            return self.slip(node, "too large a number")
        return Quantity(ANY)

    def name(self, node: ast.Name, _: int) -> Kind:
        if node.id not in self.units:
            close = close_to(node.id, sorted(self.units))
            meant = f", did you mean {close[0]}?" if close else f" (known: {', '.join(sorted(self.units))})"
            return self.slip(node, f"no series or parameter {node.id!r}{meant}")
        self.used.add(node.id)
        return Quantity(self.units[node.id])

    def boolean(self, node: ast.BoolOp, depth: int) -> Kind:
        # A long chain of one operator is flat to Python, so it costs no depth.
        for value in node.values:
            self.condition(value, depth)
        return TRUTH

    def unary(self, node: ast.UnaryOp, depth: int) -> Kind:
        if isinstance(node.op, ast.Not):
            self.condition(node.operand, depth)
            return TRUTH
        if isinstance(node.op, ast.Invert):
            return self.slip(node, f"the operator ~: not allowed (allowed: {ALLOWED})")
        return _plain(self.quantity(node.operand, depth))

    def comparison(self, node: ast.Compare, depth: int) -> Kind:
        if any(not isinstance(op, _COMPARISONS) for op in node.ops):
            return self.slip(node, f"in, is: not allowed (allowed: {ALLOWED})")
        self.same_unit(node, [node.left, *node.comparators], depth)
        return TRUTH

    def operation(self, node: ast.BinOp, depth: int) -> Kind:
        if isinstance(node.op, ast.Pow):
            return self.power(node, depth)
        if isinstance(node.op, ast.Add | ast.Sub):
            return self.same_unit(node, [node.left, node.right], depth)
        if not isinstance(node.op, ast.Mult | ast.Div):
            return self.slip(node, f"an operator that is not allowed (allowed: {ALLOWED})")
        left, right = self.quantity(node.left, depth), self.quantity(node.right, depth)
        if left is None or right is None:
            return None
        return Quantity(_combined(left.unit, right.unit, divided=isinstance(node.op, ast.Div)))

    def power(self, node: ast.BinOp, depth: int) -> Kind:
        exponent = node.right.value if isinstance(node.right, ast.Constant) else None
        # An exponent of 0 would make a number out of what is not known.
        if type(exponent) not in (int, float) or not 0 < cast("float", exponent) <= MOST_EXPONENT:
            return self.slip(node.right, f"an exponent must be a number above 0, at most {MOST_EXPONENT}")
        base = self.quantity(node.left, depth)
        return base and Quantity("1" if base.unit in {FLAG, "1"} else ANY)

    def call(self, node: ast.Call, depth: int) -> Kind:
        name = node.func.id if isinstance(node.func, ast.Name) else None
        if name not in FUNCTIONS:
            shown = repr(name) if name else "what is called here"
            return self.slip(node, f"{shown} is no function that is allowed (allowed: {', '.join(FUNCTIONS)})")
        least, most = FUNCTIONS[name]
        starred = any(isinstance(argument, ast.Starred) for argument in node.args)
        if node.keywords or starred or not least <= len(node.args) <= most:
            wanted = str(least) if least == most else f"{least} or more"
            return self.slip(node, f"{name}() takes {wanted} numbers")
        unit = self.same_unit(node, node.args, depth)
        return TRUTH if name == "known" else unit

    def same_unit(self, node: ast.expr, parts: list[ast.expr], depth: int) -> Quantity | None:
        """Numbers that are added or compared; the unit that they have in common."""
        kinds = [self.quantity(part, depth) for part in parts]
        if None in kinds:
            return None
        units = list(dict.fromkeys(kind.unit for kind in kinds if kind is not None and kind.unit not in _LOOSE))
        shown = [unit or "0 or 1" for unit in units]
        if len(units) > 1:
            self.slip(node, f"different units of measure: {' and '.join(shown)}")
        return Quantity(units[0] if units and units[0] != FLAG else ANY)


def _plain(kind: Quantity | None) -> Kind:
    """A flag that was calculated with is a number."""
    return Quantity(ANY) if kind is not None and kind.unit in {FLAG, UNCHECKED} else kind


def _combined(left: str, right: str, *, divided: bool) -> str:
    """The unit of a product or quotient, where it is plain; ANY where a unit of measure of its own arises."""
    if not _LOOSE.isdisjoint({left, right}):
        return ANY
    if divided and left == right:
        return "1"
    if right in {"1", FLAG}:
        return left if left != FLAG else ANY
    return right if left in {"1", FLAG} and not divided else ANY


_LOOSE = frozenset({ANY, UNCHECKED})
_COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)
_HANDLERS: dict[type[ast.expr], Callable[[_Checker, ast.expr, int], Kind]] = cast(
    "dict[type[ast.expr], Callable[[_Checker, ast.expr, int], Kind]]",
    {
        ast.Constant: _Checker.constant,
        ast.Name: _Checker.name,
        ast.BoolOp: _Checker.boolean,
        ast.UnaryOp: _Checker.unary,
        ast.Compare: _Checker.comparison,
        ast.BinOp: _Checker.operation,
        ast.Call: _Checker.call,
    },
)
_WORDS: dict[type[ast.expr], str] = {
    ast.Attribute: "an attribute (a dot)",
    ast.Subscript: "a subscript (square brackets)",
    ast.Lambda: "lambda",
    ast.IfExp: "if … else",
    ast.JoinedStr: "text",
    ast.NamedExpr: "an assignment",
    ast.List: "a list",
    ast.Tuple: "a tuple (a comma)",
    ast.Dict: "a table",
    ast.Set: "a set",
    ast.Await: "await",
}
