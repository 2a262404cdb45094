"""What the page on ingest shows of the ledger, of rejects and of the log is what the code prints; its example loads."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest

from deploy.cli import ledger_text, rejects_text
from energy.config import decode_toml
from energy.transport.mqtt import BrokerLimits, MqttSettings
from energy.wire import RefusalCode
from ingest.ledger.account import Account, Line, PointDay, Refused
from ingest.receiving.mqtt.broker_limits import Finding, announced, probed
from ingest.receiving.mqtt.probe import Probed
from ingest.receiving.mqtt.settings import ReceiveSettings
from ingest.receiving.sparkplug.settings import SparkplugSettings
from ingest.rejects.find import Kept, Kind
from ingest.rejects.replay import Replayed
from ingest.settings import IngestSettings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "ingest.md").read_text(encoding="utf-8")
EXAMPLE = (ROOT / "docs" / "examples" / "ingest.toml").read_text(encoding="utf-8")

GATEWAY, STREAM, DAY = "gw-example-001", "9f86d081884c7d659a2feaa0c55ad015", date(2026, 11, 26)
COUNTED_AT = datetime(2026, 11, 25, 21, 2, tzinfo=UTC)
REFUSED_AT = datetime(2026, 11, 25, 21, 2, 19, tzinfo=UTC)
REFUSED = [Refused(GATEWAY, DAY, "future", 1), Refused(GATEWAY, DAY, "unknown_point", 2)]
FUTURE = "at 1795644120000 is later than 1795640839922"
UNKNOWN = "point 'EXAMPLE-001-W1' is not registered"


def line(stored: int, to_come: str, missing: str, readings: int) -> Line:
    """One of the page's two accounts of the day: single numbers are open."""
    waits, lacks = len(to_come.split()), len(missing.split())
    counts = (15, stored, 0, 1, waits, lacks, 15 - stored - 1 - waits - lacks)
    return Line(GATEWAY, "example-001", DAY, STREAM, *counts, stored, readings, 3, "8", to_come, missing)


def point(code: str, received: int) -> PointDay:
    """A point of a minute, two minutes after five."""
    return PointDay(GATEWAY, "example-001", code, code, 60, DAY, COUNTED_AT, 302, received)


def test_the_ledger_prints_so() -> None:
    """What is missing, and what was refused."""
    account = Account(0, [line(13, "", "15", 1055)], REFUSED, [])
    assert plain("\n".join(ledger_text.lines(account, None, points=False))) in PAGE


def test_completeness_prints_so() -> None:
    """By gateway and by point."""
    points = [point(f"EXAMPLE-001-{name}", came) for name, came in (("E1", 252), ("E2", 252), ("G1", 201), ("H1", 252))]
    account = Account(0, [line(12, "5 15", "", 960)], REFUSED, points)
    assert plain("\n".join(ledger_text.lines(account, None, points=True))) in PAGE


def test_days_stand_in_their_order() -> None:
    """Also those of which nothing was heard but that readings were due."""
    quiet = PointDay(GATEWAY, "example-001", "E1", "E1", 60, date(2026, 11, 25), COUNTED_AT, 1440, 0)
    account = Account(0, [line(13, "", "15", 1055)], [], [quiet])
    table = plain("\n".join(ledger_text.lines(account, None, points=True))).split("\n\n")[0].splitlines()
    assert [row.split()[0] for row in table] == ["DAY", "2026-11-25", "2026-11-26", "all"]


def test_the_first_line_of_a_ledger_that_lags_is_told() -> None:
    """As far as it is quoted."""
    said = next(iter(ledger_text.lines(Account(12, [], [], []), None, points=False)))
    assert said.startswith("12 batches are not followed yet")
    assert "12 batches are\nnot followed yet" in PAGE


def test_rejects_print_so() -> None:
    """Counted, one by one, and replayed."""
    kinds = [
        Kind(GATEWAY, "future", "EXAMPLE-001-E1", 1, 1, REFUSED_AT, REFUSED_AT, FUTURE),
        Kind(GATEWAY, "unknown_point", "EXAMPLE-001-W1", 2, 2, REFUSED_AT, REFUSED_AT, UNKNOWN),
    ]
    assert "\n".join(rejects_text.kind_lines(kinds, None)) in PAGE
    contents = (("future", "EXAMPLE-001-E1", FUTURE), *[("unknown_point", "EXAMPLE-001-W1", UNKNOWN)] * 2)
    ones = [kept(3 - place, *content) for place, content in enumerate(contents)]
    assert "\n".join(rejects_text.each_lines(ones, None)) in PAGE
    sums = Replayed(rejects=2, stored=2, batches=[68])
    sums.refused[RefusalCode.UNKNOWN_POINT] = 1
    sums.details[RefusalCode.UNKNOWN_POINT] = UNKNOWN.replace("W1", "G9")
    for dry in (True, False):
        assert "\n".join(rejects_text.replayed_lines(sums, "replay-li.na", dry=dry)) in PAGE


def kept(number: int, code: str, point_code: str, detail: str) -> Kept:
    """A reading of envelope 14; the numbers count up with the places in it."""
    where = "http", GATEWAY, "/v1/readings", STREAM, 14, number - 1
    return Kept(number, REFUSED_AT, *where, point_code, code, detail, 38, 14, None)


def test_what_the_broker_check_finds_is_told_so() -> None:
    """With the defaults of Mosquitto and small packets."""
    receive = ReceiveSettings()
    limits = BrokerLimits(packet_bytes=65_536, receive_maximum=20)
    found = [*announced(limits, receive), *probed(Probed(in_flight=1_000, kept=1_000, sent=2_500), receive)]
    logged = [msgspec.json.decode(one) for one in re.findall(r"^\{.*\"broker_limit_low\".*$", PAGE, re.MULTILINE)]
    assert [msgspec.convert(one, Finding) for one in logged] == found


def test_the_example_loads() -> None:
    """As it stands, and with every line that is commented out."""
    assert decode_toml(EXAMPLE, IngestSettings, "ingest.toml").http is not None
    assert whole().sparkplug is not None


def test_the_example_names_every_key() -> None:
    """Of every table; those of the edge nodes' broker are those of the broker."""
    document = named()
    assert missing_keys(IngestSettings, document) == []


def test_what_the_example_has_commented_out_is_the_default() -> None:
    """But for what has no default, where it says what it might be."""
    bare = decode_toml('[database]\ndsn = "x"\n[mqtt]\n[http]\nport = 1\n', IngestSettings, "bare")
    for table in ("receive", "batch", "checks", "follow", "rejects"):
        assert getattr(whole(), table) == getattr(bare, table)
    examples = {"memory_mb": None}
    assert msgspec.structs.replace(whole().upkeep, **examples) == bare.upkeep
    assert whole().http is not None
    assert bare.http is not None
    assert whole().http.limits == bare.http.limits  # type: ignore[union-attr]  # just said
    assert (whole().points_reload_s, whole().grace_s) == (bare.points_reload_s, bare.grace_s)


def uncommented() -> str:
    """The example with its commented lines; the first lines are prose."""
    return re.sub(r"^# (\[|\w+ = )", r"\1", EXAMPLE, flags=re.MULTILINE)


def whole() -> IngestSettings:
    """What the whole example says."""
    return decode_toml(uncommented(), IngestSettings, "ingest.toml")


def named() -> dict[str, object]:
    """Its keys, table by table."""
    return msgspec.toml.decode(uncommented(), type=dict[str, object])


def missing_keys(kind: type[msgspec.Struct], document: dict[str, object]) -> list[str]:
    """Keys of `kind`, and of the tables in it, that `document` does not name."""
    fields = msgspec.inspect.type_info(kind)
    assert isinstance(fields, msgspec.inspect.StructType)
    missing = []
    for field in fields.fields:
        if field.encode_name not in document:
            missing.append(field.encode_name)
            continue
        parts = field.type.types if isinstance(field.type, msgspec.inspect.UnionType) else (field.type,)
        for part in parts:
            inner = document[field.encode_name]
            if isinstance(part, msgspec.inspect.StructType) and isinstance(inner, dict) and not told_above(kind, part):
                missing += [f"{field.encode_name}.{name}" for name in missing_keys(part.cls, inner)]
    return missing


def told_above(kind: type[msgspec.Struct], part: msgspec.inspect.StructType) -> bool:
    """Whether it is the edge nodes' broker, which has the keys of the other one."""
    return kind is SparkplugSettings and part.cls is MqttSettings


def plain(text: str) -> str:
    """Without colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@pytest.mark.parametrize("text", ["database_lost", "database_back"])
def test_an_outage_is_shown_with_both_of_its_lines(text: str) -> None:
    """Each is an object of the log."""
    (one,) = re.findall(rf"^\{{.*\"event\": \"{text}\".*$", PAGE, re.MULTILINE)
    assert msgspec.json.decode(one)["event"] == text
