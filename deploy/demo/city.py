"""The city file: its units, meters and quotas as typed structs, and all of its faults at once.

    city = load_city(Path("baoji.toml"))

`deploy/demo/cities/baoji.toml` is the example; `docs/demo-city.md` explains it.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from alerts.quotas.model import QuotaSpec
from collector.profiles import Ratio
from deploy.demo.city_checks import cross_faults
from energy.config import Document, load_document
from energy.registry.model import District, Industry

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
Positive = Annotated[float, msgspec.Meta(gt=0, le=1e15)]
UnitCode = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[a-z0-9][a-z0-9-]{0,40}\Z",
        description="1 to 41 small letters, digits and hyphens, the first no hyphen",
    ),
]
"""Short enough that the codes of its gateway and meters can be made of it."""
LocalCode = Annotated[
    str, msgspec.Meta(pattern=r"^[A-Z][A-Z0-9]{0,7}\Z", description="1 to 8 capital letters and digits, a letter first")
]
"""A meter's code within its unit, e.g. E1."""


class CityInfo(msgspec.Struct, frozen=True):
    """The `[city]` table.

    Attributes:
        name_zh, name_en: what it is called.
        zone: IANA time zone of all its units.
        start: data time at which the simulation begins and every register shows its `start`, with its zone.
        interval_s: how often every meter is read, seconds of data time.
    """

    name_zh: Name
    name_en: Name
    zone: str
    start: datetime
    interval_s: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 900

    def __post_init__(self) -> None:
        if self.start.tzinfo is None:
            raise ValueError("start needs a zone, e.g. 2026-03-01T00:00:00+08:00")
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"{self.zone!r} is not an IANA time zone") from None

    @property
    def start_ms(self) -> int:
        """`start` in ms UTC."""
        return int(self.start.timestamp() * 1000)

    @property
    def utc_offset_s(self) -> int:
        """The fixed offset of the meters' clocks: the zone's at `start`, seconds."""
        offset = self.start.astimezone(ZoneInfo(self.zone)).utcoffset()
        return int(offset.total_seconds()) if offset is not None else 0


class CityDistrict(msgspec.Struct, frozen=True):
    """A district or county; `code` by GB/T 2260."""

    code: District
    name_zh: Name
    name_en: Name


class CityLoad(msgspec.Struct, frozen=True):
    """A shape of load that meters name; see `simulators.loads.catalogue.LoadSettings`."""

    name: Name
    shape: str
    weeks: Annotated[tuple[Annotated[int, msgspec.Meta(ge=0, le=520)], ...], msgspec.Meta(min_length=1)] = (0,)
    spread: Annotated[int, msgspec.Meta(ge=1, le=24)] = 1


class CityMistake(msgspec.Struct, frozen=True):
    """What a gateway was told wrong about a meter, until somebody says so.

    Attributes:
        ct: the current transformer's ratio as the gateway has it; the true one stands with the meter.
        reported: data time, with its zone, at which the unit reports it, once it has heard of a broken quota: from then
            on an edit puts all readings right.
        reason: what it says.
    """

    ct: Ratio
    reported: datetime
    reason: Name

    def __post_init__(self) -> None:
        if self.reported.tzinfo is None:
            raise ValueError("reported needs a zone, e.g. 2026-03-02T09:00:00+08:00")


class CityMeter(msgspec.Struct, frozen=True, kw_only=True):
    """A meter of a unit.

    Attributes:
        code: within its unit.
        name_zh, name_en: what it measures.
        carrier: key of the carrier.
        unit: unit of measure of `mean_per_hour` and `start`: the carrier's base unit.
        level: 1 gate meter, 2 main sub-unit, 3 main equipment.
        profile: register layout, by name of its file in `collector/profiles/models`.
        address: Modbus unit id behind the unit's gateway.
        ct, pt: transformer ratios, 1 where connected directly; for layouts of the secondary side, and only there.
        load: name of its load.
        mean_per_hour: mean consumption per hour over the whole recording.
        start: what its register shows at the city's start, primary side.
        mistake: what its gateway was told wrong, for the story of a correction.
    """

    code: LocalCode
    name_zh: Name
    name_en: Name
    carrier: str
    unit: str
    level: Literal[1, 2, 3]
    profile: str
    address: Annotated[int, msgspec.Meta(ge=1, le=247)]
    ct: Ratio | None = None
    pt: Ratio | None = None
    load: str
    mean_per_hour: Positive
    start: Annotated[float, msgspec.Meta(ge=0, le=1e15)]
    mistake: CityMistake | None = None


class CityUnit(msgspec.Struct, frozen=True, kw_only=True):
    """A key energy-consuming unit (重点用能单位) with its meters and quotas.

    Attributes:
        code: unique in the city.
        credit_code: unified social credit code (GB 32100), 18 characters with their check character.
        name_zh, name_en: its names.
        district: where it is, one of the city's districts.
        industry: GB/T 4754, two digits.
        meter: its meters, all behind one gateway.
        quota: what it may use; whose it is stands there already, so that subject and key are left out.
    """

    code: UnitCode
    credit_code: Annotated[str, msgspec.Meta(min_length=18, max_length=18)]
    name_zh: Name
    name_en: Name
    district: District
    industry: Industry
    meter: Annotated[tuple[CityMeter, ...], msgspec.Meta(min_length=1)]
    quota: tuple[QuotaSpec, ...] = ()

    @property
    def gateway(self) -> str:
        """Code of its gateway."""
        return f"gw-{self.code}"

    def point(self, meter: CityMeter) -> str:
        """Code of a meter and of its point, unique in the city."""
        return f"{self.code}.{meter.code}"


class City(msgspec.Struct, frozen=True):
    """A whole city."""

    city: CityInfo
    district: Annotated[tuple[CityDistrict, ...], msgspec.Meta(min_length=1)]
    load: Annotated[tuple[CityLoad, ...], msgspec.Meta(min_length=1)]
    unit: Annotated[tuple[CityUnit, ...], msgspec.Meta(min_length=1)]


def load_city(path: Path) -> City:
    """Read a city file; raises ConfigError with all its faults, those between tables among them."""
    return decode_city(load_document(path))


def decode_city(document: Document) -> City:
    """Decode a parsed city file; raises ConfigError with all its faults, in the order of the file."""
    advice = "Nothing was started. docs/demo-city.md explains every key."
    return document.decode(City, across=cross_faults(document.content), advice=advice)
