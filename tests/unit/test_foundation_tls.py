"""Certificates that cannot be used: one clear message, and no question at a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from energy.errors import SetupError
from energy.transport.tls import TlsSettings


@pytest.fixture
def plain(tmp_path: Path) -> TlsSettings:
    """A certificate with its key, in files."""
    issued = trustme.CA().issue_cert("gw-1.example.org")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "gw-1.pem")
    issued.private_key_pem.write_to_path(tmp_path / "gw-1.key")
    return TlsSettings(cert_file=tmp_path / "gw-1.pem", key_file=tmp_path / "gw-1.key")


def test_a_key_without_a_password_is_taken(plain: TlsSettings) -> None:
    """The usual case."""
    assert plain.context("a broker").check_hostname


@pytest.mark.timeout(10)
def test_an_encrypted_key_is_a_fault_and_no_question(plain: TlsSettings) -> None:
    """OpenSSL would ask for its password at the terminal, and the whole process would stand still."""
    assert plain.key_file is not None
    key = load_pem_private_key(plain.key_file.read_bytes(), None)
    plain.key_file.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"secret"))
    )
    with pytest.raises(SetupError, match="the certificates for a broker cannot be used") as caught:
        plain.context("a broker")
    assert "not encrypted" in str(caught.value.advice)
