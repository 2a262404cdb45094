"""TLS as a client sees it: whom to trust, and which certificate to show; there is no way to trust everybody."""

from __future__ import annotations

import ssl
from pathlib import Path

import msgspec

from energy.errors import SetupError


class TlsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A table `tls`; its presence switches TLS on.

    Attributes:
        ca_file: whom to trust (PEM); the system's authorities without it.
        cert_file: our own certificate (PEM), where the server asks for one.
        key_file: the key of `cert_file`.
    """

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    def __post_init__(self) -> None:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file belong together: give both or neither")

    def context(self, peer: str) -> ssl.SSLContext:
        """The certificates, read anew, so that renewed ones need no restart.

        Args:
            peer: whom they are for, for the message.

        Raises:
            SetupError: a file cannot be used.
        """
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.cert_file is not None:
                # Without a password OpenSSL would ask for that of an encrypted key at the terminal, and all would wait.
                context.load_cert_chain(self.cert_file, self.key_file, password="")
        except (OSError, ssl.SSLError) as error:
            raise SetupError(
                f"the certificates for {peer} cannot be used: {error}",
                advice="They are PEM files, not encrypted, that the service's user may read.",
            ) from error
        return context
