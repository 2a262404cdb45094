"""The timeline of a back-test as a picture: a row per alert, its states as bars, breaches as marks. Pure; SVG."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from unicodedata import east_asian_width
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from alerts.life.model import AlertState
from alerts.life.terms import STATES, term
from alerts.rules.messages import Language
from alerts.trying.episodes import Episode

_ROW, _TOP, _WIDTH, _RIGHT = 18, 44, 860, 40
_NARROW, _WIDE = 7.0, 11.0
"""How wide a Latin and a Chinese character of the font are at most, on the average: no label meets a bar."""
_NARROWEST = 24
"""Left of the bars at least, so that half of the first time fits there."""
_MOST_CHARACTERS = 80
"""Of a label; of longer ones the middle is left out."""
_COLOURS = {
    "green": "#2e9e5b",
    "blue": "#3b7dd8",
    "yellow": "#e0b000",
    "orange": "#e8792b",
    "red": "#cc3333",
    "grey": "#8a8f98",
}
_OVER = {AlertState.RESOLVED: "#b4bac4", AlertState.CORRECTED: "#9b6fd1"}
_PALE = 0.35
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
    (AlertState.PENDING, _COLOURS["orange"], _PALE, 12),
    (AlertState.FIRING, _COLOURS["orange"], 1.0, 12),
    (AlertState.RESOLVED, _OVER[AlertState.RESOLVED], 1.0, 4),
    (AlertState.CORRECTED, _OVER[AlertState.CORRECTED], 1.0, 4),
)
"""States, with colour, opacity and height of the bar that each explains."""
_WORDS: Mapping[str, Mapping[Language, str]] = {
    "coloured": {"zh": "（按级别着色）", "en": ", in the colour of its severity"},
    "broken": {"zh": "✕ 突破限额", "en": "✕ the limit broke"},
    "more": {"zh": "；另有 {} 个预警未画出", "en": "; {} more alerts are not shown"},
    "span": {"zh": "{}，自 {} 至 {}", "en": "{} from {} to {}"},
}


def timeline(  # noqa: PLR0913 - what, when, how it is shown
    episodes: Sequence[Episode],
    since: datetime,
    until: datetime,
    zone: str,
    *,
    language: Language = "en",
    most: int = 200,
) -> str:
    """An SVG of at most `most` alerts, the first ones; what is left out is said.

    Args:
        episodes: in the order of the rows, top down.
        since: where the picture begins.
        until: where it ends, later than that.
        zone: IANA name, in which its times stand.
        language: of its words.
        most: rows.
    """
    shown = episodes[:most]
    labels = [_label(one) for one in shown]
    scale = _Scale(since, until, ZoneInfo(zone), left=round(24 + max(map(_wide, labels), default=_NARROWEST)))
    height = _TOP + _ROW * (len(shown) + 2)
    parts = [
        f'<svg {_NAMESPACE} width="{scale.left + _WIDTH + _RIGHT}" height="{height}" {_FONT}>',
        f'<rect width="100%" height="{height}" fill="white"/>',
        _text(8, 16, f"{scale.moment(since)} – {scale.moment(until)} {zone}", _BOLD),
        *scale.grid(height - 1.5 * _ROW),
        *(_text(8, _TOP + _ROW * row + 12, label) for row, label in enumerate(labels)),
        *(line for row, one in enumerate(shown) for line in _row(one, _TOP + _ROW * row, scale, language)),
        *_legend(height - 8, len(episodes) - len(shown), language),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


class _Scale:
    """From time to the picture's x."""

    def __init__(self, since: datetime, until: datetime, zone: ZoneInfo, *, left: int) -> None:
        self.since, self.until, self.left = since, until, left
        self._zone = zone

    def x(self, at: datetime) -> float:
        """Within the span; what lies outside is put on its border."""
        share = (at - self.since) / (self.until - self.since)
        return round(self.left + _WIDTH * min(1.0, max(0.0, share)), 1)

    def label(self, at: datetime) -> str:
        """Date and, where it is no midnight, time."""
        local = at.astimezone(self._zone)
        return f"{local:%Y-%m-%d}" if (local.hour, local.minute) == (0, 0) else f"{local:%m-%d %H:%M}"

    def moment(self, at: datetime) -> str:
        """Date and time."""
        return f"{at.astimezone(self._zone):%Y-%m-%d %H:%M}"

    def grid(self, bottom: float) -> Iterator[str]:
        """Lines at even times, at most a dozen."""
        every = next((one for one in _TICKS if (self.until - self.since) / one <= _MOST_TICKS), _TICKS[-1])
        offset = self.since.astimezone(self._zone).utcoffset() or timedelta()
        midnight = datetime(2000, 1, 1, tzinfo=UTC) - offset
        at = self.since + (midnight - self.since) % every
        while at <= self.until:
            x = self.x(at)
            yield f'<line x1="{x}" y1="{_TOP - 8}" x2="{x}" y2="{bottom}" stroke="#e3e6ea"/>'
            yield _text(x, _TOP - 12, self.label(at), _MIDDLE)
            at += every


def _row(one: Episode, top: int, scale: _Scale, language: Language) -> Iterator[str]:
    for state, start, end, colour in one.spans(scale.until):
        if state is AlertState.INACTIVE:
            continue
        said = term(STATES, state, language)
        words = _WORDS["span"][language].format(said, scale.moment(start), scale.moment(end))
        opacity = _PALE if state is AlertState.PENDING else 1.0
        fill, tall = (_OVER[state], 4) if state in _OVER else (_COLOURS[colour], 12)
        x = scale.x(start)
        yield _bar(x, top + _ROW / 2, max(1.5, round(scale.x(end) - x, 1)), tall, fill, opacity, words)
    if one.broken_at is not None:
        yield _text(scale.x(one.broken_at), top + 13, "✕", f"{_MIDDLE} {_BOLD}")


def _label(one: Episode) -> str:
    first = one.moves[0]
    period = "" if first.period_start is None else f" {first.period_start}"
    text = f"{first.code}{period} · {first.rule}"
    half = _MOST_CHARACTERS // 2
    return text if len(text) <= _MOST_CHARACTERS else f"{text[: half - 1]}…{text[-half:]}"


def _wide(text: str) -> float:
    return sum(_WIDE if east_asian_width(one) in {"W", "F"} else _NARROW for one in text)


def _legend(y: int, left_out: int, language: Language) -> Iterator[str]:
    x = 8.0
    for state, fill, opacity, tall in _LEGEND:
        words = term(STATES, state, language)
        if state is AlertState.FIRING:
            words += _WORDS["coloured"][language]
        yield _bar(x, y - 4, 20, tall, fill, opacity)
        yield _text(x + 26, y, words)
        x += 44 + _wide(words)
    more = _WORDS["more"][language].format(left_out) if left_out else ""
    yield _text(x, y, f"{_WORDS['broken'][language]}{more}")


def _bar(  # noqa: PLR0913, PLR0917 - where, how large, how drawn
    x: float, middle: float, width: float, tall: int, fill: str, opacity: float, words: str = ""
) -> str:
    said = f"<title>{escape(words)}</title>" if words else ""
    place = f'x="{x}" y="{middle - tall / 2}" width="{width}" height="{tall}"'
    return f'<rect {place} fill="{fill}" fill-opacity="{opacity}">{said}</rect>'


def _text(x: float, y: float, text: str, style: str = "") -> str:
    return f'<text x="{x}" y="{y}" {style}>{escape(text)}</text>'
