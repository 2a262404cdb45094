"""The shipped configuration of Alertmanager: accepted by amtool, and its messages as people get them."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.delivery.alertmanager import PostedAlert
from alerts.delivery.alertmanager import alertmanager as client
from alerts.delivery.settings import AlertmanagerSettings
from deploy.stack.alerting import Tool
from tests.support.alerting import alertmanager, run_tool
from tests.support.delivery_world import Webhook
from tests.support.eventually import eventually
from tests.support.message_sinks import MailServer, WeChatWork

SHIPPED = Path(__file__).parents[2] / "deploy" / "alertmanager"


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ("alertname=breach severity=critical", "duty"),
        ("alertname=breach severity=critical escalated=yes", "superiors,duty"),
        ("alertname=pace severity=warning", "operators"),
        ("alertname=share severity=attention", "digest"),
        ("alertname=share severity=notice", "digest"),
        ("alertname=breach severity=notice correction=17", "corrections"),
    ],
)
async def test_alerts_are_routed_by_severity(labels: str, receivers: str, tmp_path: Path) -> None:
    """Corrections and escalations first."""
    code, printed = await run_tool(
        Tool.AMTOOL, "config", "routes", "test", f"--config.file={_copied(tmp_path)}", *labels.split()
    )
    assert (code, printed.splitlines()[-1]) == (0, receivers), printed


async def test_amtool_accepts_the_configuration_and_its_templates(tmp_path: Path) -> None:
    """As an operator checks it."""
    code, printed = await run_tool(Tool.AMTOOL, "check-config", _copied(tmp_path))
    assert code == 0, printed
    assert "1 templates" in printed


async def test_messages_are_rendered_grouped_and_inhibited(tmp_path: Path) -> None:
    """By the shipped file, but for addresses and waiting: mail, WeChat Work and webhook get what they are to get."""
    async with MailServer().listening() as mail, WeChatWork().listening() as work, Webhook().listening() as webhook:
        text = _copied(tmp_path).read_text(encoding="utf-8")
        for old, new in (
            ("mail.example:587 # CHANGE", f"127.0.0.1:{mail.port}\n  smtp_require_tls: false"),
            ("wechat_api_secret: CHANGE", f"wechat_api_secret: s\n  wechat_api_url: {work.url}"),
            ("http://127.0.0.1:9110/alerts", webhook.url),
            ("group_wait: 30s", "group_wait: 300ms"),
            ("group_wait: 10s", "group_wait: 300ms"),
        ):
            assert old in text
            text = text.replace(old, new)
        async with alertmanager(tmp_path, text) as server, client(AlertmanagerSettings(server.url), 5) as api:
            await api.post(
                [
                    _alert("breach", "critical", "u-1", colour="red"),
                    _alert("breach", "critical", "u-2", colour="red"),
                    _alert("pace", "warning", "u-1", colour="orange"),  # its quota is broken: nobody needs to hear
                    _alert("pace", "warning", "u-3", colour="orange"),
                    _alert("breach", "notice", "u-4", correction="17"),  # its quota is not
                    _alert("pace", "warning", "u-4", colour="orange"),
                ]
            )
            await eventually(lambda: len(mail.mails) == 3 and work.messages and webhook.heard)
    subjects = sorted((str(one["To"]).partition("@")[0], str(one["Subject"])) for one in mail.mails)
    assert subjects == [
        ("duty", "[告警 2] 610303 行业 31 <A&B> u-1 用量 120，限额 100"),
        ("operators", "[告警 2] 610303 行业 31 <A&B> u-3 用量 120，限额 100"),
        ("operators", "[更正 1] 610303 行业 31 示例 <A&B>：更正：并未发生"),
    ]
    (duty,) = (one for one in mail.mails if str(one["To"]).startswith("duty"))
    html, plain = duty.get_body(("html",)), duty.get_body(("plain",))
    assert html is not None
    assert plain is not None
    assert "&lt;A&amp;B&gt; u-2 用量" in html.get_content()
    assert "border-left: 6px solid #c4162a" in html.get_content()
    assert "[告警 严重] <A&B> u-2" in plain.get_content()
    assert "https://board/u-1" in plain.get_content()
    assert "依据 市发改委〔2026〕1号" in plain.get_content()
    (message,) = work.messages
    assert message["text"]["content"].splitlines() == [subjects[0][1], "<A&B> u-2 用量 120，限额 100"]
    assert {one["labels"]["unit"] for one in webhook.alerts()} == {"u-3", "u-4"}


def _copied(directory: Path) -> Path:
    for name in ("alertmanager.yml", "quotawatt.tmpl"):
        shutil.copy(SHIPPED / name, directory / name)
    (directory / "smtp-password").write_text("secret")
    return directory / "alertmanager.yml"


def _alert(rule: str, severity: str, unit: str, *, colour: str = "blue", correction: str = "") -> PostedAlert:
    labels = {"alertname": rule, "severity": severity, "unit": unit, "district": "610303", "industry": "31"}
    labels |= {"quota": f"{unit}.tce", "period_start": "2026-03-01"}
    if correction:
        labels["correction"] = correction
    annotations = {
        "colour": colour,
        "name_zh": "示例 <A&B>",
        "summary_zh": f"<A&B> {unit} 用量 120，限额 100",
        "source": "市发改委〔2026〕1号",
        "correction_zh": "更正：并未发生" if correction else "",
    }
    now = datetime.now(UTC)
    return PostedAlert(labels, annotations, now, now + timedelta(hours=1), f"https://board/{unit}")
