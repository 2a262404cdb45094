"""TimescaleDB: the pool, the error translation, named queries, notifications, and the one chain of migrations.

Only this package imports the database drivers. It is loaded by the platform's services, never by a gateway.
"""

from energy.queries import load_queries
from energy.storage.errors import KeyConflictError, translating
from energy.storage.notifications import Notifications
from energy.storage.pool import Connection, Pool, StorageSettings, check_schema, connect, open_pool, plan_anew

__all__ = [
    "Connection",
    "KeyConflictError",
    "Notifications",
    "Pool",
    "StorageSettings",
    "check_schema",
    "connect",
    "load_queries",
    "open_pool",
    "plan_anew",
    "translating",
]
