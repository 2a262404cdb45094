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
-- For each point with a reading its first and last one with a value, and all that was derived of it, if only nothing.
select
    p.code as point,
    (extract(epoch from r.first_ts) * 1000)::int8 as first_ms,
    (extract(epoch from r.last_ts) * 1000)::int8 as last_ms,
    r.last_value,
    coalesce(c.quanta, 0) * p.quantum as derived
from point p
join (
    select point_id, min(ts) as first_ts, max(ts) as last_ts, (array_agg(value order by ts desc))[1] as last_value
    from readings_effective
    where value <> 'NaN'
    group by point_id
) r using (point_id)
left join (select point_id, sum(quanta) as quanta from consumption_15min group by point_id) c using (point_id)
order by p.code;

-- name: wrong_totals
-- How many days of units are not what their points' intervals and the day's factor give: gone, surplus, or another.
with due as (
    select p.unit_id, p.carrier, (c.ts at time zone u.time_zone)::date as day,
        sum(case p.flow when 'sold' then -c.quanta when 'produced' then 0 when 'feedstock' then 0 else c.quanta end
            * p.quantum) as amount,
        sum(case p.flow when 'sold' then -c.quanta when 'feedstock' then -c.quanta when 'purchased' then c.quanta else 0 end
            * p.quantum) as emitting
    from consumption_15min c
    join counted_point p using (point_id)
    join unit u using (unit_id)
    where p.flow <> 'internal'
    group by 1, 2, 3
)
select count(*)
from due
full join unit_day d using (unit_id, carrier, day)
left join factor_in_force f
    on f.unit_id = due.unit_id and f.carrier = due.carrier and due.day >= f.valid_from and due.day < f.valid_to
where (d.amount, d.kgce, d.kgce_equal, d.kgco2)
    is distinct from (due.amount, due.amount * f.kgce, due.amount * f.kgce_equal, due.emitting * f.kgco2);

-- name: corrected
-- Points of which somebody has said by which ratio they show too much.
select distinct p.code from edit e join point p using (point_id) where e.kind = 'ratio' and e.undone_at is null;
