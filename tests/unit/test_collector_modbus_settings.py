"""The tables of Modbus lines."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from collector.drivers.modbus.settings import (
    ModbusLineSettings,
    ModbusRtuLine,
    ModbusRtuOverTcpLine,
    ModbusTcpLine,
    ModbusTlsLine,
)

METER = {"unit_id": 1, "profile": "eastron_sdm630", "point": "a"}


def line(**keys: Any) -> ModbusLineSettings:
    """A line as its table says."""
    made: ModbusLineSettings = msgspec.convert(
        {"meters": [METER], **keys}, ModbusLineSettings, dec_hook=lambda wanted, given: wanted(given)
    )
    return made


@pytest.mark.parametrize(
    ("keys", "kind", "place"),
    [
        ({"kind": "modbus-tcp", "host": "10.0.0.5"}, ModbusTcpLine, "10.0.0.5:502"),
        ({"kind": "modbus-tls", "host": "meter.plant"}, ModbusTlsLine, "meter.plant:802"),
        ({"kind": "modbus-rtu", "device": "/dev/ttyS1"}, ModbusRtuLine, "/dev/ttyS1"),
        ({"kind": "modbus-rtu-over-tcp", "host": "10.0.0.6", "port": 4001}, ModbusRtuOverTcpLine, "10.0.0.6:4001"),
    ],
)
def test_the_kind_tells_the_lines_apart(keys: dict[str, Any], kind: type[Any], place: str) -> None:
    """Each has what it needs, and a name for people."""
    made = line(**keys)
    assert type(made) is kind
    assert made.place == place
    assert [meter.address for meter in made.meters] == [1]


@pytest.mark.parametrize(
    ("baud_rate", "gap_s"), [(1200, 0.03208), (9600, 0.00401), (19_200, 0.00201), (115_200, 0.00175)]
)
def test_the_gap_is_three_and_a_half_characters(baud_rate: int, gap_s: float) -> None:
    """Of 11 bits, and 1.75 ms above 19 200 baud."""
    made = line(kind="modbus-rtu", device="/dev/ttyS1", baud_rate=baud_rate)
    assert isinstance(made, ModbusRtuLine)
    assert made.gap_s == pytest.approx(gap_s, abs=0.00001)


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        ({"kind": "modbus-tcp", "host": "a", "meters": []}, "length >= 1"),
        ({"kind": "modbus-tcp", "host": "a", "meters": [METER | {"unit_id": 0}]}, ">= 1"),
        ({"kind": "modbus-tcp", "host": "a", "meters": [METER | {"unit_id": 256}]}, "<= 255"),
        ({"kind": "modbus-tcp", "host": "a", "port": 0}, ">= 1"),
        ({"kind": "modbus-tls", "host": "a", "tls": {"cert_file": "c.pem"}}, "cert_file and key_file belong together"),
        ({"kind": "modbus-rtu", "device": "d", "meters": [METER | {"unit_id": 248}]}, "unit_id goes up to 247"),
        ({"kind": "modbus-rtu", "device": "d", "parity": "mark"}, "Invalid enum value 'mark'"),
        ({"kind": "modbus-rtu", "device": "d", "stop_bits": 3}, "Invalid enum value 3"),
        ({"kind": "modbus-rtu", "device": "d", "quiet_s": -1}, ">= 0"),
        ({"kind": "modbus-rtu", "device": "d", "interval_s": 10, "offset_s": 10}, "must be below interval_s"),
        ({"kind": "modbus-rtu-over-tcp", "host": "a"}, "`port`"),
    ],
)
def test_what_cannot_be_is_refused(keys: dict[str, Any], what: str) -> None:
    """With what was expected."""
    with pytest.raises(msgspec.ValidationError, match=what):
        line(**keys)
