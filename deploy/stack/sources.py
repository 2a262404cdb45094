"""Which Debian mirror this machine uses, as its own apt understands its configuration."""

from __future__ import annotations

import re

# Names of Debian releases. Suites such as bookworm-updates or bookworm-security belong to the same mirror or to a
# separate archive without the packages; other vendors' repositories rarely use these names, and where one does, its
# index is not signed with Debian's key and apt refuses it.
_RELEASES = frozenset({
    "buster", "bullseye", "bookworm", "trixie", "forky", "duke", "sid",
    "oldoldstable", "oldstable", "stable", "testing", "unstable",
})  # fmt: skip
_RELEASE_FILE = re.compile(r"^'(?P<mirror>[^']+?)/dists/(?P<suite>[^'/]+)/(?:InRelease|Release)'", re.MULTILINE)


def debian_mirrors(listing: str, suite: str) -> tuple[str, ...]:
    """The mirrors that may hold `suite`, the likeliest first, without repetition.

    Args:
        listing: what `apt-get update --print-uris` prints. apt itself reads one-line lists, deb822 files, mirror
            lists and options there, also on a machine that has never fetched an index.
        suite: the release that is wanted.
    """
    found = [(match["mirror"], match["suite"]) for match in _RELEASE_FILE.finditer(listing)]
    known = [(mirror, name) for mirror, name in found if name in _RELEASES]
    known.sort(key=lambda pair: pair[1] != suite)  # stable: else the order of the machine's own lists
    return tuple(dict.fromkeys(mirror for mirror, _ in known))
