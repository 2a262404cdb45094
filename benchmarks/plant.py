"""Meters to measure the collector with: a profile of so many values of one kind, and lines of units that have it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli_w

from deploy.stack import Endpoints

REGION, GATEWAY = "610303", "bench"
WORDS = {"u16": 1, "f32": 2}
_TO_A_NET = 250


@dataclass(frozen=True, slots=True)
class Plant:
    """One gateway with lines of the same kind.

    Attributes:
        values: of each meter, in registers one behind the other.
        type: their type.
        lines: so many, each to an address of this machine of its own, as no file names one twice.
        units: meters of each line.
        line: what the table of each line says besides.
    """

    values: int
    type: str
    lines: int
    units: int
    line: Mapping[str, object] = field(default_factory=dict)

    @property
    def registers(self) -> int:
        """Registers of one meter, which one read brings."""
        return self.values * WORDS[self.type]

    @property
    def meters(self) -> int:
        """Meters of all lines."""
        return self.lines * self.units

    @property
    def points(self) -> int:
        """Values of all meters."""
        return self.meters * self.values

    def contents(self) -> Iterator[str]:
        """The server's registers: every value is a number of its own."""
        for at in range(self.values):
            number = at + 1
            yield f"holding {at} {number}" if self.type == "u16" else f"float {2 * at} abcd {number}.25"

    def config(self, directory: Path, port: int, endpoints: Endpoints, **more: object) -> Path:
        """Write the profile and a collector's file into a directory; returns the file.

        Args:
            directory: made where there is none.
            port: the TCP port at which every line is served.
            endpoints: where the broker is.
            more: further keys of the file.
        """
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "bench.toml").write_text(tomli_w.dumps(self._profile()), encoding="utf-8")
        file = directory / "collector" / "collector.toml"
        file.parent.mkdir(exist_ok=True)
        document = {
            "spool_dir": "spool",
            "profile_dirs": [".."],
            "platforms": [{"kind": "mqtt", "host": endpoints.mqtt_host, "port": endpoints.mqtt_port}],
            "gateways": [{"code": GATEWAY, "region": REGION, "lines": list(self._lines(port))}],
            **more,
        }
        file.write_text(tomli_w.dumps(document), encoding="utf-8")
        return file

    def _profile(self) -> dict[str, Any]:
        width = WORDS[self.type]
        return {
            "protocol": "modbus",
            "maker": "invented",
            "model": "bench",
            "carrier": "electricity",
            "counter": "value_0",
            "source": "invented to measure with",
            "registers": [
                {
                    "name": f"value_{at}",
                    "quantity": "energy_import_total",
                    "unit": "kWh",
                    "function_code": 3,
                    "address": at * width,
                    "type": self.type,
                    "confidence": "invented",
                }
                for at in range(self.values)
            ],
        }

    def _lines(self, port: int) -> Iterator[dict[str, Any]]:
        for line in range(self.lines):
            meters = [
                {
                    "unit_id": unit,
                    "profile": "bench",
                    "points": {f"value_{at}": f"L{line}-{unit}-{at}" for at in range(self.values)},
                }
                for unit in range(1, self.units + 1)
            ]
            host = f"127.0.{line // _TO_A_NET}.{line % _TO_A_NET + 1}"
            yield {"kind": "modbus-tcp", "host": host, "port": port, "meters": meters, **self.line}
