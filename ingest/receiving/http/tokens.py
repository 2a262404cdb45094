"""The file of the gateways' tokens; it holds only their digests, so that who reads it can send in nobody's name."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from pathlib import Path
from typing import Annotated

import msgspec

from energy.config import FaultCollector, load_document
from energy.registry.model import GatewayCode
from ingest.receiving.http.files import follow_files

Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z", description="64 hexadecimal digits, a SHA-256")]


class TokenFile(msgspec.Struct, frozen=True):
    """What the file says: for each gateway the digests of its tokens, several while one replaces another."""

    gateways: dict[GatewayCode, tuple[Digest, ...]]


def new_token() -> str:
    """A token of 256 random bits."""
    return secrets.token_urlsafe(32)


def digest_of(token: str) -> str:
    """What the file holds of a token; SHA-256 serves, since nobody guesses 256 random bits."""
    # A header may have any bytes; those that are no UTF-8 come as half surrogate pairs.
    return hashlib.sha256(token.encode(errors="surrogateescape")).hexdigest()


def line_of(gateway: str, token: str) -> str:
    """The line of the file, below `[gateways]`, for a gateway with one token."""
    return f'{gateway} = ["{digest_of(token)}"]'


class Tokens:
    """Knows whose a token is, as the file says it now.

    Args:
        path: the file.

    Raises:
        ConfigError: the file cannot be used, at the start.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._owners = _owners(path)

    def owner(self, token: str) -> str | None:
        """The gateway of `token`, None for nobody's."""
        digest = digest_of(token)
        # Found by its digest: whoever does not know a token cannot steer towards one by how long this takes.
        known, owner = self._owners.get(digest, ("", ""))
        return owner if hmac.compare_digest(known, digest) else None

    async def follow(self) -> None:
        """Read the file again whenever it has changed, until cancelled."""
        await follow_files((self._path,), "tokens_file", self._read)

    def _read(self) -> None:
        self._owners = _owners(self._path)


def _owners(path: Path) -> dict[str, tuple[str, str]]:
    document = load_document(path)
    owners: dict[str, tuple[str, str]] = {}
    twice = FaultCollector(document)
    for gateway, digests in document.decode(TokenFile).gateways.items():
        for number, digest in enumerate(digests):
            _, owner = owners.setdefault(digest, (digest, gateway))
            if owner != gateway:
                twice.add(("gateways", gateway, number), f"the token of {owner}: each gateway needs its own")
    twice.raise_faults()
    return owners
