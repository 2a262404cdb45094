"""Which load shapes exist and how a meter names one; the only module that knows the folder `simulators/data`."""

from __future__ import annotations

import gzip
from functools import cache
from importlib import resources
from typing import Annotated

import msgspec

from energy.config import decode_toml

_FOLDER = resources.files("simulators") / "data"


class ShapeFile(msgspec.Struct, frozen=True):
    """A recorded interval series that meters can replay.

    Attributes:
        name: what city files call it.
        file: its name in `simulators/data`, gzipped CSV with the columns start and value.
        interval_s: length of one interval, seconds.
        first_week: how many weeks before data time the replay lies for `weeks = [0]`.
    """

    name: str
    file: str
    interval_s: Annotated[int, msgspec.Meta(gt=0)]
    first_week: Annotated[int, msgspec.Meta(ge=0)]

    def text(self) -> str:
        """The unpacked CSV."""
        return gzip.decompress((_FOLDER / self.file).read_bytes()).decode("ascii")


class LoadSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a simulated meter measures.

    Attributes:
        shape: name of the recorded series, see `simulators/data/shapes.toml`.
        mean_per_hour: mean load per hour in the base unit of the meter's carrier; the file's own mean becomes this.
        weeks: the load is the mean of these weeks of the file, counted back from the file's first week.
        spread: copies per day, evenly apart: 3 is the mean of three copies eight hours apart, a plant in three shifts.
    """

    shape: str
    mean_per_hour: Annotated[float, msgspec.Meta(gt=0)]
    weeks: Annotated[tuple[Annotated[int, msgspec.Meta(ge=0, le=520)], ...], msgspec.Meta(min_length=1)] = (0,)
    spread: Annotated[int, msgspec.Meta(ge=1, le=24)] = 1


class _Catalogue(msgspec.Struct, frozen=True):
    shape: list[ShapeFile]


@cache
def shape_files() -> dict[str, ShapeFile]:
    """All shapes by name."""
    source = _FOLDER / "shapes.toml"
    catalogue = decode_toml(source.read_text(encoding="utf-8"), _Catalogue, str(source))
    return {shape.name: shape for shape in catalogue.shape}
