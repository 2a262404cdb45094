"""What gateways are told of committed messages: many envelopes in one message, none larger than a broker takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from energy.wire import MAX_ENVELOPE_BYTES, VERSION, Acknowledgement, Address, encode
from ingest.receiving.carrier import Settled

MOST_NAMED = 1_000
"""A further message is begun before one would name more envelopes or refusals (one envelope's stay together)."""
MOST_BYTES = MAX_ENVELOPE_BYTES
"""What every broker has to take; one that gets more closes the connection, and all gateways wait for the next one."""
_SURELY_SMALL = 200
"""So many refusals fit, whatever their details: 160 characters, of which JSON makes six bytes each at most."""


def answers(settled: Iterable[Settled]) -> Iterator[tuple[Address, Acknowledgement]]:
    """The acknowledgements of a batch, at least one for each (gateway, stream).

    What came on a topic that is none of ours has no sender to answer. An envelope's refusals are in the very message
    that confirms it, since the sender forgets it then.
    """
    open_answers: dict[tuple[Address, str | None], Acknowledgement] = {}
    for one in settled:
        delivery = one.delivery
        if delivery.address is None:
            continue
        sender = delivery.address, delivery.stream
        answer = open_answers.get(sender)
        if answer is not None and _is_full(answer, len(one.refusals)):
            yield delivery.address, open_answers.pop(sender)
            answer = None
        if answer is None:
            answer = open_answers[sender] = Acknowledgement(VERSION, delivery.stream, [], [])
        if delivery.seq is not None:  # no number is confirmed where none could be read
            answer.confirmed.append(delivery.seq)
        answer.refused.extend(one.refusals)
    for (address, _), answer in open_answers.items():
        yield address, answer


def encoded(answer: Acknowledgement) -> bytes:
    """The answer as it is sent: without its refusals' details where these would make it too large."""
    body = encode(answer)
    if len(answer.refused) <= _SURELY_SMALL or len(body) <= MOST_BYTES:
        return body
    refused = [msgspec.structs.replace(refusal, detail="") for refusal in answer.refused]
    return encode(msgspec.structs.replace(answer, refused=refused))


def _is_full(answer: Acknowledgement, refusals: int) -> bool:
    return len(answer.confirmed) >= MOST_NAMED or len(answer.refused) + refusals > MOST_NAMED
