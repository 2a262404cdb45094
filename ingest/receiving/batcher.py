"""When a batch is full: pure, with the clock as an argument."""

from __future__ import annotations

from dataclasses import dataclass, field

from ingest.receiving.carrier import Delivery


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """A batch is due as soon as it reaches one of these.

    Attributes:
        readings: about so many readings; the last message may go over it.
        messages: so many messages; well below the receive window, or the window would be full before the batch is.
        age: real seconds since its first message.
    """

    readings: int
    messages: int
    age: float


@dataclass(slots=True)
class Gathered:
    """Messages that will become one batch.

    Attributes:
        received_ms: data time of the first message.
        opened: real monotonic seconds of the first message.
        deliveries: the messages.
        readings: how many readings they bring.
    """

    received_ms: int
    opened: float
    deliveries: list[Delivery] = field(default_factory=list)
    readings: int = 0


class Batcher:
    """Gathers messages until a batch is due.

    Args:
        limits: when a batch is due.
    """

    def __init__(self, limits: BatchLimits) -> None:
        self._limits = limits
        self._gathered: Gathered | None = None

    def begin(self, *, now_ms: int, monotonic: float) -> None:
        """Open a batch at data time `now_ms`; its first delivery follows."""
        self._gathered = Gathered(now_ms, monotonic)

    def add(self, delivery: Delivery) -> bool:
        """Add a delivery to the batch that was begun; true when it is full."""
        gathered = self._gathered
        assert gathered is not None  # noqa: S101 - begun by the caller
        gathered.deliveries.append(delivery)
        gathered.readings += delivery.weight
        return gathered.readings >= self._limits.readings or len(gathered.deliveries) >= self._limits.messages

    def take(self) -> Gathered | None:
        """What has been gathered, None for nothing; the next message starts a new batch."""
        gathered, self._gathered = self._gathered, None
        return gathered

    def due_in(self, monotonic: float) -> float | None:
        """Real seconds until the batch is due by its age; None when there is none, 0 when it is overdue."""
        if self._gathered is None:
            return None
        return max(0.0, self._gathered.opened + self._limits.age - monotonic)

    @property
    def messages(self) -> int:
        """How many messages wait."""
        return len(self._gathered.deliveries) if self._gathered else 0
