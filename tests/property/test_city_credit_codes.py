"""Unified social credit codes: the check character finds what people mistype."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from deploy.demo.credit_codes import check_character, credit_code_fault

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
bodies = st.text(ALPHABET, min_size=17, max_size=17)


def test_the_example_of_the_facts_is_valid() -> None:
    """A code whose check character is known."""
    assert credit_code_fault("91350100M000100Y43") is None


@given(body=bodies, place=st.integers(0, 16), other=st.sampled_from(ALPHABET))
def test_one_wrong_character_is_found(body: str, place: int, other: str) -> None:
    """31 is a prime, so that no single mistake goes unseen."""
    changed = body[:place] + other + body[place + 1 :]
    assert (credit_code_fault(changed + check_character(body)) is None) == (changed == body)


@given(body=bodies, place=st.integers(0, 15))
def test_two_characters_in_the_wrong_order_are_found(body: str, place: int) -> None:
    """Neighbouring weights differ modulo 31."""
    swapped = body[:place] + body[place + 1] + body[place] + body[place + 2 :]
    assert (credit_code_fault(swapped + check_character(body)) is None) == (swapped == body)


@given(text=st.text(max_size=20))
def test_anything_else_is_refused_with_a_reason(text: str) -> None:
    """Other lengths and other characters have no check character to compare."""
    if len(text) != 18 or set(text) - set(ALPHABET):
        assert credit_code_fault(text)
