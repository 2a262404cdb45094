"""Keeps every commit of readings waiting, as a program: `python -m tests.support.hold_commits DSN`.

It says `held` in a line of its own when it does, and lets go when its input ends.
"""

from __future__ import annotations

import asyncio
import sys

import asyncpg


async def hold(dsn: str) -> None:
    """Lock the readings until the input ends."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await connection.execute("lock table readings in access exclusive mode")
            sys.stdout.write("held\n")
            sys.stdout.flush()
            await asyncio.to_thread(sys.stdin.read)
    finally:
        await connection.close()


if __name__ == "__main__":
    asyncio.run(hold(sys.argv[1]))
