"""The configuration files of the operating guide load, and its exit codes are the code's."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from alerts.settings import AlertsSettings
from energy import errors
from energy.config import decode_toml
from ingest.accounting.settings import AccountingSettings
from ingest.settings import IngestSettings

PAGE = (Path(__file__).parents[2] / "docs" / "operating.md").read_text(encoding="utf-8")
FILES: dict[str, str] = dict(re.findall(r"^```toml\n# (\S+)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE))
SETTINGS: dict[str, type[msgspec.Struct]] = {
    "ingest.toml": IngestSettings,
    "accounting.toml": AccountingSettings,
    "alerts.toml": AlertsSettings,
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_file_of_the_page_loads(name: str) -> None:
    """As it stands; its health port is set, which the page goes on to ask."""
    settings = decode_toml(FILES[name], SETTINGS[name], name)
    assert msgspec.to_builtins(settings)["health"]["port"]


def test_what_ingest_needs_for_https_loads() -> None:
    """The commented table, as it stands there."""
    text = re.sub(r"^# (\[http\]|host = \"0|port = 8|tokens_file|tls)", r"\1", FILES["ingest.toml"], flags=re.MULTILINE)
    http = decode_toml(text, IngestSettings, "ingest.toml").http
    assert http is not None
    assert http.proves
    assert http.tls is not None


def test_the_exit_codes_are_those_of_the_errors() -> None:
    """Each error of the tree stands in the row of its code."""
    rows = re.findall(r"^\| (\d+) \| [^|]+ \|([^|]*)\|$", PAGE, re.MULTILINE)
    listed = {name: int(code) for code, names in rows for name in re.findall(r"`(\w+)`", names)}
    kinds = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.QuotawattError)]
    assert listed == {kind.__name__: kind.exit_code for kind in kinds}
