"""The embedded stack: TimescaleDB and Mosquitto without containers and without touching the system.

`Stack` is the whole interface. The programs are this machine's own where they will do, else packages of Debian,
fetched through the system's apt, unpacked to a cache and made to run there. See docs/stack.md.
"""

from deploy.stack.report import Endpoints, ServiceStatus, StackStatus
from deploy.stack.stack import Stack

__all__ = ["Endpoints", "ServiceStatus", "Stack", "StackStatus"]
