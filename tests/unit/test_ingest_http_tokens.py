"""Tokens: made by the command, known by the file that holds only their digests."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from click.testing import CliRunner

from deploy.cli import root
from energy.errors import ConfigError
from ingest.receiving.http.tokens import Tokens


def made_for(gateway: str) -> tuple[str, str]:
    """The token and the line that the command prints."""
    shown = CliRunner().invoke(root, ["ingest", "token", gateway], catch_exceptions=False).stdout.splitlines()
    return shown[0].removeprefix("token: "), shown[1].removeprefix("line:  ")


def test_what_the_command_prints_lets_the_gateway_in(tmp_path: Path) -> None:
    """The line goes into the file as it is; the token is not in it."""
    token, line = made_for("gw-0001")
    other, _ = made_for("gw-0002")
    path = tmp_path / "tokens.toml"
    path.write_text(f"[gateways]\n{line}\n", encoding="utf-8")
    tokens = Tokens(path)
    assert tokens.owner(token) == "gw-0001"
    assert tokens.owner(other) is None
    assert tokens.owner("") is None
    assert token not in line
    assert hashlib.sha256(token.encode()).hexdigest() in line


def test_any_bytes_may_be_shown_as_a_token(tmp_path: Path) -> None:
    """A header need not be text: whoever shows such a token is a stranger like others, not a fault of ours."""
    path = tmp_path / "tokens.toml"
    path.write_text("[gateways]\n", encoding="utf-8")
    assert Tokens(path).owner(b"\xff\xfe".decode(errors="surrogateescape")) is None


def test_a_token_cannot_be_guessed() -> None:
    """256 random bits, each time others."""
    tokens = {made_for("gw-1")[0] for _ in range(5)}
    assert len(tokens) == 5
    assert all(len(token) >= 43 for token in tokens)


def test_the_command_wants_the_code_of_a_gateway() -> None:
    """A line that the file's reader would refuse is not printed."""
    refused = CliRunner().invoke(root, ["ingest", "token", "GW 1"])
    assert refused.exit_code == 2
    assert "small letters" in refused.stderr


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("", id="no table"),
        pytest.param('[gateways]\ngw-1 = ["secret"]', id="a token in the place of its digest"),
        pytest.param(f'[gateways]\nGW = ["{"a" * 64}"]', id="no code of a gateway"),
        pytest.param(f'[gateways]\ngw-1 = ["{"a" * 64}"]\ngw-2 = ["{"a" * 64}"]', id="one token for two"),
    ],
)
def test_a_faulty_file_stops_the_start(tmp_path: Path, content: str) -> None:
    """With the file's name, and the line where one can be named."""
    path = tmp_path / "tokens.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"tokens\.toml"):
        Tokens(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        Tokens(tmp_path / "none.toml")
