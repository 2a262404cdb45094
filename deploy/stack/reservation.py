"""Who works with a stack's servers for a while, so that nobody stops them meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from deploy.stack.files import attempt, load, save
from deploy.stack.service import Home
from energy.errors import SetupError

_ELSEWHERE = "Or take another stack: QUOTAWATT_STACK=name."


class Reservation:
    """One stack's reservation: a lock, which ends with its holder however that ends, and a record of who holds it.

    Both methods are for those who hold the stack's own lock: a stop that has begun is not overtaken.

    Args:
        home: the stack's directory, which has been made.
    """

    def __init__(self, home: Home) -> None:
        self._lock = home.root / "run" / "reserved.lock"
        self._record = home.root / "run" / "reserved.json"
        self._ours = False

    @contextmanager
    def hold(self, by: str) -> Iterator[None]:
        """Reserve the stack until the body ends.

        Args:
            by: who that is, as the message to others says it: "a demo".

        Raises:
            SetupError: it is reserved already.
        """
        with attempt(self._lock) as held:
            if not held:
                raise self._refusal(_ELSEWHERE)
            save(self._record, by)
            self._ours = True
            try:
                yield
            finally:
                self._ours = False

    def require_free(self) -> None:
        """Refuse what would disturb the holder, unless that is us.

        Raises:
            SetupError: somebody else has reserved the stack.
        """
        if self._ours:
            return
        with attempt(self._lock) as free:
            if not free:
                raise self._refusal()

    def _refusal(self, advice: str = "") -> SetupError:
        holder = load(self._record, str) or "another process"
        return SetupError(f"{holder} is running on this stack: stop it first", advice=advice)
