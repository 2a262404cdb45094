-- name: extension_available
-- purpose: one row when the server has TimescaleDB's files, whether it is created in this database or not
select 1 from pg_catalog.pg_available_extensions where name = 'timescaledb'
