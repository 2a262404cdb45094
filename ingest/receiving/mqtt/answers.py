"""What gateways are told of committed messages: many envelopes in one message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from energy.wire import VERSION, Acknowledgement, Address
from ingest.receiving.carrier import Settled

MAX_REFUSALS = 1_000
"""A further message is begun once one names so many refusals, so that it stays small (one envelope's stay together)."""


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
        if answer is None:
            answer = open_answers[sender] = Acknowledgement(VERSION, delivery.stream, [], [])
        if delivery.seq is not None:  # no number is confirmed where none could be read
            answer.confirmed.append(delivery.seq)
        answer.refused.extend(one.refusals)
        if len(answer.refused) >= MAX_REFUSALS:
            yield delivery.address, open_answers.pop(sender)
    for (address, _), answer in open_answers.items():
        yield address, answer
