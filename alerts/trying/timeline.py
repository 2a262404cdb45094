"""The timeline of a back-test as a picture: a row per alert, its states as bars, breaches as marks. Pure; SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from alerts.life.model import ACTIVE, AlertState
from alerts.trying.episodes import Episode

_ROW, _TOP, _LEFT, _WIDTH, _RIGHT = 18, 44, 330, 860, 20
_COLOURS = {
    "green": "#2e9e5b",
    "blue": "#3b7dd8",
    "yellow": "#e0b000",
    "orange": "#e8792b",
    "red": "#cc3333",
    "grey": "#8a8f98",
}
_FAINT = {AlertState.RESOLVED: "#c9ced6", AlertState.CORRECTED: "#9b6fd1", AlertState.INACTIVE: ""}
_TICKS = (
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=6),
    timedelta(days=1),
    timedelta(days=2),
    timedelta(days=7),
    timedelta(days=14),
    timedelta(days=30),
    timedelta(days=91),
    timedelta(days=365),
)
_MOST_TICKS = 12
_NAMESPACE = 'xmlns="http://www.w3.org/2000/svg"'
_FONT = 'font-family="DejaVu Sans, Noto Sans CJK SC, sans-serif" font-size="11"'
_BOLD, _MIDDLE = 'font-weight="bold"', 'text-anchor="middle"'
_LEGEND = (
    "bars: pending pale, firing in the colour of its severity, corrected violet, resolved grey;  ✕ the limit broke"
)


def timeline(episodes: Sequence[Episode], since: datetime, until: datetime, zone: str, *, most: int = 200) -> str:
    """An SVG of at most `most` alerts, the first ones; what is left out is said.

    Args:
        episodes: in the order of the rows, top down.
        since: where the picture begins.
        until: where it ends, later than that.
        zone: IANA name, in which its times stand.
        most: rows.
    """
    shown = episodes[:most]
    left = len(episodes) - len(shown)
    scale = _Scale(since, until, ZoneInfo(zone))
    height = _TOP + _ROW * (len(shown) + 2)
    note = f"{_LEGEND}{f';  {left} more alerts are not shown' if left else ''}"
    parts = [
        f'<svg {_NAMESPACE} width="{_LEFT + _WIDTH + _RIGHT}" height="{height}" {_FONT}>',
        f'<rect width="100%" height="{height}" fill="white"/>',
        _text(8, 18, f"{scale.label(since)} – {scale.label(until)} {zone}", _BOLD),
        *scale.grid(height - _ROW),
        *(line for row, one in enumerate(shown) for line in _row(one, _TOP + _ROW * row, scale)),
        _text(8, height - 8, note),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


class _Scale:
    """From time to the picture's x."""

    def __init__(self, since: datetime, until: datetime, zone: ZoneInfo) -> None:
        self.since, self.until = since, until
        self._zone = zone

    def x(self, at: datetime) -> float:
        """Within the span; what lies outside is put on its border."""
        share = (at - self.since) / (self.until - self.since)
        return round(_LEFT + _WIDTH * min(1.0, max(0.0, share)), 1)

    def label(self, at: datetime) -> str:
        """Date and, where it is no midnight, time."""
        local = at.astimezone(self._zone)
        return f"{local:%Y-%m-%d}" if (local.hour, local.minute) == (0, 0) else f"{local:%m-%d %H:%M}"

    def grid(self, bottom: int) -> Iterator[str]:
        """Lines at even times, at most a dozen."""
        every = next((one for one in _TICKS if (self.until - self.since) / one <= _MOST_TICKS), _TICKS[-1])
        offset = self.since.astimezone(self._zone).utcoffset() or timedelta()
        midnight = datetime(2000, 1, 1, tzinfo=self.since.tzinfo) - offset
        at = self.since + (midnight - self.since) % every
        while at <= self.until:
            x = self.x(at)
            yield f'<line x1="{x}" y1="{_TOP - 8}" x2="{x}" y2="{bottom}" stroke="#e3e6ea"/>'
            yield _text(x, _TOP - 12, self.label(at), _MIDDLE)
            at += every


def _row(one: Episode, top: int, scale: _Scale) -> Iterator[str]:
    first = one.moves[0]
    period = "" if first.period_start is None else f" {first.period_start}"
    yield _text(8, top + 12, f"{first.code}{period} · {first.rule}")
    for state, start, end, colour in one.spans(scale.until):
        fill = _COLOURS.get(colour, "#8a8f98") if state in ACTIVE or state is AlertState.PENDING else _FAINT[state]
        if not fill:
            continue
        opacity = 0.35 if state is AlertState.PENDING else 1
        x = scale.x(start)
        width = max(1.5, round(scale.x(end) - x, 1))
        bar = f'<rect x="{x}" y="{top + 3}" width="{width}" height="{_ROW - 6}" fill="{fill}" fill-opacity="{opacity}">'
        yield f"{bar}<title>{escape(f'{state} from {scale.label(start)} to {scale.label(end)}')}</title></rect>"
    if one.broken_at is not None:
        yield _text(scale.x(one.broken_at), top + 13, "✕", f"{_MIDDLE} {_BOLD}")


def _text(x: float, y: float, text: str, style: str = "") -> str:
    return f'<text x="{x}" y="{y}" {style}>{escape(text)}</text>'
