-- name: stored_readings
-- Every raw row, conflicts among them, with the key by which the spools know it.
select p.code as point, (extract(epoch from r.ts) * 1000)::int8 as at, r.value
from (select point_id, ts, value from readings union all select point_id, ts, value from reading_conflicts) r
join point p using (point_id);

-- name: derived_intervals
-- Every derived row by point and start.
select p.code as point, (extract(epoch from c.ts) * 1000)::int8 as at
from consumption_15min c
join point p using (point_id);

-- name: meter_spans
-- For each point its first and last reading with a value, and all that was derived of it.
select
    p.code as point,
    (extract(epoch from r.first_ts) * 1000)::int8 as first_ms,
    (extract(epoch from r.last_ts) * 1000)::int8 as last_ms,
    r.last_value,
    c.quanta * p.quantum as derived
from point p
join (
    select point_id, min(ts) as first_ts, max(ts) as last_ts, (array_agg(value order by ts desc))[1] as last_value
    from readings_effective
    where value <> 'NaN'
    group by point_id
) r using (point_id)
join (select point_id, sum(quanta) as quanta from consumption_15min group by point_id) c using (point_id)
order by p.code;
