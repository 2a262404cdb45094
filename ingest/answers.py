"""What the senders of a committed batch are told: many envelopes in one message."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from energy.wire import VERSION, Acknowledgement, Address, Refusal
from ingest.batch import Batch
from ingest.envelopes import Delivery, Origin

MAX_REFUSALS = 1_000
"""A further message is begun once one names so many refusals, so that it stays small (one envelope's stay together)."""


def answers(batch: Batch[Origin]) -> Iterator[tuple[Address, Acknowledgement]]:
    """The acknowledgements of a batch, at least one for each (gateway, stream).

    What came on a topic that is none of ours has no sender to answer. An envelope's refusals are in the very message
    that confirms it, since the sender forgets it then.
    """
    refusals: defaultdict[int, list[Refusal]] = defaultdict(list)
    for reject in batch.rejects:
        refusals[reject.delivery].append(reject.refusal)
    open_answers: dict[tuple[Address, str | None], Acknowledgement] = {}
    for number, delivery in enumerate(batch.offer.deliveries):
        if delivery.address is None:
            continue
        sender = delivery.address, delivery.stream
        answer = open_answers.get(sender)
        if answer is None:
            answer = open_answers[sender] = Acknowledgement(VERSION, delivery.stream, [], [])
        answer.confirmed.extend(_seq(delivery))
        answer.refused.extend(refusals.get(number, ()))
        if len(answer.refused) >= MAX_REFUSALS:
            yield delivery.address, open_answers.pop(sender)
    for (address, _), answer in open_answers.items():
        yield address, answer


def _seq(delivery: Delivery[Origin]) -> tuple[int, ...]:
    """The number to confirm; none where it could not be read."""
    if delivery.envelope is not None:
        return (delivery.envelope.seq,)
    if delivery.refusal is not None and delivery.refusal.seq is not None:
        return (delivery.refusal.seq,)
    return ()
