-- Who derives which units.

-- name: enter
-- A new worker's number, locked as long as its session lives ("qw_d").
select worker from (select nextval('derivation_worker') as worker) w
cross join lateral (select pg_advisory_lock(1903649124, worker::int4)) l;

-- name: leave
-- The worker ends.
select pg_advisory_unlock(1903649124, $1::int8::int4);

-- name: shares
-- How many groups there are, how many workers live, and how many groups are left to this one.
select (select count(*) from derivation_group) as groups,
    (select count(*) from derivation_group where holder = $1) as mine,
    (
        select count(*) from pg_locks
        where locktype = 'advisory' and classid = 1903649124 and objsubid = 2 and granted
            and database = (select oid from pg_database where datname = current_database())
    ) as workers;

-- name: give_up
-- Leave all groups of a worker but $2 to others.
update derivation_group set holder = null
where grp in (select grp from derivation_group where holder = $1 order by grp offset $2 for update skip locked);

-- name: take
-- Take up to $2 groups that are left to nobody, or to one who is gone.
update derivation_group set holder = $1
where grp in (
    select grp from derivation_group
    where holder is null or not exists (
        select from pg_locks
        where locktype = 'advisory' and classid = 1903649124 and objsubid = 2 and granted and objid = holder::oid
            and database = (select oid from pg_database where datname = current_database())
    )
    order by grp limit $2 for update skip locked
);

-- name: plan_each_time
-- Plan with the bounds of time at hand, so that no plan opens chunks outside of them.
set local plan_cache_mode = force_custom_plan;

-- name: registry_stands
-- Until this transaction ends no point changes its group ("qw_accou"); waits for a change that is under way.
select pg_advisory_xact_lock_shared(8175543449906474869);

-- name: lock
-- The groups that are left to a worker, locked; not those that somebody else has locked just now.
select grp, steps from derivation_group where holder = $1 order by grp for update skip locked;

-- name: lock_these
-- Some groups, locked in the order in which everybody locks them.
select grp from derivation_group where grp = any($1::int4[]) order by grp for update;

-- name: count
-- How many groups there are.
select count(*) from derivation_group;

-- name: count_step
-- A step took marks.
update derivation_group set steps = steps + 1 where grp = any($1::int4[]);
