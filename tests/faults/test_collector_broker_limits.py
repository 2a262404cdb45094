"""The trap of a broker that drops: it acknowledges QoS 1 messages and throws away what its queue has no place for."""

from __future__ import annotations

from pathlib import Path

import msgspec

from collector.uplink.settings import ResendSettings, UplinkSettings
from tests.support.eventually import eventually
from tests.support.plant import metric
from tests.support.private_broker import private_broker
from tests.support.tcp_proxy import tcp_proxy
from tests.support.uplink_world import QUICK, broker_platform, new_address, open_spool, platform_of, sending

ENVELOPES = 30
LIMITS = ("allow_anonymous true", "max_inflight_messages 2", "max_queued_messages 2")


async def test_what_a_broker_drops_after_its_acknowledgement_is_sent_again(tmp_path: Path) -> None:
    """The platform stands still while the broker's queue for it runs over; all the same nothing is missing."""
    address = new_address()
    settings = UplinkSettings(reconnect=QUICK, resend=ResendSettings(first_s=0.3, most_s=0.5), window=ENVELOPES)
    async with (
        private_broker(tmp_path, *LIMITS) as mqtt,
        tcp_proxy(mqtt.host, mqtt.port) as proxy,
        broker_platform(address, msgspec.structs.replace(mqtt, host=proxy.host, port=proxy.port)) as platform,
        open_spool(tmp_path, address.gateway) as spool,
        sending(spool, address, (platform_of(mqtt),), settings) as made,
    ):
        await eventually(lambda: made.uplink.online)
        proxy.stall()
        await made.keep(ENVELOPES)
        sent = "collector_envelopes_sent_total"
        await eventually(lambda: metric(sent, gateway=address.gateway, attempt="again") >= ENVELOPES)
        assert not platform.bodies
        proxy.resume()
        await eventually(lambda: platform.has_seen(set(range(1, ENVELOPES + 1))))
        await eventually(lambda: spool.unconfirmed == 0)
