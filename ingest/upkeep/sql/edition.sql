-- name: edition
-- Version, licence, whether the functions of the community edition exist, and how much is compressed already.
select extversion as version, current_setting('timescaledb.license') as license,
    exists (select from pg_proc where proname = 'add_retention_policy') as functions,
    (select count(*) from timescaledb_information.chunks where hypertable_name = 'readings' and is_compressed) as compressed
from pg_extension where extname = 'timescaledb';
