-- TimescaleDB's own policies; only its community edition has these functions.

-- name: jobs
-- The policies on readings: what they do, from which age on, and whether they are active.
select proc_name, scheduled,
    coalesce(config ->> 'drop_after', config ->> 'compress_after')::interval as age
from timescaledb_information.jobs
where hypertable_name = 'readings' and proc_name in ('policy_retention', 'policy_compression');

-- name: add_retention
-- Drop chunks of readings of this age.
select add_retention_policy('readings', drop_after => $1::interval);

-- name: remove_retention
-- Leave them to us.
select remove_retention_policy('readings');

-- name: retention_job
-- The policy that drops chunks of readings.
select job_id from timescaledb_information.jobs
where hypertable_name = 'readings' and proc_name = 'policy_retention';

-- name: schedule
-- Pause a policy, or let it go on.
select job_id from alter_job($1, scheduled => $2);

-- name: is_columnar
-- Whether chunks of readings can be compressed.
select compression_enabled from timescaledb_information.hypertables where hypertable_name = 'readings';

-- name: make_columnar
-- One column of values per point, in the order of time: what boards and accounting read.
alter table readings set (
    timescaledb.compress, timescaledb.compress_segmentby = 'point_id', timescaledb.compress_orderby = 'ts'
);

-- name: add_compression
-- Compress chunks of readings of this age.
select add_compression_policy('readings', compress_after => $1::interval);

-- name: remove_compression
-- No longer.
select remove_compression_policy('readings');
