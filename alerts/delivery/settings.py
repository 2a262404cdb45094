"""The `[delivery]` table of `alerts.toml`; without it nobody is told anything."""

from __future__ import annotations

import base64
import re
import string
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlsplit

import msgspec

from energy.config import Positive, read_secret
from energy.transport.tls import TlsSettings

RESENDS_WITHIN_LAPSE = 3
"""An alert must not lapse because one or two resends came late."""

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
RESERVED = frozenset({
    *("alertname", "alert_id", "severity", "escalated", "correction", "subject", "quota", "unit", "meter"),
    *("district", "industry", "measure", "period", "period_start"),
})  # fmt: skip
"""Labels that say what an alert is; settings add others."""
_PLACES = frozenset({"alert_id", "rule", "unit", "quota"})


class AlertmanagerSettings(msgspec.Struct, frozen=True):
    """One Alertmanager.

    Attributes:
        url: as in `http://127.0.0.1:9093`, with its path prefix if it has one.
        username: for basic authentication, with
        password_file: the file that holds the password.
        token_file: the file that holds a bearer token, instead.
        tls: certificates for https; the system's authorities without it.
    """

    url: str
    username: str | None = None
    password_file: Path | None = None
    token_file: Path | None = None
    tls: TlsSettings | None = None

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"url must be as http://host:9093, not {self.url!r}")
        if parts.username is not None or parts.query or parts.fragment:
            raise ValueError("url carries no user, password, query or fragment: use username and password_file")
        if (self.username is None) != (self.password_file is None):
            raise ValueError("username and password_file belong together: give both or neither")
        if self.username is not None and self.token_file is not None:
            raise ValueError("give username and password_file, or token_file, not both")
        if self.tls is not None and parts.scheme != "https":
            raise ValueError("tls needs a url that begins with https://")

    def authorization(self) -> dict[str, str]:
        """The header that says who we are; secrets are read anew.

        Raises:
            SetupError: a secret cannot be read.
        """
        if self.token_file is not None:
            return {"Authorization": f"Bearer {read_secret(self.token_file)}"}
        if self.username is not None and self.password_file is not None:
            both = f"{self.username}:{read_secret(self.password_file)}".encode()
            return {"Authorization": f"Basic {base64.b64encode(both).decode()}"}
        return {}


class DeliverySettings(msgspec.Struct, frozen=True):
    """What Alertmanager is told. All seconds are real.

    Attributes:
        alertmanager: each is told everything; those of one cluster agree among themselves who sends.
        labels: added to every alert, such as a name for this installation where several share an Alertmanager.
        alert_url: where people see an alert, for the link in notifications; {alert_id}, {rule}, {unit} and {quota} are
            filled in.
        resend_s: how often an active alert is told again.
        lapse_s: Alertmanager takes an alert for resolved when it has not been told of it for so long.
        keep_ended_s: an Alertmanager that restarts within this time after it took an end is told of it again.
        correction_s: how long the correction of an alert that had ended stays active.
        check_s: how often an Alertmanager is asked whether it is still the same process.
        timeout_s: how long a request may take.
        batch: most alerts in one request.
    """

    alertmanager: Annotated[tuple[AlertmanagerSettings, ...], msgspec.Meta(min_length=1)]
    labels: dict[str, str] = {}
    alert_url: str = ""
    resend_s: Positive = 60.0
    lapse_s: Positive = 3600.0
    keep_ended_s: Positive = 900.0
    correction_s: Positive = 3600.0
    check_s: Positive = 5.0
    timeout_s: Positive = 10.0
    batch: Annotated[int, msgspec.Meta(ge=1)] = 200

    def __post_init__(self) -> None:
        urls = [one.url.rstrip("/") for one in self.alertmanager]
        if len(set(urls)) < len(urls):
            raise ValueError("two alertmanagers have the same url")
        if self.lapse_s < RESENDS_WITHIN_LAPSE * self.resend_s:
            raise ValueError(f"lapse_s must be at least {RESENDS_WITHIN_LAPSE} times resend_s")
        if wrong := [name for name in self.labels if not _LABEL.fullmatch(name)]:
            raise ValueError(f"{wrong[0]!r} cannot be the name of a label: use letters, digits and underscores")
        if taken := sorted(self.labels.keys() & RESERVED):
            raise ValueError(f"the label {taken[0]!r} says what an alert is: use another name")
        link(self.alert_url, {})


def link(template: str, values: dict[str, str]) -> str:
    """The address of an alert's page, `values` in place of their names; empty where there is no template.

    Raises:
        ValueError: the template names something else.
    """
    try:
        found = list(string.Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"alert_url: {error}") from error
    for _, name, _, _ in found:
        if name is not None and name not in _PLACES:
            raise ValueError(f"alert_url: no {{{name}}}: expected {', '.join(sorted(_PLACES))}")
    return "".join(
        literal + ("" if name is None else quote(values.get(name, ""), safe="")) for literal, name, _, _ in found
    )
