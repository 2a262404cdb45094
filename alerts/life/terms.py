"""The model's own words as people read them: states, reasons, conditions, subjects. Pure.

In English they stand as the model has them, so that what a list shows can be asked for; Chinese terms are those of
docs/glossary.md. Those of severities and colours are in `alerts.verdicts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alerts.rules.messages import Language

STATES: Mapping[str, str] = {
    "pending": "待定",
    "firing": "触发",
    "acknowledged": "已确认",
    "silenced": "静默",
    "resolved": "已解除",
    "corrected": "已更正",
    "inactive": "无",
}
"""Chinese terms of `alerts.life.model.AlertState`, in the order of a life."""
REASONS: Mapping[str, str] = {
    "raised": "条件触发",
    "lasted": "持续够久",
    "cleared": "条件解除",
    "period_closed": "周期结束",
    "corrected": "更正",
    "severity": "级别改变",
    "escalated": "升级",
    "acknowledged": "有人确认",
    "unacknowledged": "确认撤回",
    "window": "窗口开始",
    "window_ended": "窗口结束",
    "withdrawn": "已撤销",
}
"""Chinese terms of `alerts.life.model.Reason`."""
CONDITIONS: Mapping[str, str] = {"raised": "触发", "held": "维持", "clear": "解除", "unknown": "未知"}
"""Chinese terms of `alerts.life.model.Condition`."""
SUBJECTS: Mapping[str, str] = {"quota": "限额", "unit": "用能单位", "meter": "计量器具"}
"""Chinese terms of what rules look at."""


def term(chinese: Mapping[str, str], word: str, language: Language) -> str:
    """How `word` is called; one without a Chinese term, such as of a later version, stands as it is."""
    return chinese.get(word, word) if language == "zh" else word
