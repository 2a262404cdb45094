-- History as it stood at a moment: temporary relations of the names of the real ones, which PostgreSQL finds first. So the
-- live engine's own queries run unchanged, and see nothing later than `quotawatt.as_of`.
-- A quarter hour was known when the last reading that it uses had been made (its `ready`). What was made of quarter hours
-- that were not all known yet (the present hour, day and month; those of an outage) is made again of those that were.

-- name: views
-- The project's views in the order in which they were made, each with its text while nothing shadows what it reads.
select c.relname as name, pg_get_viewdef(c.oid) as text
from pg_class c
where c.relkind = 'v' and c.relnamespace = 'public'::regnamespace
    and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
order by c.oid

-- name: stores
-- The tables that an evaluation, or what readers keep for it, writes: the back-test has its own, empty ones.
select c.relname as name
from pg_class c
where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
    and c.relname in ('alert', 'alert_transition', 'quota_figure', 'unit_touched', 'unit_load_day', 'unit_load_dirty', 'unit_course')

-- name: chosen_units
-- Only these units are there.
insert into unit overriding system value select * from public.unit where unit_id = any($1::int4[])

-- name: chosen_quotas
-- Only these quotas are there.
insert into quota overriding system value select * from public.quota where quota_id = any($1::int4[])

-- name: units_of_quotas
-- The units that count for quotas $1.
select distinct unit_id from quota_unit where quota_id = any($1::int4[]) order by unit_id

-- name: quotas_of_units
-- The quotas of units $1 themselves.
select quota_id from quota where unit_id = any($1::int4[]) order by quota_id

-- name: shadows
-- The temporary relations; $ none, run once on a connection of its own.
create function pg_temp.as_of() returns timestamptz language sql stable
    as $$ select current_setting('quotawatt.as_of')::timestamptz $$;

create temp table told as
select k.unit_id, k.carrier, u.time_zone, u.statistics_day
from (select distinct unit_id, carrier from public.unit_day union select unit_id, carrier from public.balance_point) k
join unit u using (unit_id);
create unique index on told (unit_id, carrier);

create temp table present (
    unit_id int4, carrier text, since timestamptz, day date, last_day date, primary key (unit_id, carrier)
);
create temp table present_point (point_id int4 primary key, since timestamptz, day date, last_day date);
create temp table unit_carrier (like public.unit_carrier including all);
create temp table present_hour (like public.unit_hour including all);
create temp table present_day (like public.unit_day including all);
create temp table present_month (like public.unit_month including all);
create temp table present_point_hour (like public.consumption_hour including all);
create temp table present_point_day (like public.consumption_day including all);
create temp table present_point_month (like public.consumption_month including all);

create temp view consumption_15min as
select * from public.consumption_15min where ready <= pg_temp.as_of() and ts < pg_temp.as_of();

create temp view readings as select * from public.readings where ts <= pg_temp.as_of();
create temp view reading_conflicts as select * from public.reading_conflicts where ts <= pg_temp.as_of();
create temp view gap as select * from public.gap where ended <= pg_temp.as_of();
create temp view finding as select * from public.finding where until <= pg_temp.as_of();
create temp view edit as select * from public.edit where until <= pg_temp.as_of();
create temp view entry as
select e.* from public.entry e join unit u using (unit_id)
where e.last_day < (pg_temp.as_of() at time zone u.time_zone)::date;

create temp view unit_hour as
select h.* from public.unit_hour h join present p using (unit_id, carrier) where h.ts < p.since
union all
select * from present_hour;

create temp view unit_day as
select d.* from public.unit_day d join present p using (unit_id, carrier) where d.day < p.day
union all
select * from present_day;

create temp view unit_month as
select m.*
from public.unit_month m
join present p using (unit_id, carrier)
join unit u using (unit_id)
where p.day > case
    when m.kind = 'month' then (m.month + interval '1 month')::date - 1 else m.month + u.statistics_day - 2
end
union all
select * from present_month;

create temp view consumption_hour as
select h.* from public.consumption_hour h join present_point p using (point_id) where h.ts < p.since
union all
select * from present_point_hour;

create temp view consumption_day as
select d.* from public.consumption_day d join present_point p using (point_id) where d.day < p.day
union all
select * from present_point_day;

create temp view consumption_month as
select m.*
from public.consumption_month m
join present_point p using (point_id)
join public.counted_point n using (point_id)
join unit u using (unit_id)
where p.day > case
    when m.kind = 'month' then (m.month + interval '1 month')::date - 1 else m.month + u.statistics_day - 2
end
union all
select * from present_point_month;

-- name: after_views
-- What follows from shadows and views.
create temp view unit_period as select * from period_sum

-- name: set_as_of
-- Move to another moment.
select set_config('quotawatt.as_of', $1::timestamptz::text, false)

-- name: forget
-- Empty what was made for the moment before.
truncate present, present_point, unit_carrier, present_hour, present_day, present_month, present_point_hour, present_point_day,
    present_point_month

-- name: point_since
-- From which hour and day on each point's figures are made again: those of the first quarter hour that was not known, and
-- nothing after the present day. $1: all points, or only those in balances.
insert into present_point
select p.point_id, h.since, (h.since at time zone u.time_zone)::date, (pg_temp.as_of() at time zone u.time_zone)::date
from counted_point p
join unit u using (unit_id)
left join lateral (
    select ts + interval '15 minutes' as until from consumption_15min where point_id = p.point_id order by ts desc limit 1
) known on true
left join lateral (
    select ts from public.consumption_15min where point_id = p.point_id and ts < pg_temp.as_of() order by ts limit 1
) first on known.until is null
cross join lateral (
    select hour_of(least(coalesce(known.until, first.ts), pg_temp.as_of()), u.time_zone) as since
) h
where $1::bool or exists (select from balance_point b where b.point_id = p.point_id)

-- name: unit_since
-- Likewise of each unit and carrier: of the point that is furthest behind. What is only filled in has no present day.
insert into present
select t.unit_id, t.carrier, p.since, coalesce(p.day, n.today + 1), n.today
from told t
cross join lateral (select (pg_temp.as_of() at time zone t.time_zone)::date as today) n
left join (
    select b.unit_id, b.carrier, min(p.since) as since, min(p.day) as day
    from balance_point b join present_point p using (point_id)
    group by b.unit_id, b.carrier
) p using (unit_id, carrier)

-- name: hours
-- The hours of units that are made again.
insert into present_hour (unit_id, ts, carrier, flow, amount, quality, covered_s)
select b.unit_id, hour_of(c.ts, t.time_zone), b.carrier, b.flow, trim_scale(sum(c.quanta * b.quantum)), max(c.quality),
    sum(c.covered_s)::int4
from present p
join told t using (unit_id, carrier)
join balance_point b using (unit_id, carrier)
cross join lateral (
    select ts, quanta, quality, covered_s from consumption_15min where point_id = b.point_id and ts >= p.since offset 0
) c
group by 1, 2, 3, 4

-- name: days
-- The days of units that are made again, as accounting makes them: metered flows of the hours that are known, what is
-- filled in as it stands.
-- Hours and failed checks come by accounting's own functions; the row around them is another one, since entries and stock
-- takings are not worked out again, and a test holds both rows equal.
insert into present_day (
    unit_id, day, carrier, amount, kgce, kgce_equal, kgco2, quality, provisional, ready, purchased, renewable, produced,
    sold, feedstock, entered_purchased, entered_sold, entered_feedstock, stock_decrease, feedstock_kgce,
    feedstock_kgce_equal, method, metered_quality, covered_s, due_s
)
with keys as (
    select p.unit_id, p.carrier, p.day + n as day, day_start(p.day + n, t.time_zone) as since,
        day_start(p.day + n + 1, t.time_zone) as until
    from present p
    join told t using (unit_id, carrier)
    cross join lateral generate_series(0, p.last_day - p.day) as n
),
known as (
    select k.*, m.*,
        coalesce(e.entered_purchased, 0) as entered_purchased, coalesce(e.entered_sold, 0) as entered_sold,
        coalesce(e.entered_feedstock, 0) as entered_feedstock, coalesce(e.stock_decrease, 0) as stock_decrease,
        e.method, case when e.method is not null then e.quality end as entered_quality
    from keys k
    cross join lateral metered_of_day(k.unit_id, k.carrier, k.since, k.until, k.since, k.until) m
    left join public.unit_day e on e.unit_id = k.unit_id and e.day = k.day and e.carrier = k.carrier
),
balanced as (
    select k.*, purchased + entered_purchased + renewable - sold - entered_sold + stock_decrease as amount,
        greatest(metered_quality, entered_quality, (
            select quality from failures_of_day(k.unit_id, k.carrier, k.day, k.since, k.until)
        ))::int2 as quality
    from known k
    where metered_quality is not null or method is not null
)
select
    b.unit_id, b.day, b.carrier, trim_scale(b.amount), trim_scale(b.amount * f.kgce),
    trim_scale(b.amount * f.kgce_equal),
    trim_scale((b.amount - renewable - feedstock - entered_feedstock) * f.kgco2), b.quality, f.provisional,
    case when r.points = 0 then b.until when r.points = r.delivered then r.ready end,
    trim_scale(purchased), trim_scale(renewable), trim_scale(produced), trim_scale(sold), trim_scale(feedstock),
    entered_purchased, entered_sold, entered_feedstock, stock_decrease,
    trim_scale((feedstock + entered_feedstock) * f.kgce), trim_scale((feedstock + entered_feedstock) * f.kgce_equal),
    b.method, b.metered_quality, b.covered_s, (r.points * extract(epoch from b.until - b.since))::int4
from balanced b
join factor_in_force f
    on f.unit_id = b.unit_id and f.carrier = b.carrier and f.valid_from <= b.day and f.valid_to > b.day
cross join lateral (
    select count(*) as points, count(latest.ready) as delivered, min(latest.ready) as ready
    from balance_point p
    left join lateral (
        select ready from consumption_15min where point_id = p.point_id and ts < b.until order by ts desc limit 1
    ) latest on true
    where p.unit_id = b.unit_id and p.carrier = b.carrier and p.flow <> 'produced'
) r

-- name: carriers
-- How far each carrier of a unit has come: of its newest day; and since when it is metered.
insert into unit_carrier (unit_id, carrier, metered, day, ready, through, since)
select k.unit_id, k.carrier, k.metered, l.day, l.ready, through(l.ready, u.time_zone), f.since
from (
    select unit_id, carrier, bool_or(metered) as metered
    from (select unit_id, carrier, false as metered from told union all select unit_id, carrier, true from gate_carrier) e
    group by unit_id, carrier
) k
join unit u using (unit_id)
left join present p using (unit_id, carrier)
left join lateral (
    (select day, ready from present_day d where d.unit_id = k.unit_id and d.carrier = k.carrier order by day desc limit 1)
    union all
    (select day, ready from public.unit_day d
     where d.unit_id = k.unit_id and d.carrier = k.carrier and d.day < p.day order by day desc limit 1)
    order by day desc limit 1
) l on true
left join lateral (
    (select day as since from public.unit_day d
     where d.unit_id = k.unit_id and d.carrier = k.carrier and d.day < p.day and metered_quality is not null
     order by day limit 1)
    union all
    (select day from present_day d
     where d.unit_id = k.unit_id and d.carrier = k.carrier and metered_quality is not null order by day limit 1)
    order by since limit 1
) f on true
where k.metered or l.day is not null

-- name: months
-- The months of units that are made again.
insert into present_month (
    unit_id, kind, month, carrier, amount, kgce, kgce_equal, kgco2, purchased, renewable, produced, sold, feedstock,
    stock_decrease, feedstock_kgce, feedstock_kgce_equal, quality, provisional, by_hand, covered_s, due_s, ready, days,
    metered_days
)
select m.unit_id, m.kind, m.month, m.carrier, s.*
from (
    select distinct p.unit_id, p.carrier, n.kind, n.month, n.first, n.last
    from present p
    join told t using (unit_id, carrier)
    cross join lateral generate_series(p.day::timestamp, greatest(p.last_day, p.day)::timestamp, interval '1 day') as one (day)
    cross join lateral (
        select 'month' as kind, own as month, own as first, (own + interval '1 month')::date - 1 as last
        from (select date_trunc('month', one.day)::date as own) c
        union all
        select 'statistics_month', named, (named - interval '1 month')::date + t.statistics_day - 1,
            named + t.statistics_day - 2
        from (
            select (date_trunc('month', one.day)
                + case when extract(day from one.day) >= t.statistics_day then interval '1 month' else '0' end)::date as named
        ) c
        where t.statistics_day > 1
    ) n
) m
cross join lateral (
    select
        trim_scale(sum(amount)), trim_scale(sum(kgce)), trim_scale(sum(kgce_equal)), trim_scale(sum(kgco2)),
        trim_scale(sum(purchased + entered_purchased)), trim_scale(sum(renewable)), trim_scale(sum(produced)),
        trim_scale(sum(sold + entered_sold)), trim_scale(sum(feedstock + entered_feedstock)),
        trim_scale(sum(stock_decrease)), trim_scale(sum(feedstock_kgce)), trim_scale(sum(feedstock_kgce_equal)),
        max(quality), bool_or(provisional), bool_or(method is not null), sum(covered_s), sum(due_s), max(ready),
        count(*)::int2 as days, count(metered_quality)::int2
    from unit_day d
    where d.unit_id = m.unit_id and d.carrier = m.carrier and d.day between m.first and m.last
    offset 0
) s
where s.days > 0

-- name: point_hours
-- The hours of points that are made again.
insert into present_point_hour (point_id, ts, quanta, quality, covered_s, flags, ready)
select c.point_id, hour_of(c.ts, u.time_zone), sum(c.quanta)::int8, max(c.quality), sum(c.covered_s)::int4, bit_or(c.flags),
    max(c.ready)
from present_point p
join counted_point n using (point_id)
join unit u using (unit_id)
cross join lateral (
    select * from consumption_15min where point_id = p.point_id and ts >= p.since offset 0
) c
group by 1, 2

-- name: point_days
-- Likewise their days.
insert into present_point_day (point_id, day, quanta, quality, covered_s, flags, ready)
select h.point_id, (h.ts at time zone u.time_zone)::date, sum(h.quanta)::int8, max(h.quality), sum(h.covered_s)::int4,
    bit_or(h.flags), max(h.ready)
from present_point p
join counted_point n using (point_id)
join unit u using (unit_id)
cross join lateral (
    select * from consumption_hour where point_id = p.point_id and ts >= day_start(p.day, u.time_zone) offset 0
) h
group by 1, 2

-- name: point_months
-- Likewise their months.
insert into present_point_month (point_id, kind, month, quanta, quality, covered_s, flags, ready)
select d.point_id, m.kind, m.month, sum(d.quanta)::int8, max(d.quality), sum(d.covered_s)::int4, bit_or(d.flags),
    max(d.ready)
from present_point p
join counted_point n using (point_id)
join unit u using (unit_id)
cross join lateral (
    select 'month' as kind, date_trunc('month', p.last_day)::date as month, date_trunc('month', p.day)::date as since
    union all
    select 'statistics_month', (date_trunc('month', p.last_day)
            + case when extract(day from p.last_day) >= u.statistics_day then interval '1 month' else '0' end)::date,
        p.day - 31
    where u.statistics_day > 1
) m
cross join lateral (select * from consumption_day where point_id = p.point_id and day >= m.since offset 0) d
where m.kind = 'month' and date_trunc('month', d.day)::date = m.month
    or m.kind = 'statistics_month' and (date_trunc('month', d.day)
        + case when extract(day from d.day) >= u.statistics_day then interval '1 month' else '0' end)::date = m.month
group by 1, 2, 3
