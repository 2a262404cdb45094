"""Looks once, at the start, at what the broker allows, and says what would make resends frequent."""

from __future__ import annotations

from collections.abc import Iterable

from energy.errors import QuotawattError
from energy.services import Control
from energy.transport.mqtt import MqttSettings
from ingest import metrics
from ingest.receiving.mqtt.broker_limits import Finding, announced, probed, require
from ingest.receiving.mqtt.probe import probe
from ingest.receiving.mqtt.session import Session
from ingest.receiving.mqtt.settings import ReceiveSettings
from ingest.stopping import until_stopping


class BrokerCheck:
    """A service beside the others: nothing waits for it.

    Args:
        session: has the connection, on which the broker says what it allows.
        mqtt: the broker, to be tried out.
        receive: what is wanted of it.
        worker: names the probe.
    """

    name = "broker check"

    def __init__(self, session: Session, mqtt: MqttSettings, receive: ReceiveSettings, worker: str) -> None:
        self._session = session
        self._mqtt = mqtt
        self._receive = receive
        self._worker = worker

    async def run(self, control: Control) -> None:
        """Look, once connected, then wait for the stop.

        Raises:
            SetupError: on this broker nothing can be received as promised.
        """
        control.ready()
        await until_stopping(control, self._look())
        await control.stopping.wait()

    async def _look(self) -> None:
        link = await self._session.connected()
        require(link.limits)
        _tell(announced(link.limits, self._receive))
        if not self._receive.probe:
            return
        try:
            found = await probe(self._mqtt, self._worker)
        except QuotawattError as error:  # rules may know our name and no other; only knowing less follows from it
            metrics.broker_not_probed(error)
            return
        metrics.broker_probed(found.in_flight, found.kept, found.sent)
        _tell(probed(found, self._receive))


def _tell(findings: Iterable[Finding]) -> None:
    for one in findings:
        metrics.broker_limit_low(one.limit, found=one.found, wanted=one.wanted, effect=one.effect)
