"""YAML documents that know the lines of their keys, decoded and faulted like TOML ones.

Of plain words only true, false, null and decimal numbers are more than text: `0x3` is three times nothing in a series
and would be a three elsewhere, `1:30` and `no` would be a number and a boolean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from energy.config import Document
from energy.errors import ConfigError, Fault
from energy.toml_lines import Path as Place


class _Loader(yaml.SafeLoader):
    """Plain tables, lists and values."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - as in the library


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:null|~|)$"), ["n", "~", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+\.[0-9]+$"), list("-+0123456789"))


def load_yaml(path: Path) -> Document:
    """Read a file; raises ConfigError where it cannot be read, or is not YAML of plain tables and lists."""
    source = str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError((Fault(source, 0, "", f"cannot be read: {error.strerror}"),)) from error
    except UnicodeDecodeError as error:
        raise ConfigError((Fault(source, 0, "", "not UTF-8 text"),), advice="Save the file as UTF-8.") from error
    return parse_yaml(text, source, directory=path.parent)


def parse_yaml(text: str, source: str, *, directory: Path = Path()) -> Document:
    """Parse YAML text; raises ConfigError as `load_yaml` does."""
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        lines = dict(_lines(root, (), source)) if root is not None else {}
        content = loader.construct_document(root) if root is not None else None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise ConfigError((Fault(source, line, "", f"no YAML: {error.problem}"),)) from error
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError((Fault(source, 0, "", f"no YAML: {error}"),)) from error
    except RecursionError as error:
        raise ConfigError((Fault(source, 0, "", "nested too deeply"),)) from error
    if not isinstance(content, dict):
        raise ConfigError((Fault(source, 1, "", "expected keys and values"),))
    return Document(source, content, lines, directory)


def _lines(node: yaml.Node, place: Place, source: str) -> Iterator[tuple[Place, int]]:
    """Where each key and item stands; what plain YAML reads over in silence is a fault here."""
    line = node.start_mark.line + 1
    yield place, line
    if isinstance(node, yaml.SequenceNode):
        for at, item in enumerate(node.value):
            yield from _lines(item, (*place, at), source)
    if isinstance(node, yaml.MappingNode):
        seen: set[Any] = set()
        for key, value in node.value:
            where = key.start_mark.line + 1
            if key.tag != "tag:yaml.org,2002:str":
                raise ConfigError((Fault(source, where, "", f"a key must be text: write '{key.value}' in quotes"),))
            if key.value in seen:
                raise ConfigError((Fault(source, where, str(key.value), "given twice"),))
            seen.add(key.value)
            yield from _lines(value, (*place, key.value), source)
            yield (*place, key.value), where
