-- What stands although its readings are gone.

-- name: floor
-- The time before which upkeep has dropped readings, ms since 1970; null where it never has.
select (extract(epoch from max(until)) * 1000)::int8 from upkeep_run
where relation = 'readings' and action = 'chunks_dropped';

-- name: derived_before
-- Those of the points $1 that have quarter hours from before $2 that nobody set (by method $3).
select p as point_id from unnest($1::int4[]) as p
where exists (select from consumption_15min c where c.point_id = p and c.ts < $2 and c.method <> $3);
