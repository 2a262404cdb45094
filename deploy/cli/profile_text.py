"""Meter profiles as text for a terminal: the list, one profile with its values, and the reads that bring them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from textwrap import TextWrapper

from collector.planning.planner import Read
from collector.profiles import AnyProfile, Confidence, Profile, Register, Value
from collector.profiles.dlt645 import DataItem
from collector.registers import DataType, WordOrder

_GAP = "  "
_LABEL = 15
_NARROWEST = 60
_PLACES: dict[type[Value], tuple[tuple[str, ...], set[int]]] = {
    Register: (("CODE", "ADDRESS", "FROM ONE", "TYPE"), {1, 2, 3}),
    DataItem: (("DATA ID", "IN BLOCK", "BYTES"), set()),
}
"""By the protocol's kind of value: the headings that say where it is found, and which columns are numbers."""

_DOCUMENT = {2: 10_000, 4: 30_000, 3: 40_000}
"""By function code: what documents add to the number of a discrete input, an input register or a holding register."""
_PAGE = 0x100


def confidences(profile: AnyProfile) -> dict[str, int]:
    """How many of its values are known how well, every degree named."""
    counts = Counter(value.confidence for value in profile.values)
    return {degree.value: counts[degree] for degree in Confidence}


def list_lines(profiles: Mapping[str, AnyProfile]) -> Iterator[str]:
    """A line for each profile, below a line of headings."""
    rows: list[tuple[str, ...]] = [
        ("NAME", "PROTOCOL", "CARRIER", "VALUES", "CONFIRMED", "FOUND", "RECALLED", "MAKER AND MODEL")
    ]
    for name, profile in profiles.items():
        known = confidences(profile)
        counts = (len(profile.values), known["confirmed"], known["found"], known["recalled"])
        rows.append((name, profile.protocol, profile.carrier, *map(str, counts), f"{profile.maker} {profile.model}"))
    return _columns(rows, right={3, 4, 5, 6})


def show_lines(name: str, profile: AnyProfile, file: str, reads: Sequence[Read], width: int) -> Iterator[str]:
    """One profile: what it is, its values, what to mind, the reads.

    Args:
        name: what configuration calls it.
        profile: the profile, its addresses zero-based.
        file: where it stands.
        reads: what brings all of its values; empty for another protocol than Modbus.
        width: columns of the terminal, for the prose.
    """
    yield f"{name}: {profile.maker} {profile.model}"
    for label, text in _facts(profile, file):
        yield from _labelled(label, text, width)
    yield ""
    yield from _value_lines(profile.values, width)
    if reads:
        yield ""
        yield f"All of it in {len(reads)} read{'s' if len(reads) > 1 else ''} (addresses as on the wire):"
        yield from _read_lines(reads, width)


def remark_lines(profile: AnyProfile, carriers: Collection[str], first: int = 0) -> Iterator[str]:
    """What is no fault of a profile, but seldom meant.

    Args:
        profile: the profile, its addresses zero-based.
        carriers: keys of the carriers that are known.
        first: the first address as the file counts, 0 or 1.
    """
    if profile.carrier not in carriers:
        yield f"carrier {profile.carrier}: no standard coal is derived from it (known: {', '.join(carriers)})"
    if isinstance(profile, Profile):
        yield from _document_numbers(profile, first)
    parts = sorted(
        (register.function_code, address, address + (layout.words or 1), register.name)
        for register in profile.values
        if isinstance(register, Register) and register.type is not DataType.BITS
        for address, layout in register.parts
        if address != register.exponent
    )
    for (code, _, end, name), (next_code, start, _, next_name) in pairwise(parts):
        if code == next_code and start < end:
            yield f"{next_name} at {start}, as on the wire, begins within {name}: is one of the types too wide?"


def _document_numbers(profile: Profile, first: int) -> Iterator[str]:
    """Addresses that are numbers of the document: 40011 says both "function code 3" and "the eleventh register"."""
    for code, base in _DOCUMENT.items():
        found = sorted(
            (register.address + first, register.name)
            for register in profile.registers
            if register.function_code == code
        )
        if not found or not all(base < written < base + 10_000 for written, _ in found):
            continue
        written, name = found[0]
        # A map that begins at a whole page, such as 0xB000 = 45056, is numbered in hexadecimal and means what it says.
        if (written - first) % _PAGE == 0 and written - first != base:
            continue
        number = written - base
        right = f"a one-based address is its last four digits, {number}"
        if not first:
            right = f"the address is one less than its last four digits, {number - 1}"
        yield f"{name} at {written}, function code {code}: looks like the document's number: {right}"


def _facts(profile: AnyProfile, file: str) -> Iterator[tuple[str, str]]:
    yield "protocol", profile.protocol
    yield "carrier", profile.carrier
    yield "counter", profile.counter
    if isinstance(profile, Profile):
        yield "limits", _limits(profile)
    yield "known", ", ".join(f"{count} {degree}" for degree, count in confidences(profile).items() if count)
    yield "sources", profile.source
    yield "notes", profile.notes
    yield "disagreements", profile.disagreements
    yield "file", file


def _limits(profile: Profile) -> str:
    parts = [f"at most {profile.max_words} registers a read, across holes of at most {profile.max_hole}"]
    if profile.forbidden:
        parts.append("never " + ", ".join(f"{first} to {last}" for first, last in profile.forbidden))
    return "; ".join(parts)


def _labelled(label: str, text: str, width: int) -> Iterator[str]:
    """A label and its text, with the lines below each other; nothing for no text."""
    return _broken(text, width, f"{label:{_LABEL}}", " " * _LABEL) if text else iter(())


def _value_lines(values: Sequence[Value], width: int) -> Iterator[str]:
    """A table of values, the note of each below it."""
    headings, right = _PLACES[type(values[0])]
    rows = [("VALUE", *headings, "UNIT", "SCALE", "RATIOS", "CONFIDENCE"), *map(_value_row, values)]
    head, *lines = _columns(rows, right=right)
    yield head
    for value, line in zip(values, lines, strict=True):
        yield line
        note = "; ".join(filter(None, (_more(value), value.note)))
        yield from _broken(note, width, "    ", "    ")


def _value_row(value: Value) -> tuple[str, ...]:
    ratios = " x ".join(ratio.upper() for ratio in value.ct_pt.ratios) or "-"
    return (value.name, *_place(value), value.unit, f"{value.scale:.10g}", ratios, value.confidence.value)


def _place(value: Value) -> tuple[str, ...]:
    """Where a value is found, in the cells of its protocol's `_PLACES`."""
    if isinstance(value, DataItem):
        block = f"{value.block} at {value.block_at}" if value.block else "-"
        return (value.data_id or "-", block, f"{value.length}{' signed' if value.signed else ''}")
    if isinstance(value, Register):
        kind = value.type.value if value.order is WordOrder.ABCD else f"{value.type} {value.order}"
        return (str(value.function_code), str(value.address), str(value.address + 1), kind)
    return ()


def _more(value: Value) -> str:
    """What else is known of a value, in words."""
    parts = [] if value.wrap is None else [f"starts again at {value.wrap:.15g} {value.unit}"]
    if value.offset:
        parts.append(f"{value.offset:+g} {value.unit}")
    if isinstance(value, Register):
        parts.extend(_layout_words(value))
    return "; ".join(parts)


def _layout_words(register: Register) -> Iterator[str]:
    if register.fraction is not None:
        yield f"plus the fraction in {register.fraction.address} ({register.fraction.type})"
    if register.exponent is not None:
        yield f"times ten to the power of {register.exponent}"
    if register.type is DataType.STRING:
        yield f"{register.words} registers"
    if register.type is DataType.BITS:
        yield f"bits {register.bit} to {register.bit + register.bits - 1}"
    if register.not_available:
        yield f"no value: {', '.join(map(_marker, register.not_available))}"


def _marker(raw: int) -> str:
    """A raw number as manuals write it: 0xFFFF for 65535."""
    return f"0x{raw:X}" if raw > 0 else str(raw)


def _read_lines(reads: Sequence[Read], width: int) -> Iterator[str]:
    """What each read asks for, and what it brings."""
    for read in reads:
        size = f"{read.count} in all" + (f", {read.wasted} of them unused" if read.wasted else "")
        names = ", ".join(register.name for register in read.registers)
        text = f"code {read.function_code}, {read.address} to {read.end - 1}, {size}: {names}"
        yield from _broken(text, width, "  ", "    ")


def _broken(text: str, width: int, first: str, then: str) -> Iterator[str]:
    """Prose in lines of at most `width`, broken between words: file names and ranges stay whole."""
    wrapper = TextWrapper(max(_NARROWEST, width), first, then, break_on_hyphens=False, break_long_words=False)
    return iter(wrapper.wrap(text))


def _columns(rows: Sequence[Sequence[str]], right: set[int]) -> Iterator[str]:
    """Rows as lines with aligned columns, those in `right` to the right; the last one is not filled up."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (
            cell.rjust(size) if at in right else cell.ljust(size)
            for at, (cell, size) in enumerate(zip(row, widths, strict=True))
        )
        yield _GAP.join(cells).rstrip()
