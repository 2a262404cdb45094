"""`quotawatt report` as an officer calls it, and the samples of the guide, which are its output."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from deploy.cli import root
from deploy.cli.report_text import district_lines, unit_lines
from energy.errors import QuotawattError, RejectedError, SetupError
from energy.storage import StorageSettings, connect
from ingest.accounting.reports.district import read_district
from ingest.accounting.reports.forms import as_csv, as_json
from ingest.accounting.reports.unit import read_unit
from ingest.accounting.reports.words import Language
from tests.support.report_world import WORKS, asked

Call = Callable[..., "asyncio.Future[Result]"]
DOCS = Path(__file__).parents[2] / "docs"
PAGES = {Language.EN: "reports.md", Language.ZH: "reports.zh.md"}
OCTOBER = ("--month", "2026-10")


@pytest.fixture
def call(reported_dsn: str, tmp_path: Path) -> Call:
    """Calls the command in a thread of its own, since it runs a loop of its own; its clock stands in November 2026."""
    config = tmp_path / "ingest.toml"
    clock = "[clock]\norigin = 2026-11-05T02:00:00Z\nreal_origin = 1e11\n"
    config.write_text(f'[database]\ndsn = "{reported_dsn}"\n[mqtt]\nhost = "127.0.0.1"\n{clock}', encoding="utf-8")

    def run(*arguments: str) -> asyncio.Future[Result]:
        words = ["report", *arguments, "--config", str(config)]
        return asyncio.ensure_future(asyncio.to_thread(CliRunner().invoke, root, words, catch_exceptions=False))

    return run


@pytest.mark.parametrize(
    ("form", "beginning"),
    [("text", "QW-0001"), ("csv", "section,item,figure,value,unit\n"), ("json", "{\n"), ("html", "<!doctype html>")],
)
async def test_every_form_goes_to_the_terminal_or_whole_into_a_file(
    call: Call, tmp_path: Path, form: str, beginning: str
) -> None:
    """The same text; nothing else is left beside the file."""
    printed = await call("unit", WORKS, *OCTOBER, "--format", form, "--lang", "en")
    assert printed.exit_code == 0
    assert printed.stdout.startswith(beginning)
    file = tmp_path / "out" / "october"
    file.parent.mkdir()
    file.write_text("the last one", encoding="utf-8")
    written = await call("unit", WORKS, *OCTOBER, "--format", form, "--lang", "en", "-o", str(file))
    assert (written.exit_code, written.stdout) == (0, "")
    assert file.read_text(encoding="utf-8") == printed.stdout
    assert list(file.parent.iterdir()) == [file]


async def test_a_report_that_fails_leaves_the_file_as_it_was(call: Call, tmp_path: Path) -> None:
    """No such unit, no such folder: what was there stays, and the message says why."""
    file = tmp_path / "october.html"
    file.write_text("the last one", encoding="utf-8")
    with pytest.raises(RejectedError, match="no such unit: QW-9"):
        await call("unit", "QW-9", *OCTOBER, "--format", "html", "-o", str(file))
    assert file.read_text(encoding="utf-8") == "the last one"
    nowhere = tmp_path / "nowhere" / "october.html"
    with pytest.raises(SetupError, match=r"nowhere/october\.html cannot be written: No such file or directory"):
        await call("unit", WORKS, *OCTOBER, "-o", str(nowhere))
    assert not nowhere.parent.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("unit", WORKS, "--month", "2026-13"), "'2026-13' is no month such as 2026-10"),
        (("unit", WORKS, "--month", "October"), "'October' is no month such as 2026-10"),
        (("unit", WORKS, "--month", "2026-10-01"), "'2026-10-01' is no month such as 2026-10"),
        (("district", "610"), "'610': two, four or six digits expected"),
        (("district", "Baoji"), "'Baoji': two, four or six digits expected"),
        (("unit", WORKS, "--format", "pdf"), "'pdf' is not one of"),
    ],
)
async def test_a_wrong_word_is_refused_with_what_was_expected(
    call: Call, arguments: tuple[str, ...], said: str
) -> None:
    """Before anything is asked of the database."""
    found = await call(*arguments)
    assert found.exit_code == 2
    assert said in found.stderr


async def test_what_there_is_not_is_told(call: Call) -> None:
    """A month to come, and a district without units."""
    with pytest.raises(QuotawattError, match="2099-01 has not begun"):
        await call("unit", WORKS, "--month", "2099-01")
    with pytest.raises(QuotawattError, match="no unit is registered in district 99"):
        await call("district", "99", "--month", "2020-01")


async def test_a_district_is_reported(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """As text in the language of the terminal, and its statistics months as JSON."""
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    shown = await call("district", "6103")  # the last whole month
    assert shown.stdout.startswith("行政区划 6103  2026-10  自然月\n")
    english = await call("district", "6103", "--lang", "en")
    assert english.stdout.startswith("District 6103  2026-10  calendar month\n")
    monkeypatch.delenv("LC_ALL")
    assert (await call("district", "6103")).stdout.startswith("District 6103  2026-10  calendar month\n")
    read = msgspec.json.decode((await call("district", "6103", *OCTOBER, "--statistics", "--format", "json")).stdout)
    assert (read["statistics"], [one["unit"] for one in read["units"]]) == (True, ["QW-0001", "QW-0002", "QW-0003"])


def blocks(page: str, language: str) -> list[str]:
    """The blocks of code of the guide in that language."""
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("language", Language)
async def test_the_samples_of_the_guide_are_what_the_command_prints(reported_dsn: str, language: Language) -> None:
    """Unit and district as text, the beginning of the CSV and parts of the JSON, in both guides."""
    async with connect(StorageSettings(reported_dsn)) as connection:
        unit = await read_unit(connection, WORKS, asked())
        district = await read_district(connection, "6103", asked())
    first, second = blocks(PAGES[language], "text")[:2]
    assert first.splitlines() == list(unit_lines(unit, language))
    assert second.splitlines() == list(district_lines(district, language))
    (table,) = blocks(PAGES[language], "csv")
    assert set(table.splitlines()) <= set(as_csv(unit).splitlines())
    (sample,) = blocks(PAGES[language], "json")
    assert msgspec.json.decode(sample) == msgspec.json.decode(as_json(unit))["origin"]["points"][0]


@pytest.mark.parametrize("page", PAGES.values())
def test_the_commands_of_the_guide_are_there(page: str) -> None:
    """Each names options that the command has, and no section of the CSV is left out of the table."""
    text = (DOCS / page).read_text(encoding="utf-8")
    lines = [line for block in blocks(page, "sh") for line in block.splitlines() if line.startswith("quotawatt")]
    assert len(lines) >= 4
    for line in lines:
        words = line.split("#")[0].split()[1:]
        found = CliRunner().invoke(root, [*words, "--help"])
        assert found.exit_code == 0, line
        for option in re.findall(r"--[a-z]+", line):
            assert option in found.stdout, line
    for section in ("carriers", "total", "assessed", "products", "value", "quotas", "criteria", "days", "factors"):
        assert f"`{section}`" in text
