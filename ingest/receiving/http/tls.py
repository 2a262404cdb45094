"""TLS as a server sees it: which certificate to show, and whose to believe."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import msgspec

from energy.errors import SetupError
from ingest.receiving.http.files import follow_files


class ServerTlsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The table `[http.tls]`; its presence switches TLS on.

    Attributes:
        cert_file: our certificate with those between it and its root (PEM).
        key_file: its key.
        client_ca_file: believe a gateway that shows a certificate of these authorities (PEM).
    """

    cert_file: Path
    key_file: Path
    client_ca_file: Path | None = None

    def context(self, *, required: bool) -> ssl.SSLContext:
        """What a listening socket needs.

        Args:
            required: turn away who shows no certificate; otherwise there is another proof.

        Raises:
            SetupError: a file cannot be used.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.load(context)
        if self.client_ca_file is not None:
            context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
        return context

    def load(self, context: ssl.SSLContext) -> None:
        """Read the files, again for a renewed certificate: it serves the connections from then on.

        Raises:
            SetupError: a file cannot be used.
        """
        try:
            # Without a password OpenSSL would ask for that of an encrypted key at the terminal, and all would wait.
            context.load_cert_chain(self.cert_file, self.key_file, password="")
            if self.client_ca_file is not None:
                context.load_verify_locations(self.client_ca_file)
        except (OSError, ssl.SSLError) as error:
            raise SetupError(
                f"the certificates of [http.tls] cannot be used: {error}",
                advice="They are PEM files, not encrypted, that the service's user may read.",
            ) from error

    async def follow(self, context: ssl.SSLContext) -> None:
        """Load the files again whenever one of them has changed, until cancelled."""
        await follow_files((self.cert_file, self.key_file), "tls", lambda: self.load(context))


def names_in(certificate: dict[str, Any] | None) -> frozenset[str]:
    """The common names and DNS names of a verified peer certificate, as `ssl.SSLSocket.getpeercert` gives it."""
    if not certificate:
        return frozenset()
    common = (value for part in certificate.get("subject", ()) for key, value in part if key == "commonName")
    alternative = (value for key, value in certificate.get("subjectAltName", ()) if key == "DNS")
    return frozenset((*common, *alternative))
