-- name: create_extension
-- purpose: TimescaleDB in this database; nothing when it is there
create extension if not exists timescaledb
