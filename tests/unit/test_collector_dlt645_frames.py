"""Single frames of DL/T 645-2007, byte by byte."""

from __future__ import annotations

import pytest

from collector.drivers.dlt645 import frames
from collector.drivers.dlt645.frames import Frame, FrameReader, ReadAddress, ReadData, encode, request_frame, take_part
from collector.errors import MismatchError, RefusedReadError

TOTAL = ReadData("00010000", 4, 4)
METER = "123456789012"


def frame_of(text: str) -> Frame | None:
    """The frame in bytes written as hexadecimal."""
    reader = FrameReader()
    reader.feed(bytes.fromhex(text))
    return reader.next()


def test_a_read_of_the_total_by_wildcard_is_the_known_example() -> None:
    """The well-known request for the forward active total, with its checksum."""
    sent = encode(request_frame(frames.WILDCARD, TOTAL), 4)
    assert sent == bytes.fromhex("FE FE FE FE 68 AA AA AA AA AA AA 68 11 04 33 33 34 33 AE 16")


def test_the_known_example_is_read_back() -> None:
    """The same bytes as a frame: address, control byte, and the identifier low byte first."""
    frame = frame_of("FE FE FE FE 68 AA AA AA AA AA AA 68 11 04 33 33 34 33 AE 16")
    assert frame == Frame("AAAAAAAAAAAA", 0x11, bytes.fromhex("00000100"))


def test_an_address_goes_out_with_its_last_digits_first() -> None:
    """As the nameplate has it, read from the right."""
    assert encode(request_frame(METER, TOTAL))[1:7] == bytes.fromhex("129078563412")


def test_a_follow_up_names_its_number() -> None:
    """Control 12H, the identifier again, and the number of the part."""
    assert request_frame(METER, TOTAL, 3) == Frame(METER, 0x12, bytes.fromhex("0000010003"))


def test_an_address_is_read_with_nothing_but_a_control_byte() -> None:
    """Control 13H without data; the answer has the address in its data."""
    assert request_frame(frames.WILDCARD, ReadAddress()) == Frame(frames.WILDCARD, 0x13, b"")
    address = bytes.fromhex("129078563412")
    assert take_part(Frame(METER, 0x93, address), frames.WILDCARD, ReadAddress()) == (address, False)


@pytest.mark.parametrize(
    ("frame", "what"),
    [
        (Frame(METER, 0x93, b"\x12\x90\x78"), "no address"),
        (Frame(METER, 0x93, b"\xfe\x90\x78\x56\x34\x12"), "no address"),
        (Frame(METER, 0x93, b"\x13\x90\x78\x56\x34\x12"), "123456789013 sent by 123456789012"),
        (Frame(METER, 0xB3, b"\x12\x90\x78\x56\x34\x12"), "control"),
    ],
)
def test_an_answer_without_an_address_is_none(frame: Frame, what: str) -> None:
    """Wrong length, no BCD, sent by somebody else, or in parts."""
    with pytest.raises(MismatchError, match=what):
        take_part(frame, frames.WILDCARD, ReadAddress())


def test_the_wildcard_takes_the_answer_of_any_meter() -> None:
    """It answers with its own address, or, as some do, with the wildcard."""
    for address in (METER, frames.WILDCARD):
        answer = Frame(address, 0x91, bytes.fromhex("00000100") + b"\x78\x56\x34\x12")
        assert take_part(answer, frames.WILDCARD, TOTAL) == (b"\x78\x56\x34\x12", False)


@pytest.mark.parametrize(
    ("frame", "what"),
    [
        (Frame("123456789013", 0x91, bytes.fromhex("00000100 78563412")), "address 123456789013 instead of"),
        (Frame(METER, 0x91, bytes.fromhex("00000200 78563412")), "data 00020000 instead of 00010000"),
        (Frame(METER, 0x91, bytes.fromhex("0000")), "data 0000 instead of 00010000"),
        (Frame(METER, 0x91, b""), "data none instead of 00010000"),
        (Frame(METER, 0x92, bytes.fromhex("00000100 78563412")), "control 92 instead of 91"),
        (Frame(METER, 0x11, bytes.fromhex("00000100")), "control 11 instead of 91"),
        (Frame(METER, 0xD1, b""), "an error reply of 0 bytes"),
        (Frame(METER, 0xD1, b"\x01\x02"), "an error reply of 2 bytes"),
        (Frame(METER, 0xD2, b"\x02"), "control D2 instead of 91"),
    ],
)
def test_what_does_not_belong_says_why(frame: Frame, what: str) -> None:
    """The message names what came and what was due."""
    with pytest.raises(MismatchError, match=what):
        take_part(frame, METER, TOTAL)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (0x01, "error 01H: other error"),
        (0x02, "error 02H: no such data"),
        (0x04, "error 04H: wrong password or no right"),
        (0x0A, "error 0AH: no such data, baud rate cannot be changed"),
        (0x70, "error 70H: too many year zones, too many day slots, too many tariffs"),
        (0x00, "error 00H: no bit is set"),
    ],
)
def test_an_error_byte_is_named_bit_by_bit(code: int, text: str) -> None:
    """Several bits may be set at once."""
    with pytest.raises(RefusedReadError, match=text):
        take_part(Frame(METER, 0xD1, bytes([code])), METER, TOTAL)


@pytest.mark.parametrize("size", [3, 5])
def test_data_of_another_length_is_refused(size: int) -> None:
    """An item has the length that its format says."""
    with pytest.raises(MismatchError, match=f"{size} bytes of data instead of 4"):
        frames.check_size(bytes(size), TOTAL)


def test_a_block_may_be_longer_than_what_is_wanted_of_it() -> None:
    """A meter with more tariffs than we know of sends more."""
    frames.check_size(bytes(24), ReadData("0001FF00", 20, 256))
    with pytest.raises(MismatchError, match="16 bytes of data instead of 20 to 256"):
        frames.check_size(bytes(16), ReadData("0001FF00", 20, 256))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("68 12 90 78 56 34 12 68 91 01 33 68 17", "ends with 17 instead of 16"),
        ("68 12 90 78 56 34 12 68 91 01 33 68 16", "checksum 68 instead of"),
    ],
)
def test_a_damaged_frame_says_what_is_wrong(text: str, what: str) -> None:
    """And nothing of it is used."""
    with pytest.raises(MismatchError, match=what):
        frame_of(text)


@pytest.mark.parametrize("noise", ["68", "00 FF 68", "68 68 68", "68 12 90", "68 FE 00 00 00 00 00 68", "16 68"])
def test_bytes_that_cannot_begin_a_frame_are_passed_over(noise: str) -> None:
    """A 68H in the noise begins no frame where no address follows it."""
    answer = Frame(METER, 0x91, bytes.fromhex("00000100 78563412"))
    assert frame_of(noise + encode(answer, 2).hex()) == answer


def test_frames_that_came_together_come_out_one_by_one() -> None:
    """An echo and the answer, in one go."""
    echo, answer = request_frame(METER, TOTAL), Frame(METER, 0x91, bytes.fromhex("00000100 78563412"))
    reader = FrameReader()
    reader.feed(encode(echo, 4) + encode(answer, 1))
    assert (reader.next(), reader.next(), reader.next()) == (echo, answer, None)


def test_a_long_noise_is_not_kept() -> None:
    """What cannot begin a frame leaves at once."""
    reader = FrameReader()
    reader.feed(bytes(10_000))
    assert reader.next() is None
    assert reader.waiting == 0
