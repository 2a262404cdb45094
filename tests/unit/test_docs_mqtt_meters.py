"""The examples of the page on MQTT meters do what the page says."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from collector.drivers.mqtt import checks as mqtt_checks
from collector.drivers.mqtt.mapping import TopicMapping
from collector.drivers.mqtt.settings import MqttListenerSettings, TopicSettings
from collector.drivers.mqtt.sieve import Sieve
from collector.drivers.sparkplug import checks as sparkplug_checks
from collector.drivers.sparkplug.mapping import MetricMapping
from collector.drivers.sparkplug.settings import SparkplugListenerSettings
from energy.errors import MessageError

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "mqtt-meters.md").read_text(encoding="utf-8")
ARRIVAL = round(datetime(2026, 2, 24, 2, tzinfo=UTC).timestamp() * 1000)
EXAMPLES = re.findall(r"```toml\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)
TABLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)

DEFAULTS = msgspec.convert(
    {"kind": "mqtt", "topics": [{"topic": "a", "values": [{"point": "P", "path": "p"}]}]}, MqttListenerSettings
)


def topics_of(text: str) -> dict[str, Any]:
    """The table of a listener in an example; the short ones begin with its topics."""
    listeners = tomllib.loads(text)["gateways"]["listeners"]
    table: dict[str, Any] = listeners[0] if isinstance(listeners, list) else listeners
    return table


def outcome(mapping: TopicMapping, line: str) -> str:
    """What a message becomes, as the page writes it."""
    topic, payload = re.fullmatch(r"(\S+(?: plug)?) (.*)", line).groups()  # type: ignore[union-attr]  # every line fits
    taken = mapping.take(topic, payload.encode(), retained=False, arrived_ms=ARRIVAL)
    sieve = Sieve(DEFAULTS.max_ahead_s, DEFAULTS.max_age_days * 86_400)
    words = [f"refused: {fault.reason}" for fault in taken.faults]
    for value in taken.values:
        try:
            reading = sieve.take(value, ARRIVAL)
        except MessageError as error:
            words.append(f"refused: {error.reason}")
            continue
        assert reading is not None
        assert reading.value is not None
        at = datetime.fromtimestamp(reading.at / 1000, UTC)
        stamp = at.isoformat(timespec="milliseconds" if at.microsecond else "seconds").replace("+00:00", "Z")
        words.append(f"{reading.point} {reading.value:.12g} {stamp}")
    return " ".join(words)


@pytest.mark.parametrize(("table", "lines"), EXAMPLES)
def test_an_example_gives_what_stands_below_it(table: str, lines: str) -> None:
    """Message by message."""
    mapping = TopicMapping(msgspec.convert(topics_of(table)["topics"], tuple[TopicSettings, ...]))
    said = lines.splitlines()
    assert len(said) >= 2
    for message, due in zip(said[::2], said[1::2], strict=True):
        assert f"→ {outcome(mapping, message)}" == due


@pytest.mark.parametrize("table", TABLES)
def test_a_table_has_no_fault(table: str) -> None:
    """Neither in its values nor between them."""
    content = topics_of(table)
    if content.get("kind") == "sparkplug":
        assert list(sparkplug_checks.faults((), content)) == []
        assert MetricMapping(msgspec.convert(content, SparkplugListenerSettings)).nodes
    else:
        assert list(mqtt_checks.faults((), content)) == []


def test_every_example_was_found() -> None:
    """The opening one, four of real devices, and the table of Sparkplug."""
    assert (len(EXAMPLES), len(TABLES)) == (5, 6)


def test_every_reason_is_explained() -> None:
    """Those that the code gives, and no other."""
    given = set[str]()
    for folder in ("collector/drivers/mqtt", "collector/drivers/sparkplug", "energy/sparkplug"):
        for path in (ROOT / folder).glob("*.py"):
            given |= set(re.findall(r'MessageError\(\s*"(\w+)"', path.read_text(encoding="utf-8")))
    chapter = PAGE.split("## What is refused", 1)[1]
    assert set(re.findall(r"`(\w+)`(?=[^|]* \|.*\|$)", chapter, re.MULTILINE)) == given
