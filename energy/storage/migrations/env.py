"""Alembic's environment: the caller hands over the connection, holds the lock, and is told of each step."""

from __future__ import annotations

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    transaction_per_migration=False,
    on_version_apply=lambda step, **_: context.config.attributes["applied"].append(step),
)
with context.begin_transaction():
    context.run_migrations()
