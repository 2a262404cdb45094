"""How deep a JSON text nests, told without parsing it."""

from __future__ import annotations

import re

_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_ALL_BUT_BRACKETS = bytes(sorted(set(range(256)) - set(b"[]{}")))
_ALL_BUT_QUOTES_TOO = bytes(sorted(set(range(256)) - set(b'[]{}"')))


def nested_beyond(body: bytes, most: int) -> bool:
    """Whether a bracket of `body` stands more than `most` deep; whether the kinds match is for the decoder to tell."""
    brackets = left = _brackets(body)
    for _ in range(most):  # each time the innermost level goes; what is well-formed, and not too deep, is gone by then
        left = left.replace(b"[]", b"")
        if not left:
            return False
    depth = 0
    for bracket in brackets:
        depth += 1 if bracket == ord("[") else -1
        if depth > most:
            return True
    return False


def _brackets(body: bytes) -> bytes:
    """The brackets that stand outside strings, all of one kind."""
    if b"\\" not in body:
        # Without escapes quotes open and close in turn. Where no bracket stands within a string, each opening quote is
        # next to its closing one once all else is gone; where one does, a quote is left over.
        brackets = body.translate(_ONE_KIND, _ALL_BUT_QUOTES_TOO).replace(b'""', b"")
        if b'"' not in brackets:
            return brackets
    return _STRINGS.sub(b"", body).translate(_ONE_KIND, _ALL_BUT_BRACKETS)
