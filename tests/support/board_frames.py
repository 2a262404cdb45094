"""Snapshots of the terminal board for tests."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from rich.console import Console

from deploy.demo.board_model import BoardSnapshot, Language, ProcessLine, QueueLine, QuotaLine
from deploy.demo.board_render import render

NOW = datetime(2026, 3, 2, 14, 37, tzinfo=ZoneInfo("Asia/Shanghai"))


def line(unit: str, **changes: object) -> QuotaLine:
    """A quota that is well within its limit, with some fields changed."""
    plain = QuotaLine(
        unit=unit,
        name_zh=f"虚构·{unit}",
        name_en=f"Fictional {unit}",
        district="610302",
        quota=f"{unit}-day",
        measure="tce",
        period="day",
        period_start=NOW.replace(hour=0, minute=0),
        used=30.0,
        limit=100.0,
        limit_unit="tce",
        share=0.3,
        elapsed_share=0.6,
        pace=0.5,
        projected=50.0,
        exhausted_at=None,
        state="inactive",
        cause=None,
        verdict="ok",
        colour="green",
        since=NOW - timedelta(hours=3),
        ready=NOW,
    )
    return msgspec.structs.replace(plain, **changes)


def broken(unit: str) -> QuotaLine:
    """A quota whose limit was broken three hours ago."""
    return line(unit, share=1.12, pace=1.87, state="firing", cause="exceeded", verdict="exceeded", colour="red")


def on_course(unit: str) -> QuotaLine:
    """A quota that breaks this evening."""
    when = NOW.replace(hour=20, minute=15)
    firing = {"state": "firing", "cause": "on_course", "verdict": "on_course", "colour": "orange"}
    return line(unit, share=0.7, pace=1.2, exhausted_at=when, **firing)


def frame(*quotas: QuotaLine, **changes: object) -> BoardSnapshot:
    """A frame of a healthy demo with these quotas."""
    plain = BoardSnapshot(
        city_zh="宝鸡（虚构）",
        city_en="Baoji (fictional)",
        now=NOW,
        scale=1440,
        quotas=quotas,
        readings_per_s=201.4,
        readings_stored=123456,
        gateways_online=23,
        gateways_total=24,
        queues=(QueueLine("spool", 12), QueueLine("ingest", None), QueueLine("dirty", 2)),
        newest_reading=NOW - timedelta(minutes=4),
        processes=(ProcessLine("ingest", running=True), *(ProcessLine(f"collector-{n}", n != 2, n) for n in range(3))),
        districts_zh={"610302": "渭滨区"},
        districts_en={"610302": "Weibin District"},
    )
    return msgspec.structs.replace(plain, **changes)


def drawn(snapshot: BoardSnapshot, width: int = 80, height: int = 24, language: Language = "en") -> list[str]:
    """The rows of a frame as plain text."""
    console = Console(width=width, height=height, force_terminal=True, color_system=None, legacy_windows=False)
    with console.capture() as captured:
        console.print(render(snapshot, width, height, language))
    return captured.get().splitlines()
