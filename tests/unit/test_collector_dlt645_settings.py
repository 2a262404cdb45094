"""Tables of DL/T 645 lines: what they take, what they refuse, and the line that comes of them."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from collector.drivers.dlt645.line import dlt645_line
from collector.drivers.dlt645.settings import Dlt645LineSettings, Dlt645SerialLine, Dlt645TcpLine
from energy.config import decode_toml
from energy.errors import ConfigError
from tests.support.source_tree import ROOT

METER = '[[lines.meters]]\nprofile = "dlt645_2007_three_phase"\naddress = "{}"\npoint = "p"\n'
TCP = '[[lines]]\nkind = "dlt645-tcp"\nhost = "10.0.0.9"\nport = 4001\n'
SERIAL = '[[lines]]\nkind = "dlt645-serial"\ndevice = "/dev/ttyS1"\n'


class Lines(msgspec.Struct):
    """A file of lines alone."""

    lines: tuple[Dlt645LineSettings, ...]


def line(text: str) -> Dlt645SerialLine | Dlt645TcpLine:
    """The one line of a file."""
    (only,) = decode_toml(text, Lines, "lines.toml").lines
    return only


def test_a_serial_line_is_set_as_the_standard_has_it() -> None:
    """2400 baud, even parity, one stop bit, four FE, and time for a slow meter."""
    only = line(SERIAL + METER.format("000012345678"))
    assert isinstance(only, Dlt645SerialLine)
    assert (only.baud_rate, only.parity, only.stop_bits) == (2400, "even", 1)
    assert (only.time_out_s, only.quiet_s, only.wake_bytes) == (2.0, 0.5, 4)
    assert only.meters[0].address == "000012345678"
    assert only.place == str(dlt645_line(only, lambda: 0)) == "/dev/ttyS1"


def test_a_converter_has_a_host_and_a_port() -> None:
    """And is called by them."""
    only = line(TCP + METER.format("000012345678"))
    assert only.place == str(dlt645_line(only, lambda: 0)) == "10.0.0.9:4001"


def test_the_wildcard_may_stand_alone_on_a_line() -> None:
    """For commissioning one meter."""
    assert line(TCP + METER.format("A" * 12)).meters[0].address == "A" * 12


def test_the_wildcard_among_others_is_refused() -> None:
    """All of them would answer at once."""
    with pytest.raises(ConfigError, match="for a line of one meter"):
        line(TCP + METER.format("A" * 12) + METER.format("000012345678"))


@pytest.mark.parametrize("address", ["12345678", "0000123456789", "AA0012345678", "aaaaaaaaaaaa", "00001234567F", ""])
def test_an_address_is_twelve_digits(address: str) -> None:
    """Leading zeros belong to it; the fault names the line of the file."""
    with pytest.raises(ConfigError, match=r"lines\.toml:\d+: lines\[0\]\.meters\[0\]\.address"):
        line(TCP + METER.format(address))


@pytest.mark.parametrize(
    "key", ["wake_bytes = 5", "baud_rate = 110", 'parity = "mark"', "stop_bits = 3", "quiet_s = -1"]
)
def test_what_no_port_can_do_is_refused(key: str) -> None:
    """Each key has its bounds."""
    with pytest.raises(ConfigError, match=key.split(maxsplit=1)[0]):
        line(SERIAL + key + "\n" + METER.format("000012345678"))


def test_the_example_of_the_document_loads() -> None:
    """What docs/dlt645.md shows is a line."""
    document = (ROOT / "docs" / "dlt645.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(\[\[gateways\.lines\]\].*?)```", document, re.DOTALL)
    only = line(example.replace("gateways.", ""))
    assert isinstance(only, Dlt645SerialLine)
    assert only.device.parent == Path("/dev/serial/by-id")
    assert (only.meters[0].ct, only.meters[0].pt) == (200, 100)
