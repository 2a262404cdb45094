-- What upkeep asks and does. Each statement runs in a transaction that holds the lock.

-- name: lock
-- One upkeep at a time per database ("qw_upkee"); whoever comes second goes away.
select pg_try_advisory_xact_lock(8176108606516323685);

-- name: be_patient
-- Wait only so long for a lock: whoever came behind us in its queue would wait with us.
select set_config('lock_timeout', '5s', true);

-- name: record
-- Write down what was done.
insert into upkeep_run (at, relation, action, until, count, detail) values ($1, $2, $3, $4, $5, $6);

-- name: recent
-- The last things that were done.
select at, relation, action, until, count, detail from upkeep_run order by run_id desc limit $1;
