"""The document of the wire contract says what the codec does: others implement from it alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from energy.readings import Quality
from energy.transport.http import MOST_ANSWER_BYTES
from energy.wire import (
    MAX_COMMANDS,
    MAX_ENVELOPE_BYTES,
    MAX_ENVELOPE_READINGS,
    DroppedTotal,
    DropReason,
    Kind,
    RefusalCode,
    decode_acknowledgement,
    decode_command,
    decode_envelope,
    decode_status,
    decode_status_answer,
)
from energy.wire.push import GATEWAY_HEADER, READINGS_PATH, STATUS_PATH
from ingest.receiving.http.readings import MOST_DEPTH, READ_BYTES

DOCUMENT = (Path(__file__).parents[2] / "docs" / "wire-protocol.md").read_text(encoding="utf-8")
EXAMPLES = [example.encode() for example in re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)]


def decoder_of(example: bytes) -> Callable[[bytes], Any]:
    """The codec's function for an example, by the member that only its kind has."""
    members = json.loads(example)
    kinds = {
        "readings": decode_envelope,
        "confirmed": decode_acknowledgement,
        "online": decode_status,
        "command": decode_command,
        "commands": decode_status_answer,
    }
    (decoder,) = (decoder for member, decoder in kinds.items() if member in members)
    return decoder


def codes_in(heading: str) -> list[str]:
    """First cells, in code type, of the table whose header begins with `heading`."""
    table = DOCUMENT.split(f"| {heading} |", 1)[1].split("\n\n", 1)[0]
    return re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE)


def test_every_kind_of_message_has_an_example() -> None:
    """All of them, and no block of JSON that belongs to none."""
    assert {decoder_of(example) for example in EXAMPLES} == {
        decode_envelope,
        decode_acknowledgement,
        decode_status,
        decode_command,
        decode_status_answer,
    }


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_every_example_decodes(example: bytes) -> None:
    """With all its members: none is misspelt and so ignored."""
    decoded = decoder_of(example)(example)
    members = json.loads(example)
    assert set(members) <= set(decoded.__struct_fields__)
    assert set(members.get("dropped_total", ())) <= set(DroppedTotal.__struct_fields__)


def test_the_commands_in_an_answer_to_a_status_are_commands() -> None:
    """They are not decoded with the answer, so that an unknown one spoils no other."""
    (answer,) = (example for example in EXAMPLES if decoder_of(example) is decode_status_answer)
    assert [decode_command(bytes(one)).command for one in decode_status_answer(answer).commands] == ["resend"]
    assert f"at most {MAX_COMMANDS};" in DOCUMENT


def test_the_paths_and_the_header_of_http_push_are_the_codes() -> None:
    """What the table says is what collectors post, and what ingest serves."""
    assert re.findall(r"^\| `POST \{url\}([^`]+)`", DOCUMENT, re.MULTILINE) == [READINGS_PATH, STATUS_PATH]
    assert f"\n{GATEWAY_HEADER}: " in DOCUMENT
    assert f"{MOST_ANSWER_BYTES:,}".replace(",", " ") in DOCUMENT
    assert f"reads {READ_BYTES:,} bytes".replace(",", " ") in DOCUMENT
    assert f"nest more than {MOST_DEPTH} deep" in DOCUMENT


def test_the_list_of_codes_is_the_codecs() -> None:
    """A gateway's maker can rely on the list being closed and complete."""
    assert set(codes_in("code")) == {code.value for code in RefusalCode}


def test_the_list_of_reasons_is_the_codecs() -> None:
    """What a gateway of ours may say in its status is explained."""
    assert codes_in("reason") == [reason.value for reason in DropReason]


def test_topics_qualities_and_limits_are_the_codecs() -> None:
    """What the tables say is what the code has."""
    assert {topic.rsplit("/", 1)[1] for topic in re.findall(r"^\| `(qw/[^`]+)`", DOCUMENT, re.MULTILINE)} == set(Kind)
    table = DOCUMENT.split("| quality | name |", 1)[1].split("\n\n", 1)[0]
    assert [int(n) for n in re.findall(r"^\| ([0-9]) \|", table, re.MULTILINE)] == list(Quality)
    for limit in (MAX_ENVELOPE_BYTES, MAX_ENVELOPE_READINGS):
        assert f"{limit:,}".replace(",", " ") in DOCUMENT
