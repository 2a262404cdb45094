"""Asks whether an MQTT broker answers, with the two packets that open every MQTT 3.1.1 session."""

from __future__ import annotations

import socket

_SECONDS = 3.0
_CLIENT_ID = b"quotawatt-stack"
_HEADER = b"\x00\x04MQTT\x04\x02\x00\x0a"  # protocol name, level 4, clean session, keep-alive 10 s (MQTT 3.1.1, 3.1.2)
_BODY = _HEADER + len(_CLIENT_ID).to_bytes(2, "big") + _CLIENT_ID
_CONNECT = b"\x10" + bytes([len(_BODY)]) + _BODY
_CONNACK = 0x20
_DISCONNECT = b"\xe0\x00"


def is_broker(host: str, port: int) -> bool:
    """Whether a broker answers there; one that refuses us for lack of a password is a broker too."""
    try:
        with socket.create_connection((host, port), timeout=_SECONDS) as connection:
            connection.sendall(_CONNECT)
            answer = connection.recv(4)
            connection.sendall(_DISCONNECT)
    except OSError:
        return False
    return answer[:1] == bytes([_CONNACK])
