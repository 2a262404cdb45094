"""`quotawatt factors load`, `measured` and `undo`, as an operator calls them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from deploy.cli import root
from energy.data import shipped
from energy.records import RecordError
from energy.storage import Connection
from tests.support.factor_world import FIRST, in_force, populated

Call = Callable[..., "asyncio.Future[Result]"]
WHO = ("--author", "Li", "--reason", "analysis")


@pytest.fixture
def call(dsn: str) -> Call:
    """Calls the command in a thread of its own, since it runs a loop of its own."""

    def run(*arguments: str) -> asyncio.Future[Result]:
        runner = CliRunner(env={"QUOTAWATT_DSN": dsn})
        return asyncio.ensure_future(
            asyncio.to_thread(runner.invoke, root, ["factors", *arguments], catch_exceptions=False)
        )

    return run


async def test_a_file_is_loaded_listed_and_undone(call: Call, connection: Connection, tmp_path: Path) -> None:
    """As a spreadsheet in China saves it; twice is once; the factor follows, and goes back."""
    await populated(connection)
    path = tmp_path / "化验.csv"
    path.write_bytes(
        f"用能单位,能源品种,起始日期,低位发热量,热值单位,依据\nBAOJI,原煤,{FIRST},20000,kJ/kg,报告7\n".encode("gb18030")
    )
    assert (await call("load", str(path), *WHO)).stdout == "1 recorded, 0 were in force already\n"
    assert (await call("load", str(path), *WHO)).stdout == "0 recorded, 1 were in force already\n"
    assert [f"{figure:.1f}" for figure in (await in_force(connection, "BAOJI", "raw_coal", FIRST))[:2]] == [
        "682.4",
        "1785.5",
    ]
    heading, line = (await call("measured")).stdout.splitlines()
    assert heading.split() == ["NO", "UNIT", "CARRIER", "FROM", "TO", "GJ", "PER", "KGCE", "KGCO2", "BY", "SOURCE"]
    number, *rest = line.split()
    assert rest == ["BAOJI", "raw_coal", str(FIRST), "-", "20/t", "682.416847507", "default", "Li", "报告7"]
    assert (await call("undo", number, *WHO)).stdout == f"record {number} is undone\n"
    (one,) = json.loads((await call("measured", "--of-unit", "BAOJI", "--json")).stdout)
    assert (one["undone_by"], one["undone_why"]) == ("Li", "analysis")
    assert "undone by Li: analysis" in (await call("measured")).stdout
    assert (await call("measured", "--of-unit", "XIAN")).stdout.startswith("No unit has measured")


async def test_a_file_is_held_against_the_deployment_s_own_bands(
    call: Call, connection: Connection, tmp_path: Path, dsn: str
) -> None:
    """Accounting's file says where they are."""
    await populated(connection)
    (own := tmp_path / "own").mkdir()
    carriers = (
        shipped().texts["carriers.csv"].replace("bituminous_coal,,250,1100,,,power", "bituminous_coal,,700,900,,,power")
    )
    (own / "carriers.csv").write_text(carriers)
    config, path = tmp_path / "accounting.toml", tmp_path / "ncv.csv"
    config.write_text(f'[database]\ndsn = "{dsn}"\n\n[factors]\ndirectory = "own"\n')
    path.write_text(f"unit,carrier,valid_from,ncv,ncv_unit,source\nBAOJI,raw_coal,{FIRST},20,GJ/t,r\n")
    with pytest.raises(RecordError, match=r"ncv\.csv:2: ncv: .* not plausible for raw_coal: 700 to 900"):
        await call("load", str(path), *WHO, "--config", str(config))
