"""How deep a JSON text nests, told without parsing it."""

from __future__ import annotations

import re

_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_ALL_BUT_BRACKETS = bytes(sorted(set(range(256)) - set(b"[]{}")))
_ALL_BUT_QUOTES_TOO = bytes(sorted(set(range(256)) - set(b'[]{}"')))


def nested_beyond(body: bytes, most: int) -> bool:
    """Whether a bracket of `body` stands more than `most` deep."""
    brackets = left = _brackets(body)
    for _ in range(most):  # what is well-formed, and not too deep, has vanished by then
        left = left.replace(b"[]", b"").replace(b"{}", b"")
        if not left:
            return False
    depth = 0
    for bracket in brackets:
        depth += 1 if bracket in b"[{" else -1
        if depth > most:
            return True
    return False


def _brackets(body: bytes) -> bytes:
    """The brackets that stand outside strings."""
    if b"\\" not in body:
        # Without escapes quotes open and close in turn. Where no bracket stands within a string, each opening quote is
        # next to its closing one once all else is gone; where one does, a quote is left over.
        brackets = body.translate(None, _ALL_BUT_QUOTES_TOO).replace(b'""', b"")
        if b'"' not in brackets:
            return brackets
    return _STRINGS.sub(b"", body).translate(None, _ALL_BUT_BRACKETS)
