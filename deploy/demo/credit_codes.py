"""Unified social credit codes (统一社会信用代码) and their check character, GB 32100-2015."""

from __future__ import annotations

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""31 characters: no I, O, S, V and Z."""
_LENGTH = 18


def check_character(body: str) -> str:
    """The 18th character of a code from its first 17; raises ValueError for characters outside of the alphabet.

    GB 32100-2015: weights 3^(i-1) mod 31, check = (31 - sum mod 31) mod 31.
    """
    total = sum(_ALPHABET.index(character) * pow(3, place, 31) for place, character in enumerate(body))
    return _ALPHABET[-total % 31]


def credit_code_fault(code: str) -> str | None:
    """What is wrong with a credit code, or None."""
    if len(code) != _LENGTH:
        return f"a credit code has {_LENGTH} characters, this one {len(code)}"
    if strange := sorted({character for character in code if character not in _ALPHABET}):
        return f"a credit code has no {', '.join(map(repr, strange))}"
    if (expected := check_character(code[:-1])) != code[-1]:
        return f"the check character of this credit code would be {expected}, not {code[-1]}"
    return None
