"""HTTP push without a network: who is let in, what the settings allow, who gets a place in the window."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from energy.config import decode_toml
from energy.errors import ConfigError, SetupError, StorageError
from energy.services import Control
from energy.wire import Address
from ingest.receiving.http.exchange import Asked, Reply, TurnedAwayError
from ingest.receiving.http.gatekeeper import Credentials, Gatekeeper
from ingest.receiving.http.server import HttpServer
from ingest.receiving.http.settings import HttpLimits, HttpSettings
from ingest.receiving.http.tls import ServerTlsSettings, names_in
from ingest.receiving.http.window import Window

ONE = "610303/gw-1"


class Clock:
    """Real seconds, moved on by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """The present."""
        return self.now


def gatekeeper(clock: Clock | None = None, *, proves: bool = True, **limits: Any) -> Gatekeeper:
    """One that knows the token of gw-1."""
    owners = {"t0ken": "gw-1", "of-another": "gw-2"}
    return Gatekeeper(HttpLimits(**limits), owners.get, clock or Clock(), proves=proves)


def shown(
    gateway: str = ONE, bearer: str = "", certified: frozenset[str] = frozenset(), peer: str = "a"
) -> Credentials:
    """What a request says."""
    return Credentials(peer, [gateway], [f"Bearer {bearer}"] if bearer else [], certified)


def refusal(keeper: Gatekeeper, credentials: Credentials) -> tuple[int, str]:
    """Status and reason of a request that is turned away."""
    with pytest.raises(TurnedAwayError) as caught:
        keeper.authenticate(credentials)
    return caught.value.status, caught.value.reason


@pytest.mark.parametrize(
    "credentials",
    [
        pytest.param(shown(bearer="t0ken"), id="token"),
        pytest.param(shown(certified=frozenset({"gw-1", "box.example.org"})), id="certificate"),
        pytest.param(shown(bearer="guess", certified=frozenset({"gw-1"})), id="certificate beside a wrong token"),
        pytest.param(shown(bearer="t0ken", certified=frozenset({"box"})), id="token beside another name"),
    ],
)
def test_a_proof_is_enough(credentials: Credentials) -> None:
    """One of several."""
    assert gatekeeper().authenticate(credentials) == Address("610303", "gw-1")


def test_without_the_right_proof_nobody_is_let_in() -> None:
    """401 without any, 403 with another's; 400 where it cannot be told which header counts."""
    keeper = gatekeeper(strangers_per_s=100.0)
    assert refusal(keeper, shown()) == (401, "unauthenticated")
    assert refusal(keeper, shown(bearer="guess")) == (401, "unauthenticated")
    assert refusal(keeper, shown("gw-1", bearer="t0ken")) == (401, "unauthenticated")
    assert refusal(keeper, Credentials("a", [], ["Bearer t0ken"])) == (401, "unauthenticated")
    assert refusal(keeper, shown(bearer="of-another")) == (403, "forbidden")
    assert refusal(keeper, shown(certified=frozenset({"gw-2"}))) == (403, "forbidden")
    assert refusal(keeper, Credentials("a", [ONE, ONE], ["Bearer t0ken"])) == (400, "ambiguous")
    assert refusal(keeper, Credentials("a", [ONE], ["Bearer t0ken", "Bearer t0ken"])) == (400, "ambiguous")


def test_on_the_loopback_a_word_is_enough() -> None:
    """Where nothing proves, the header alone is believed, and still has to be well-formed."""
    keeper = gatekeeper(proves=False)
    assert keeper.authenticate(shown()) == Address("610303", "gw-1")
    assert refusal(keeper, shown("nonsense")) == (401, "unauthenticated")


def test_strangers_are_slowed_down_by_their_address() -> None:
    """After five seconds' worth 429 with the time to wait; a proof is heard all the same."""
    clock = Clock()
    keeper = gatekeeper(clock, strangers_per_s=1.0)
    statuses = [refusal(keeper, shown())[0] for _ in range(8)]
    assert statuses == [401] * 6 + [429] * 2
    assert keeper.authenticate(shown(bearer="t0ken")).gateway == "gw-1"
    assert refusal(keeper, shown(peer="b"))[0] == 401
    clock.now = 20.0
    assert refusal(keeper, shown())[0] == 401


def test_a_gateway_is_kept_to_its_rates() -> None:
    """In requests and in bytes, whichever is reached first; a great body delays the next request."""
    clock = Clock()
    keeper, one, other = (
        gatekeeper(clock, requests_per_s=1.0, bytes_per_s=100),
        Address("610303", "gw-1"),
        Address("610303", "gw-2"),
    )
    for _ in range(6):
        keeper.admit(one)
    with pytest.raises(TurnedAwayError) as caught:
        keeper.admit(one)
    assert (caught.value.status, caught.value.retry_after_s) == (429, 1.0)
    keeper.admit(other)
    keeper.charge(other, 1_500)
    with pytest.raises(TurnedAwayError) as caught:
        keeper.admit(other)
    assert caught.value.retry_after_s == 10.0
    clock.now = 10.0
    keeper.admit(other)


async def test_the_window_counts_what_is_not_settled() -> None:
    """By gateway and in all, in places and bytes; leaving twice frees one place."""
    window = Window(HttpLimits(window=3, gateway_window=2, window_bytes=1 << 20), lambda: 0.5)
    first, second = window.enter("gw-1"), window.enter("gw-1")
    with pytest.raises(TurnedAwayError) as caught:
        window.enter("gw-1")
    assert (caught.value.status, caught.value.reason) == (429, "gateway_window_full")
    third = window.enter("gw-2")
    with pytest.raises(TurnedAwayError) as caught:
        window.enter("gw-3")
    assert (caught.value.status, caught.value.reason, caught.value.retry_after_s) == (503, "window_full", 5.0)
    first.grow(1 << 19)
    third.grow(1 << 19)
    with pytest.raises(TurnedAwayError) as caught:
        second.grow(1)
    assert caught.value.status == 503
    first.settle(())
    first.free()
    assert await first.refusals == ()
    assert (window.taken, window.held) == (2, 1 << 19)
    window.enter("gw-3").free()
    assert set(window._gateways) == {"gw-1", "gw-2"}  # whoever never comes again is forgotten


async def test_who_has_gone_is_told_nothing() -> None:
    """A request that was cancelled while it waited is settled without an error."""
    window = Window(HttpLimits(), lambda: 0.5)
    place = window.enter("gw-1")
    place.refusals.cancel()
    await asyncio.sleep(0)
    place.settle(())
    assert window.taken == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('host = "0.0.0.0"\nport = 1', "in any gateway's name"),
        ('host = "0.0.0.0"\nport = 1\ntokens_file = "t"', "allow_plain"),
        ('host = "push.example.org"\nport = 1\ntokens_file = "t"', "allow_plain"),
        ('host = "0.0.0.0"\nport = 1\n[tls]\ncert_file = "c"\nkey_file = "k"', "in any gateway's name"),
        ("port = 70000", "70000|65535"),
        ('port = 1\nprefix = "push/"', "a path without a slash at its end"),
    ],
)
def test_what_would_let_anybody_in_does_not_load(text: str, message: str) -> None:
    """Beyond the loopback there is a proof, and TLS unless plain HTTP is asked for."""
    with pytest.raises(ConfigError, match=message):
        decode_toml(text, HttpSettings, "ingest.toml")


@pytest.mark.parametrize(
    "text",
    [
        "port = 0",
        'port = 0\nhost = "::1"\nprefix = "/a/b"',
        'port = 1\nhost = "0.0.0.0"\ntokens_file = "t"\nallow_plain = true',
        'port = 1\nhost = "::"\n[tls]\ncert_file = "c"\nkey_file = "k"\nclient_ca_file = "a"',
    ],
)
def test_what_is_safe_loads(text: str) -> None:
    """On the loopback nothing else is needed."""
    assert decode_toml(text, HttpSettings, "ingest.toml").port in {0, 1}


def test_certificates_that_cannot_be_used_are_a_clear_fault(tmp_path: Path) -> None:
    """At the start, with the table's name."""
    missing = ServerTlsSettings(cert_file=tmp_path / "none.pem", key_file=tmp_path / "none.key")
    with pytest.raises(SetupError, match=r"\[http\.tls\]"):
        missing.context(required=False)


async def test_a_port_that_is_taken_is_a_clear_fault() -> None:
    """At the start, with advice; unless it is meant to be shared."""
    taken = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]
    server = HttpServer(HttpSettings(port=port), gatekeeper(), None, {})
    try:
        with pytest.raises(SetupError, match=f"cannot listen on 127.0.0.1:{port}"):
            await server.run(Control("http", asyncio.Event()))
    finally:
        taken.close()


async def test_two_workers_may_share_a_port() -> None:
    """Where both are told to; each ends in order."""
    first = HttpServer(HttpSettings(port=0, shared_port=True), gatekeeper(), None, {})
    async with asyncio.TaskGroup() as group:
        one, other = Control("http", asyncio.Event()), Control("http", asyncio.Event())
        group.create_task(first.run(one))
        await one.wait_ready()
        assert first.port
        second = HttpServer(HttpSettings(port=first.port, shared_port=True), gatekeeper(), None, {})
        group.create_task(second.run(other))
        await other.wait_ready()
        assert second.port == first.port
        one.stopping.set()
        other.stopping.set()


class Breaking:
    """The body of an answer that ends in a fault."""

    def __init__(self, fault: Exception) -> None:
        self.closed = 0
        self._fault = fault

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """One piece, then the fault."""
        yield b"begun"
        raise self._fault

    async def aclose(self) -> None:
        """Count."""
        self.closed += 1


@pytest.mark.parametrize("fault", [StorageError("away"), RuntimeError("unforeseen"), TurnedAwayError(429, "x", "x")])
async def test_an_answer_that_breaks_off_does_not_look_whole(fault: Exception) -> None:
    """No end of the chunks and no second head: a client could take what came for all there is."""
    body = Breaking(fault)

    async def answer(_: Asked) -> Reply:
        return Reply(200, body)

    server = HttpServer(HttpSettings(port=0), gatekeeper(proves=False), None, {"/x": answer})
    control = Control("http", asyncio.Event())
    async with asyncio.TaskGroup() as group:
        group.create_task(server.run(control))
        await control.wait_ready()
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(f"POST /x HTTP/1.1\r\nHost: x\r\nQuotawatt-Gateway: {ONE}\r\n\r\n".encode())
        got = b""
        with contextlib.suppress(ConnectionError):  # cut off, not closed
            while piece := await reader.read(1_000):
                got += piece
        writer.close()
        control.stopping.set()
    assert got.count(b"HTTP/1.1") <= 1
    assert not got.endswith(b"\r\n0\r\n\r\n")
    assert body.closed == 1


def test_names_are_common_names_and_dns_names() -> None:
    """Nothing else of a certificate is a gateway's code."""
    certificate = {
        "subject": ((("organizationName", "gw-9"),), (("commonName", "gw-1"),)),
        "subjectAltName": (("DNS", "gw-2"), ("IP Address", "127.0.0.1"), ("email", "gw-3")),
        "issuer": ((("commonName", "gw-4"),),),
    }
    assert names_in(certificate) == {"gw-1", "gw-2"}
    assert names_in(None) == names_in({}) == frozenset()


def test_the_limits_have_a_default_each() -> None:
    """An empty table is one."""
    assert decode_toml("", HttpLimits, "x") == msgspec.convert({}, HttpLimits) == HttpLimits()
