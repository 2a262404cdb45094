"""Envelopes and statuses with faults: written by the grammar of the contract, then spoilt on purpose."""

from __future__ import annotations

import codecs
import random
from collections.abc import Callable, Sequence

from energy.wire import MAX_ENVELOPE_BYTES, MAX_ENVELOPE_READINGS
from tests.support.ingest_world import START_MS, STREAM

_WHOLE = "0 1 -1 -0 1.0 1e0 10e-1 5e-1 1E+18 1e400 01 +1 0x1 1_0 ١ NaN -Infinity null true"
_BROKEN_OFF = "-0.0 0e0 0.1 -1e309 5e-324 2e-324 1e-400 9007199254740993.0 1e 1.e5 .5 1.5.5 1e+"
_NARROW = "1.7976931348623157e308 1.7976931348623159e308 2.2250738585072011e-308 8.442911973260991817129021e-309"
INTEGERS = (
    *_WHOLE.split(),
    *map(str, (2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64 - 1, 2**64, 10**30)),
    '"1"', "[1]", '{"a":1}', "9" * 400, "-" + "9" * 4_300, "9" * 4_301, "1" + "0" * 6_000,
)  # fmt: skip
NUMBERS = (
    *INTEGERS, *_BROKEN_OFF.split(), *_NARROW.split(), "123456789.123456789123456789",
    "0." + "0" * 400 + "1", "1" * 310, "1" * 800 + "e-790", "0." + "3" * 2_000,
)  # fmt: skip
STRINGS = (
    '""', '"A-1\\u0000"', '"\\u0000"', '"\\ud800"', '"\\udc00\\ud800"', '"\\ud83d\\ude00"', '"\\u00e9"', '"点"', '"😀"',
    '"\\u0041-1"', '"A-1 "', '"a-1"', '"\\q"', '"\\u12"', '"\\"', '"\n"', '"\0"', '"\ufeff"', '"%s"', '"{0.point!r}"',
    '"\\/\\b\\f\\n\\r\\t"', '"' + "A" * 64 + '"', '"' + "A" * 65 + '"', '"' + "\\u2028" * 300 + '"', "'A-1'", "A-1",
    '"' + "x" * 5_000 + '"', "null", "1", "[]", "{}",
)  # fmt: skip
STREAMS = (
    *STRINGS, f'"{STREAM.upper()}"', f'"{STREAM}0"', f'"{STREAM[1:]}"', f'"{STREAM}\\n"', f'"\\u0030{STREAM[1:]}"',
    f'" {STREAM}"', f'["{STREAM}"]',
)  # fmt: skip
VERSIONS = (*INTEGERS, "2", "3")
EXTRAS = (
    '"more":1', '"v":1', '"v":2', '"seq":77', f'"stream":"{"f" * 32}"', '"readings":[]', '"readings":[["A-1",1,1]]',
    '"\\u0073eq":78', '"SEQ":79', '"":null', '"\\ud800":1', '"more":"\\udfff"', '"more":' + "[" * 40 + "]" * 40,
    '"more":' + '{"a":' * 40 + "1" + "}" * 40, '"more":' + "[" * 3_000, '"more":' + "[" * 1_200 + "]" * 1_200,
    '"more":{"seq":80}', '"' + "k" * 2_000 + '":0', '"more":01', '"more":NaN', "more:1", '"more"', ":", ",",
)  # fmt: skip
SPACES = ("", "", "", " ", "\t\r\n", "\n" * 50, "\x0b", "\u00a0", "/* */", "\0")
_STREAM = f'"{STREAM}"'
POINTS = ('"A-1"', '"A-1"', '"A-1"', '"A-2"', '"A-2"', '"A-3"', '"B-1"', '"X-1"')


class Writer:
    """Writes one message; each part of it is spoilt with a small chance.

    Args:
        chance: what decides.
    """

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._faults = chance.choice((0.0, 0.0, 0.02, 0.1, 0.4))

    def envelope(self) -> bytes:
        """Something like an envelope."""
        seq = str(self._chance.randrange(1, 2**63))
        members = [
            f'"v":{self._part("1", VERSIONS)}',
            f'"stream":{self._part(_STREAM, STREAMS)}',
            f'"seq":{self._part(seq, INTEGERS)}',
            f'"readings":{self._part(self._readings(), STRINGS)}',
        ]
        return self._finished(members)

    def status(self) -> bytes:
        """Something like a status."""
        ranges = [self._range() for _ in range(self._chance.randrange(3))]
        total = f'{{"envelopes":{self._number()},"readings":{self._number()}}}'
        members = [
            f'"v":{self._part("1", VERSIONS)}',
            f'"online":{self._part("true", INTEGERS)}',
            f'"stream":{self._part(_STREAM, STREAMS)}',
            f'"kept_from":{self._part("null", INTEGERS)}',
            f'"last_seq":{self._number()}',
            f'"dropped":[{",".join(ranges)}]',
            f'"at":{self._part(str(START_MS), INTEGERS)}',
            f'"dropped_total":{self._part(total, STRINGS)}',
        ]
        return self._finished(members)

    def _range(self) -> str:
        reason = self._part('"size"', STRINGS)
        return f'{{"first":{self._number()},"last":{self._number()},"reason":{reason}}}'

    def _readings(self) -> str:
        count = self._chance.randrange(1, 6)
        if self._spoils() and self._chance.random() < 0.01:
            count = MAX_ENVELOPE_READINGS + self._chance.randrange(-1, 2)
        readings = [self._reading() for _ in range(count)]
        if self._spoils():
            readings.append(self._chance.choice((*STRINGS, *INTEGERS, '{"point":"A-1","at":1,"value":1}', "[]", "")))
        return f"[{','.join(readings)}]"

    def _reading(self) -> str:
        at = str(START_MS + self._chance.choice((0, 1, 2, 999_999, 1_000_000, 1_000_001, -1_000_001)))
        value = self._chance.choice((repr(self._chance.gauss(0, 1e6)), repr(self._chance.random()), "null", "-0.0"))
        fields = [
            self._part(self._chance.choice(POINTS), STRINGS),
            self._part(at, INTEGERS),
            self._part(value, NUMBERS),
            self._part("3" if value == "null" else self._chance.choice("00123"), INTEGERS),
        ]
        if self._spoils():
            fields = self._shuffled(fields)
        return f"[{','.join(fields)}]"

    def _shuffled(self, fields: list[str]) -> list[str]:
        """With one too many, or one too few, or in another order."""
        made = self._chance.sample(fields, self._chance.randrange(len(fields) + 1))
        return made if self._chance.random() < 0.5 else [*fields, *made]

    def _number(self) -> str:
        return self._part(str(self._chance.randrange(1, 100)), INTEGERS)

    def _part(self, sound: str, spoilt: Sequence[str]) -> str:
        return self._chance.choice(spoilt) if self._spoils() else sound

    def _spoils(self) -> bool:
        return self._chance.random() < self._faults

    def _finished(self, members: list[str]) -> bytes:
        """The members as an object in bytes, which are spoilt too."""
        if self._spoils():
            members = self._shuffled(members)
        if self._spoils():
            members.insert(self._chance.randrange(len(members) + 1), self._chance.choice(EXTRAS))
        between = self._chance.choice(SPACES) if self._spoils() else ""
        body = f"{between}{{{f',{between}'.join(members)}}}{between}".encode()
        return self._chance.choice(SPOILING)(self._chance, body) if self._spoils() else body


def _cut(chance: random.Random, body: bytes) -> bytes:
    return body[: chance.randrange(len(body) + 1)]


def _bits(chance: random.Random, body: bytes) -> bytes:
    made = bytearray(body)
    for _ in range(chance.randrange(1, 5)):
        made[chance.randrange(len(made))] ^= 1 << chance.randrange(8)
    return bytes(made)


def _moved(chance: random.Random, body: bytes) -> bytes:
    at, to, length = chance.randrange(len(body)), chance.randrange(len(body)), chance.randrange(1, 40)
    return body[:to] + body[at : at + length] + body[to:]


def _gone(chance: random.Random, body: bytes) -> bytes:
    at = chance.randrange(len(body))
    return body[:at] + body[at + chance.randrange(1, 9) :]


def _put_in(chance: random.Random, body: bytes) -> bytes:
    at = chance.randrange(len(body) + 1)
    put = chance.choice((b"\0", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b'"', b"\\", chance.randbytes(3)))
    return body[:at] + put + body[at:]


def _swapped(_: random.Random, body: bytes) -> bytes:
    return body.translate(bytes.maketrans(b"[]{}", b"{}[]"))


def _encoded(chance: random.Random, body: bytes) -> bytes:
    text = body.decode(errors="replace")
    return text.encode(chance.choice(("utf-8-sig", "utf-16", "utf-16-be", "utf-32", "gb18030", "utf-7")), "replace")


def _twice(_: random.Random, body: bytes) -> bytes:
    return body + body


def _deep(chance: random.Random, body: bytes) -> bytes:
    depth = chance.choice((20, 33, 990, 1_100, 20_000))
    return b"[" * depth + body + b"]" * chance.choice((depth, 0))


def _long(chance: random.Random, body: bytes) -> bytes:
    if chance.random() < 0.9:  # it costs as much as a thousand others
        return body
    room = MAX_ENVELOPE_BYTES - len(body) + chance.randrange(-1, 2)
    return body + chance.choice((b" ", b"[", b"\0")) * max(0, room)


def _marked(_: random.Random, body: bytes) -> bytes:
    return codecs.BOM_UTF8 + body


SPOILING: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    _cut, _bits, _bits, _moved, _moved, _gone, _put_in, _swapped, _encoded, _twice, _deep, _long, _marked,
)  # fmt: skip
