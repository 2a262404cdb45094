"""Whatever happens to an answer on its way, it is refused or brings exactly the right data."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collector.drivers.modbus.frames import Asked, RtuAsked, TcpAsked, crc, next_transaction
from collector.errors import MismatchError, RefusedReadError
from collector.planning.planner import Read
from tests.support.modbus_peer import with_crc

READS = st.one_of(
    st.builds(Read, st.sampled_from([1, 2]), st.integers(0, 0xFFFF), st.integers(1, 2000), st.just(())),
    st.builds(Read, st.sampled_from([3, 4]), st.integers(0, 0xFFFF), st.integers(1, 125), st.just(())),
)
UNITS = st.integers(1, 247)
TRANSACTIONS = st.integers(0, 0xFFFF)


def tcp_answer(asked: TcpAsked, unit: int, request: Read, data: bytes) -> bytes:
    """The right answer in Modbus TCP."""
    header = asked.frame[:2] + b"\0\0" + (3 + len(data)).to_bytes(2, "big")
    return header + bytes([unit, request.function_code, len(data)]) + data


@st.composite
def exchanged(draw: st.DrawFn, *, rtu: bool) -> tuple[Asked, bytes, bytes]:
    """A request, its right answer, and the data in it."""
    request, unit = draw(READS), draw(UNITS)
    data = draw(st.binary(min_size=request.data_bytes, max_size=request.data_bytes))
    if rtu:
        return RtuAsked(unit, request), with_crc(bytes([unit, request.function_code, len(data)]) + data), data
    asked = TcpAsked(draw(TRANSACTIONS), unit, request)
    return asked, tcp_answer(asked, unit, request, data), data


@st.composite
def refused(draw: st.DrawFn, *, rtu: bool) -> tuple[Asked, bytes, int]:
    """A request, the answer that refuses it, and the exception code in it."""
    request, unit, code = draw(READS), draw(UNITS), draw(st.integers(0, 0xFF))
    body = bytes([unit, request.function_code | 0x80, code])
    if rtu:
        return RtuAsked(unit, request), with_crc(body), code
    asked = TcpAsked(draw(TRANSACTIONS), unit, request)
    return asked, asked.frame[:2] + b"\0\0\0\3" + body, code


CHANGES = st.lists(
    st.tuples(st.sampled_from(["flip", "cut", "insert"]), st.integers(0), st.binary(min_size=1, max_size=9)),
    min_size=1,
    max_size=4,
)
EXCHANGED = exchanged(rtu=True) | exchanged(rtu=False)
REFUSED = refused(rtu=True) | refused(rtu=False)


@given(EXCHANGED)
def test_an_answer_is_whole_with_its_last_byte(case: tuple[Asked, bytes, bytes]) -> None:
    """Each beginning of it is waited on, however it is cut."""
    asked, answer, data = case
    assert asked.answer_size == len(answer)
    assert all(asked.judge(answer[:end]) is None for end in range(len(answer)))
    assert asked.judge(answer) == data


@given(REFUSED)
def test_a_refusal_is_whole_with_its_last_byte(case: tuple[Asked, bytes, int]) -> None:
    """Likewise, and it tells the code."""
    asked, answer, code = case
    assert all(asked.judge(answer[:end]) is None for end in range(len(answer)))
    with pytest.raises(RefusedReadError) as caught:
        asked.judge(answer)
    assert caught.value.code == code


@given(EXCHANGED, st.binary(min_size=1, max_size=300))
def test_nothing_may_come_after_the_end(case: tuple[Asked, bytes, bytes], more: bytes) -> None:
    """Merged answers are no answer."""
    asked, answer, _ = case
    with pytest.raises(MismatchError):
        asked.judge(answer + more)


@given(REFUSED, st.binary(min_size=1, max_size=300))
def test_nothing_may_come_after_a_refusal(case: tuple[Asked, bytes, int], more: bytes) -> None:
    """Likewise."""
    asked, answer, _ = case
    with pytest.raises(MismatchError):
        asked.judge(answer + more)


@given(exchanged(rtu=False), st.data())
def test_a_changed_header_is_a_mismatch(case: tuple[Asked, bytes, bytes], data: st.DataObject) -> None:
    """In Modbus TCP the header tells answers apart; the data itself is TCP's to protect."""
    asked, answer, _ = case
    place = data.draw(st.integers(0, 8))
    changed = answer[:place] + bytes([answer[place] ^ data.draw(st.integers(1, 0xFF))]) + answer[place + 1 :]
    with pytest.raises((MismatchError, RefusedReadError)) as caught:
        asked.judge(changed)
    assert caught.type is MismatchError or len(answer) == 9


@given(exchanged(rtu=True), st.data())
def test_a_damaged_frame_is_a_mismatch_or_waited_on(case: tuple[Asked, bytes, bytes], data: st.DataObject) -> None:
    """On a serial line the checksum finds every burst of up to 16 changed bits, wherever it is."""
    asked, answer, _ = case
    place = data.draw(st.integers(0, len(answer) - 2))
    burst = data.draw(st.integers(1, 0xFFFF)).to_bytes(2, "big")
    changed = answer[:place] + bytes(a ^ b for a, b in zip(answer[place:], burst, strict=False)) + answer[place + 2 :]
    with suppress(MismatchError):
        assert asked.judge(changed) is None


@given(exchanged(rtu=True), CHANGES)
def test_whatever_happens_to_a_frame_no_wrong_data_comes(
    case: tuple[Asked, bytes, bytes], changes: list[tuple[str, int, bytes]]
) -> None:
    """Flips, cuts and insertions: refused, waited on, or the right data. The checksum lets 1 in 65 536 by."""
    asked, answer, right = case
    came = bytearray(answer)
    for kind, where, what in changes:
        place = where % (len(came) + 1)
        if kind == "insert":
            came[place:place] = what
        elif kind == "cut":
            del came[place : place + len(what)]
        else:
            came[place : place + len(what)] = bytes(a ^ b for a, b in zip(came[place:], what, strict=False))
    try:
        data = asked.judge(bytes(came))
    except (MismatchError, RefusedReadError):
        return
    assert data is None or data == right


@given(exchanged(rtu=True) | exchanged(rtu=False), st.binary(max_size=300))
def test_noise_is_never_an_answer(case: tuple[Asked, bytes, bytes], noise: bytes) -> None:
    """Any bytes at all."""
    asked, answer, _ = case
    if noise == answer:
        return
    with suppress(MismatchError, RefusedReadError):
        assert asked.judge(noise) is None


@given(st.binary(max_size=300))
@example(b"123456789")
def test_the_checksum_is_the_standards(data: bytes) -> None:
    """By a table as bit by bit; 4B37H is the check value of the catalogue of CRC algorithms."""
    assert data + crc(data) == with_crc(data)
    assert crc(b"123456789") == b"\x37\x4b"


@given(TRANSACTIONS)
def test_transactions_go_round_without_zero(transaction: int) -> None:
    """No two of 65 535 in a row are the same."""
    following = next_transaction(transaction)
    assert following == (transaction + 1 if transaction < 0xFFFF else 1)
    assert following != transaction
