"""The terminal board: what a frame says, and that it fits."""

from __future__ import annotations

import asyncio
import io
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace
from rich.cells import cell_len
from rich.console import Console

from deploy.demo.board import language_of, next_frame, run_board, save_picture
from deploy.demo.board_model import BoardSnapshot, Language
from deploy.demo.board_order import lines_to_show
from deploy.demo.board_render import bar
from deploy.demo.board_source import waiting
from energy.errors import StorageError
from tests.support.board_frames import NOW, broken, drawn, frame, line, on_course

CROWD = tuple(line(f"unit-{number:02}", pace=0.3 + number / 100) for number in range(40))


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (200, 60), (64, 12)])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_frame_fills_the_terminal_exactly(width: int, height: int, language: Language) -> None:
    """Not one row too many, and no row too wide, with wide characters as with narrow ones."""
    for quotas in ((), CROWD[:3], (broken("a"), on_course("b"), *CROWD)):
        rows = drawn(frame(*quotas), width, height, language)
        assert len(rows) == height
        assert max(cell_len(row) for row in rows) <= width


def test_flagged_quotas_stand_first_with_their_reason() -> None:
    """The broken one above the one on course, both above a unit that merely runs fast."""
    rows = drawn(frame(line("fast", pace=1.4), on_course("course"), broken("broken")))
    listed = [row for row in rows if "Fictional" in row]
    assert [row.split()[2] for row in listed] == ["broken", "course", "fast"]
    assert "over 11:37" in listed[0]
    assert "breaks 20:15" in listed[1]


def test_the_header_counts_units_not_quotas() -> None:
    """A unit with two alerts is one flagged unit, and not one that is within its limits as well."""
    head = drawn(frame(broken("a"), on_course("a"), line("a", quota="a-year"), line("b")))[1]
    assert "1 flagged" in head
    assert "1 within" in head


def test_an_alert_that_lasts_although_the_projection_fell_says_since_when() -> None:
    """Between the limit and the clear threshold the alert goes on: the reason column is not left empty."""
    lasting = line("slow", pace=0.99, state="firing", cause="on_course", verdict="ok", colour="green")
    (row,) = [row for row in drawn(frame(lasting)) if "Fictional" in row]
    assert "since 11:37" in row


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize(
    ("language", "texts"),
    [
        ("en", ("03-01 t", "2026-02 t", "day t", "over 03-01")),
        ("zh", ("03-01 总能耗", "2026-02 ", "日 总能耗", "超限 03-01")),
    ],
)
def test_a_period_that_is_over_stands_with_its_date(width: int, language: Language, texts: tuple[str, ...]) -> None:
    """Beside the present one of the same quota, which has none."""
    fired = NOW - timedelta(days=1, hours=3)
    yesterday = replace(broken("a"), period_start=NOW.replace(hour=0, minute=0) - timedelta(days=1), since=fired)
    february = replace(broken("b"), period="month", period_start=NOW.replace(month=2, day=1, hour=0, minute=0))
    told = "\n".join(drawn(frame(yesterday, february, broken("c")), width, 24, language))
    assert [text for text in texts if text not in told] == []


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize(("language", "text"), [("en", "breaks 03-21"), ("zh", "预计超限 03-21")])
def test_the_day_that_a_limit_breaks_is_never_cut(width: int, language: Language, text: str) -> None:
    """Chinese needs two cells more than English; the names of units stay."""
    course = replace(on_course("a"), exhausted_at=NOW + timedelta(days=19))
    told = "\n".join(drawn(frame(course, line("b")), width, 24, language))
    assert text in told
    assert {"en": "Fictional a", "zh": "虚构·a"}[language] in told


@pytest.mark.parametrize(
    ("width", "language", "text"),
    [
        (120, "en", "corrected: 312 → 305"),
        (120, "zh", "已更正 312 → 305"),
        (80, "en", "corrected"),
        (80, "zh", "已更正"),
    ],
)
def test_a_correction_stands_with_both_figures(width: int, language: Language, text: str) -> None:
    """What was said and what is so; below what fires, and beside the line of the present period."""
    late = line("late", used=305.0, limit=310.0, share=0.98, pace=0.98, state="corrected", cause="exceeded", said=312.0)
    rows = drawn(frame(line("late", quota="late-today", pace=1.5), late, broken("broken")), width, 24, language)
    listed = [row for row in rows if "虚构·" in row or "Fictional" in row]
    assert len(listed) == 2
    assert text in listed[1]
    assert ("1 corrected" if language == "en" else "1 已更正") in rows[1]


def test_the_header_tells_time_flow_and_queues() -> None:
    """All that the demo must show at a glance stands in the first rows; an unknown queue is not shown as empty."""
    head = "\n".join(drawn(frame(broken("a"), *CROWD))[:5])
    for text in ("1 flagged", "40 within", "201 readings/s", "123 456 stored", "gateways 23/24", "newest 4 min ago"):
        assert text in head
    for text in ("spool 12", "ingest ?", "derive 2", "2026-03-02 Mon 14:37", "1 s = 24 min", "Baoji (fictional)"):
        assert text in head


def test_chinese_has_words_and_names_of_its_own() -> None:
    """The same frame in Chinese."""
    text = "\n".join(drawn(frame(broken("a"), line("b", verdict="stale", colour="grey")), 140, 24, "zh"))
    for part in (
        "宝鸡（虚构）",
        "1 预警",
        "虚构·a",
        "渭滨",
        "日 总能耗",
        "超限 11:37",
        "数据滞后",
        "星期一",
        "1 秒 = 24 分钟",
    ):
        assert part in text


def test_processes_of_one_kind_share_an_entry_with_their_restarts() -> None:
    """Three collectors are three dots; restarts are added up."""
    assert "collector ●●● ↻3" in drawn(frame(*CROWD))[-2]


def test_a_unit_without_flag_has_one_line_its_most_pressing_quota() -> None:
    """Firing quotas all have their line, even two of one unit."""
    quotas = [line("u", pace=0.2), line("u", pace=0.9, quota="u-month"), broken("v"), on_course("v"), line("v")]
    assert [one.quota for one in lines_to_show(quotas)] == ["v-day", "v-day", "u-month"]


def test_what_does_not_fit_is_counted() -> None:
    """Fourteen rows at 24 lines; the rest are a number, not silence."""
    assert "and 26 more units" in "\n".join(drawn(frame(*CROWD)))


@pytest.mark.parametrize(
    ("share", "elapsed", "expected"),
    [(0, 0, "┃─────────"), (0.5, 0.2, "━━┃━━─────"), (2, 1, "━━━━━━━━━┃"), (0.3, 0.8, "━━━─────┃─")],
)
def test_the_bar_shows_use_against_time(share: float, elapsed: float, expected: str) -> None:
    """Filled up to the used share, a tick at the elapsed share, never longer than its cells."""
    assert bar(share, elapsed, 10, "red").plain == expected


def test_queue_lengths_come_from_counters() -> None:
    """Pushed less popped over all queues, and the spool's own gauge."""
    text = (
        "# TYPE quotawatt_energy_queue_pushed counter\n"
        'quotawatt_energy_queue_pushed_total{queue="a"} 12.0\nquotawatt_energy_queue_pushed_total{queue="b"} 5.0\n'
        "# TYPE quotawatt_energy_queue_popped counter\n"
        'quotawatt_energy_queue_popped_total{queue="a"} 10.0\nquotawatt_energy_queue_popped_total{queue="b"} 5.0\n'
    )
    assert waiting(text) == 2


async def test_the_board_redraws_until_it_is_stopped() -> None:
    """It ends by the event, with the terminal restored and the frame on it."""
    stop, output = asyncio.Event(), io.StringIO()

    async def source() -> BoardSnapshot:
        """One frame, and the end."""
        stop.set()
        return frame(broken("a"))

    await asyncio.wait_for(run_board(source, stop, Console(file=output, force_terminal=True, width=80, height=24)), 10)
    assert "1 flagged" in output.getvalue()
    assert output.getvalue().endswith("\x1b[?25h\x1b[?1049l"), "cursor and screen are given back"


async def test_without_a_terminal_frames_are_printed() -> None:
    """In a pipe or a file there is no screen to redraw: plain text, no control codes."""
    stop, output = asyncio.Event(), io.StringIO()

    async def source() -> BoardSnapshot:
        """One frame, and the end."""
        stop.set()
        return frame(broken("a"))

    await asyncio.wait_for(run_board(source, stop, Console(file=output, force_terminal=False, width=80)), 10)
    assert "1 flagged" in output.getvalue()
    assert "\x1b" not in output.getvalue()


async def test_an_outage_keeps_the_last_frame_and_says_so() -> None:
    """A board that goes blank when the database restarts helps nobody."""

    async def lost() -> BoardSnapshot:
        """No frame."""
        raise StorageError("the database cannot be reached: refused")

    before = frame(*CROWD)
    after = await next_frame(lost, before)
    assert after is not None
    assert (after.quotas, after.notice) == (before.quotas, "the database cannot be reached: refused")
    assert any("cannot be reached" in row for row in drawn(after))
    assert await next_frame(lost, None) is None


@pytest.mark.parametrize(
    ("locale", "language"), [("zh_CN.UTF-8", "zh"), ("en_GB.UTF-8", "en"), ("C", "en"), ("", "en")]
)
def test_the_language_follows_the_locale(locale: str, language: str) -> None:
    """Chinese for any Chinese locale, else English."""
    assert language_of(locale) == language


def test_a_picture_is_an_svg_of_the_frame(tmp_path: Path) -> None:
    """For the README: the same drawing, as a file."""
    save_picture(frame(broken("a"), newest_reading=NOW - timedelta(hours=3)), tmp_path / "board.svg")
    text = (tmp_path / "board.svg").read_text(encoding="utf-8")
    assert text.startswith("<svg")
    assert "flagged" in text
    assert "url(http" not in text
    assert "@font-face" not in text


def test_text_of_a_picture_is_as_wide_as_its_cells(tmp_path: Path) -> None:
    """No text runs into the next: a Chinese character takes two cells, one written as an entity takes one."""
    save_picture(frame(replace(broken("a"), name_zh="甲&乙厂")), tmp_path / "board.svg", language="zh")
    picture = ET.parse(tmp_path / "board.svg").getroot()  # noqa: S314 - written by us a line above
    texts = [text for text in picture.iter("{http://www.w3.org/2000/svg}text") if "textLength" in text.attrib]
    drawn_texts = [(text.text or "", float(text.attrib["textLength"])) for text in texts]
    assert any(said.startswith("甲&乙厂") for said, _ in drawn_texts)
    wrong = [said for said, width in drawn_texts if abs(width - 12.2 * cell_len(said)) > 0.01]
    assert wrong == []
