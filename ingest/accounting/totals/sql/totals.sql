-- name: write_unit_days
-- Compute again the days that the given stretches touch, per unit and carrier, by gate meters (level 1) alone.
-- A gate meter without data on the day counts nothing and holds `ready` back to its latest reading before; one that
-- had none before leaves the day without a `ready`. So a stretch with which a meter ends touches the days after it too.
-- A day that no gate meter has data of any more goes away.
with days as (
    select distinct u.unit_id, m.carrier, d.day,
        d.day::timestamp at time zone u.time_zone as since,
        (d.day + 1)::timestamp at time zone u.time_zone as until
    from unnest($1::int4[], $2::timestamptz[], $3::timestamptz[]) as s (point_id, since, until)
    join point p using (point_id)
    join meter m using (meter_id)
    join unit u using (unit_id)
    cross join lateral (
        select (s.since at time zone u.time_zone)::date as first,
            ((s.until - interval '1 microsecond') at time zone u.time_zone)::date as last
    ) l
    cross join lateral (
        select l.first + n as day from generate_series(0, l.last - l.first) as n
        union all
        select later.day from unit_day later
        where later.unit_id = u.unit_id and later.carrier = m.carrier and later.day > l.last
            and not exists (select from consumption_15min c where c.point_id = p.point_id and c.ts >= s.until)
    ) d
    where m.level = 1
),
gates as (
    select d.unit_id, d.carrier, d.day, c.quanta * p.quantum as amount, c.quality,
        coalesce(c.ready, earlier.ready) as ready
    from days d
    join meter m using (unit_id, carrier)
    join point p using (meter_id)
    cross join lateral (
        select sum(quanta) as quanta, max(quality) as quality, max(ready) as ready
        from consumption_15min
        where point_id = p.point_id and ts >= d.since and ts < d.until
    ) c
    left join lateral (
        select ready from consumption_15min
        where c.ready is null and point_id = p.point_id and ts < d.since
        order by ts desc limit 1
    ) earlier on true
    where m.level = 1 and p.quantity = 'register'
),
totals as (
    select unit_id, carrier, day, sum(amount) as amount, max(quality) as quality,
        case when count(ready) = count(*) then min(ready) end as ready
    from gates group by unit_id, carrier, day
    having count(amount) > 0
),
bare as (
    delete from unit_day u using days d
    where (u.unit_id, u.carrier, u.day) = (d.unit_id, d.carrier, d.day)
        and not exists (select from totals t where (t.unit_id, t.carrier, t.day) = (d.unit_id, d.carrier, d.day))
)
insert into unit_day (unit_id, day, carrier, amount, kgce, kgce_equal, kgco2, quality, provisional, ready)
select t.unit_id, t.day, t.carrier, t.amount, t.amount * f.kgce, t.amount * f.kgce_equal, t.amount * f.kgco2,
    t.quality, f.provisional, t.ready
from totals t
cross join lateral (
    select * from carrier_factor
    where carrier = t.carrier and valid_from <= t.day order by valid_from desc limit 1
) f
on conflict (unit_id, day, carrier) do update
set (amount, kgce, kgce_equal, kgco2, quality, provisional, ready) = (excluded.amount, excluded.kgce,
    excluded.kgce_equal, excluded.kgco2, excluded.quality, excluded.provisional, excluded.ready)
where (unit_day.amount, unit_day.kgce, unit_day.kgce_equal, unit_day.kgco2, unit_day.quality, unit_day.provisional,
    unit_day.ready) is distinct from (excluded.amount, excluded.kgce, excluded.kgce_equal, excluded.kgco2,
    excluded.quality, excluded.provisional, excluded.ready);
