"""Draws a snapshot for a terminal of a given size; pure, so that a frame can be tested and printed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from deploy.demo.board_model import BoardSnapshot, Language, ProcessLine, QuotaLine
from deploy.demo.board_order import Rank, lines_to_show, rank
from deploy.demo.board_words import amount, date_and_time, measure_name, moment, period_name, span, word

_STYLES = {
    "green": "green",
    "blue": "bright_blue",
    "yellow": "yellow",
    "orange": "dark_orange",
    "red": "bold red",
    "grey": "bright_black",
}
_WIDE, _WIDEST = 108, 132
"""From these widths on the board has room for figures, and for the district too."""
_REMARK, _SHORT_REMARK = 14, 12
"""Least cells of the last column, which grows with what stands there: a date cut off says nothing."""
_CHROME = 10
"""Rows that are not lines of quotas: header 5, column titles 1, the rest's line 1, footer 3."""
_DISTRICT_SUFFIXES = (" District", " County", "区", "县")


def render(snapshot: BoardSnapshot, width: int, height: int, language: Language = "en") -> RenderableType:
    """One frame of `height` rows; `width` decides how much each line says."""
    lines = lines_to_show(snapshot.quotas)
    shown = lines[: max(1, height - _CHROME)]
    parts: list[RenderableType] = [_header(snapshot, lines, language)]
    if shown:
        parts.append(_quotas(snapshot, shown, width, language))
    else:
        parts.append(Text(f"\n {word('waiting for quotas', language)}", style="dim"))
    left = len({line.unit for line in lines} - {line.unit for line in shown})
    filler = max(0, height - _CHROME - max(1, len(shown)))
    parts.append(Text("\n" * filler + (f"  {word('more', language, left)}" if left else ""), style="dim"))
    parts.append(_footer(snapshot, language))
    return Group(*parts)


def _header(snapshot: BoardSnapshot, lines: Sequence[QuotaLine], language: Language) -> RenderableType:
    last = Table.grid(expand=True)
    last.add_column(no_wrap=True, overflow="ellipsis")
    last.add_column(justify="right", no_wrap=True)
    last.add_row(_newest(snapshot, language), _waiting(snapshot, language))
    notice = Text(snapshot.notice, style="bold yellow", no_wrap=True, overflow="ellipsis")
    speed = word("speed", language, span(snapshot.scale, language))
    return Panel(
        Group(_verdicts(lines, language), notice if snapshot.notice else _flow(snapshot, language), last),
        title=Text.assemble(("Quotawatt ", "bold cyan"), (_city(snapshot, language), "bold")),
        title_align="left",
        subtitle=Text.assemble((date_and_time(snapshot.now, language), "bold"), (f" · {speed}", "dim")),
        subtitle_align="right",
        box=box.ROUNDED,
        border_style="cyan",
        padding=(0, 1),
    )


def _city(snapshot: BoardSnapshot, language: Language) -> str:
    return snapshot.city_zh if language == "zh" else snapshot.city_en


def _verdicts(lines: Sequence[QuotaLine], language: Language) -> Text:
    pressing: dict[str, Rank] = {}
    for line in lines:
        pressing.setdefault(line.unit, rank(line))  # a unit's most pressing line comes first
    tally = Counter(pressing.values())
    broken, course = tally[Rank.BROKEN], tally[Rank.ON_COURSE]
    parts = [
        (broken + course, "flagged", "bold red" if broken else "bold dark_orange" if course else "dim"),
        (tally[Rank.CORRECTED], "corrected", "magenta"),
        (tally[Rank.PENDING], "pending", "dark_orange"),
        (tally[Rank.WARNED], "warned", "yellow"),
        (tally[Rank.UNKNOWN], "unknown", "bright_black"),
        (tally[Rank.FINE], "fine", "green"),
    ]
    shown = [(count, key, style) for count, key, style in parts if count or key in {"flagged", "fine"}]
    return _joined([Text(f"{count} {word(key, language)}", style=style) for count, key, style in shown])


def _flow(snapshot: BoardSnapshot, language: Language) -> Text:
    complete = snapshot.gateways_online == snapshot.gateways_total
    gateways = f"{snapshot.gateways_online}/{snapshot.gateways_total}"
    return _joined(
        [
            Text.assemble((f"{snapshot.readings_per_s:.0f}", "bold"), f" {word('readings', language)}"),
            Text(f"{count_of(snapshot.readings_stored)} {word('stored', language)}"),
            Text.assemble(f"{word('gateways', language)} ", (gateways, "bold green" if complete else "bold yellow")),
        ]
    )


def count_of(count: int) -> str:
    """A count with its thousands apart."""
    return f"{count:,}".replace(",", " ")


def _newest(snapshot: BoardSnapshot, language: Language) -> Text:
    newest = snapshot.newest_reading
    if newest is None:
        age = word("none yet", language)
    else:
        age = word("ago", language, span(max(0.0, (snapshot.now - newest).total_seconds()), language))
    return Text(f"{word('newest', language)} {age}")


def _waiting(snapshot: BoardSnapshot, language: Language) -> Text:
    parts = [
        f"{word(queue.name, language)} {'?' if queue.waiting is None else count_of(queue.waiting)}"
        for queue in snapshot.queues
    ]
    return Text(f"{word('waiting', language)}: " + "  ".join(parts) if parts else "")


def _quotas(snapshot: BoardSnapshot, lines: Sequence[QuotaLine], width: int, language: Language) -> Table:
    wide = width >= _WIDE
    table = Table(box=None, expand=True, padding=(0, 1, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("", width=1)
    table.add_column(word("unit", language), no_wrap=True, overflow="ellipsis", ratio=1, min_width=12)
    if width >= _WIDEST:
        table.add_column(word("district", language), no_wrap=True, overflow="ellipsis", max_width=12)
    table.add_column(word("quota", language), no_wrap=True, overflow="ellipsis", max_width=18 if wide else 12)
    table.add_column(word("use", language) if wide else word("short use", language), no_wrap=True, width=_bar(width))
    table.add_column(word("share", language), justify="right", no_wrap=True, width=5)
    table.add_column(word("pace", language), justify="right", no_wrap=True, width=6)
    if wide:
        table.add_column(word("figures", language), justify="right", no_wrap=True)
    remarks = [cell_len(remark(snapshot, line, language, wide=wide)) for line in lines]
    room = max(_REMARK if wide else _SHORT_REMARK, *remarks)
    table.add_column(word("remark", language), no_wrap=True, overflow="ellipsis", width=room)
    for line in lines:
        table.add_row(*_cells(snapshot, line, width, language))
    return table


def _bar(width: int) -> int:
    """Cells of a bar on a terminal of this width."""
    return max(8, min(24, width // 6))


def _cells(snapshot: BoardSnapshot, line: QuotaLine, width: int, language: Language) -> list[Text]:
    style = _STYLES.get(line.colour, "")
    wide = width >= _WIDE
    figures = Text(f"{amount(line.used)} / {amount(line.limit)} {line.limit_unit}", style="dim")
    mark = "●" if line.firing else "◐" if line.state == "pending" else "↺" if line.corrected else "·"
    name = line.name_zh if language == "zh" else line.name_en
    return [
        Text(mark, style=style),
        Text(name, style="bold" if line.firing else ""),
        *([Text(_district(snapshot, line, language), style="dim")] if width >= _WIDEST else []),
        Text(_quota(snapshot, line, language, wide=wide), style="" if line.firing else "dim"),
        bar(line.share, line.elapsed_share, _bar(width), style),
        Text(f"{line.share:.0%}", style=style),
        Text("–" if line.pace is None else f"{line.pace:.2f}", style=style),
        *([figures] if wide else []),
        Text(remark(snapshot, line, language, wide=wide), style="magenta" if line.corrected else style),
    ]


def _district(snapshot: BoardSnapshot, line: QuotaLine, language: Language) -> str:
    names = snapshot.districts_zh if language == "zh" else snapshot.districts_en
    name = names.get(line.district, line.district)
    suffix = next((end for end in _DISTRICT_SUFFIXES if name.endswith(end) and len(name) > len(end) + 1), "")
    return name.removesuffix(suffix)


def _quota(snapshot: BoardSnapshot, line: QuotaLine, language: Language, *, wide: bool) -> str:
    """What is limited, and when: by its name where there is room or names are short, else by its unit of measure."""
    what = measure_name(line.measure, language) if wide or language == "zh" else line.limit_unit
    return f"{period_name(line.period, line.period_start, snapshot.now, language)} {what}"


def remark(snapshot: BoardSnapshot, line: QuotaLine, language: Language, *, wide: bool) -> str:
    """Why a line stands where it stands, in few words; nothing where all is well."""
    if line.corrected and line.said is not None:
        figures = (amount(line.said), amount(line.used))
        return word("from to", language, *figures) if wide else word("corrected", language)
    if line.firing and line.cause == "exceeded":
        return word("exceeded", language, moment(line.since, snapshot.now))
    if line.verdict in {"stale", "no_data", "incomplete"}:
        return word(line.verdict, language)
    if line.exhausted_at is not None and line.state in {"pending", "firing"}:
        return word("on_course", language, moment(line.exhausted_at, snapshot.now))
    if line.firing:  # the projection has come down to the limit, but not far enough below it to clear the alert
        return word("lasting", language, moment(line.since, snapshot.now))
    return word("warned", language) if line.verdict == "warned" else ""


def bar(share: float, elapsed: float, cells: int, style: str) -> Text:
    """A bar of the used share of the limit, with a tick where an even pace would stand by now."""
    filled = min(cells, round(share * cells))
    text = Text("━" * filled, style=style)
    text.append("─" * (cells - filled), style="bright_black")
    tick = min(cells - 1, int(elapsed * cells))
    return Text.assemble(text[:tick], ("┃", "bold white"), text[tick + 1 :])


def _footer(snapshot: BoardSnapshot, language: Language) -> RenderableType:
    line = Text("  ", no_wrap=True, overflow="ellipsis").join(_processes(snapshot))
    return Panel(
        line,
        subtitle=Text(word("keys", language), style="dim"),
        subtitle_align="right",
        box=box.ROUNDED,
        border_style="bright_black",
        padding=(0, 1),
    )


def _processes(snapshot: BoardSnapshot) -> list[Text]:
    """One entry for each kind of process: `collector-1`, `collector-2` … share one, with a dot each."""
    kinds: dict[str, list[ProcessLine]] = {}
    for process in snapshot.processes:
        kinds.setdefault(process.name.rstrip("0123456789").rstrip("-"), []).append(process)
    return [_kind(name, members) for name, members in kinds.items()]


def _kind(name: str, members: Sequence[ProcessLine]) -> Text:
    text = Text(f"{name} ")
    for process in members:
        text.append("●", style="green" if process.running else "bold red")
    if restarts := sum(process.restarts for process in members):
        text.append(f" ↻{restarts}", style="yellow")
    return text


def _joined(parts: Sequence[Text]) -> Text:
    joined = Text(no_wrap=True, overflow="ellipsis")
    for position, part in enumerate(parts):
        joined.append(" · " if position else "", style="dim").append_text(part)
    return joined
