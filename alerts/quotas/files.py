"""Files of quotas, CSV or TOML by their names: read whole, written whole."""

from __future__ import annotations

from pathlib import Path

from alerts.quotas.csv_files import read_csv, write_csv
from alerts.quotas.given import Given
from alerts.quotas.model import Quotas
from alerts.quotas.toml_files import read_toml, write_toml
from energy.errors import Fault, RejectedError
from energy.product_quotas import ProductQuota, product_quotas

SUFFIXES = (".csv", ".toml")
"""What files of quotas are called."""


def read_quotas(content: bytes, name: str, standards: tuple[ProductQuota, ...] | None = None) -> Given:
    """The quotas of a file with everything that is wrong with them, which `alerts.quotas.checks` adds to.

    Args:
        content: the file; TOML in UTF-8, with or without byte order mark, CSV as `energy.records.read_rows` says.
        name: its name, whose ending says which it is, and by which faults call it.
        standards: product quota standards, for limits by level; None for those that the project ships.

    Raises:
        RejectedError: the name has another ending.
    """
    known = product_quotas() if standards is None else standards
    if _suffix(name) == ".csv":
        return read_csv(content, name, known)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Given(faults=(Fault(name, line, "", "not UTF-8 text: save the file as UTF-8"),))
    return read_toml(text, name, known)


def written_quotas(quotas: Quotas, name: str, *, chinese: bool = False) -> bytes:
    """The content of a file of quotas, which reads back as it was.

    Args:
        quotas: what to write.
        name: the file's name, whose ending says which sort it is.
        chinese: write CSV with Chinese headings and words.

    Raises:
        RejectedError: the name has another ending, or CSV cannot hold the quotas.
    """
    text = write_csv(quotas, chinese=chinese) if _suffix(name) == ".csv" else write_toml(quotas)
    return text.encode()


def _suffix(name: str) -> str:
    suffix = Path(name).suffix.lower()
    if suffix not in SUFFIXES:
        raise RejectedError(f"{name}: quotas are read and written as {' or '.join(SUFFIXES)}")
    return suffix
