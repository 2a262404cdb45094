-- name: write_hours
-- Compute again the hours that the given stretches of points touch, per unit, carrier and flow. $4, $5: bounds of all
-- these hours, so that chunks outside are not opened. Hours that begin before $6 stay, since quarter hours of theirs were
-- dropped: summed again they would be less. Where no clock is moved by less than an hour (all but one zone),
-- hours follow each other evenly, which spares the calendar for each quarter hour.
with touched as (
    select b.unit_id, b.carrier, b.flow, u.time_zone, range_agg(tstzrange(
        hour_of(s.since, u.time_zone),
        case
            when hour_of(l.hour + interval '59 minutes', u.time_zone) = l.hour then l.hour + interval '1 hour'
            else hour_of(l.hour + interval '59 minutes', u.time_zone)
        end
    )) as ranges
    from unnest($1::int4[], $2::timestamptz[], $3::timestamptz[]) as s (point_id, since, until)
    join balance_point b using (point_id)
    join unit u using (unit_id)
    cross join lateral (select hour_of(s.until - interval '1 microsecond', u.time_zone) as hour) l
    group by b.unit_id, b.carrier, b.flow, u.time_zone
),
spans as (
    select unit_id, carrier, flow, time_zone, lower(one) as since, upper(one) as until, not exists (
        select from generate_series(lower(one), upper(one) + interval '10 days', interval '10 days') as q
        where hour_of(q, time_zone) <> date_bin('1 hour', q, lower(one))
    ) as even
    from touched cross join unnest(ranges) as one
),
hours as (
    select s.unit_id, s.carrier, s.flow,
        case when s.even then date_bin('1 hour', c.ts, s.since) else hour_of(c.ts, s.time_zone) end as ts,
        trim_scale(sum(c.quanta * b.quantum)) as amount, max(c.quality) as quality, sum(c.covered_s)::int4 as covered_s
    from spans s
    join balance_point b using (unit_id, carrier, flow)
    cross join lateral (
        select ts, quanta, quality, covered_s from consumption_15min
        where point_id = b.point_id and ts >= s.since and ts < s.until and ts >= $4 and ts < $5
        offset 0
    ) c
    group by 1, 2, 3, 4
),
bare as (
    delete from unit_hour h using spans s
    where h.unit_id = s.unit_id and h.carrier = s.carrier and h.flow = s.flow and h.ts >= s.since and h.ts < s.until
        and h.ts >= $4 and h.ts < $5 and h.ts >= coalesce($6::timestamptz, '-infinity')
        and not exists (
            select from balance_point b
            join consumption_15min c on c.point_id = b.point_id and c.ts >= h.ts and c.ts < h.ts + interval '1 hour'
            where b.unit_id = h.unit_id and b.carrier = h.carrier and b.flow = h.flow
                and hour_of(c.ts, s.time_zone) = h.ts and c.ts >= $4 and c.ts < $5
        )
)
insert into unit_hour (unit_id, ts, carrier, flow, amount, quality, covered_s)
select unit_id, ts, carrier, flow, amount, quality, covered_s from hours
where ts >= coalesce($6::timestamptz, '-infinity')
on conflict (unit_id, ts, carrier, flow) do update
set (amount, quality, covered_s) = (excluded.amount, excluded.quality, excluded.covered_s)
where (unit_hour.amount, unit_hour.quality, unit_hour.covered_s)
    is distinct from (excluded.amount, excluded.quality, excluded.covered_s);

-- name: touched_days
-- The days that the given stretches of points touch, per unit and carrier. A stretch with which a point ends touches the
-- days after it too: how far they are complete hangs on its last reading. Between two stock takings consumption runs
-- evenly, so that one day touches all of them. $4: the earliest end of a stretch.
with touched as (
    select b.unit_id, b.carrier, s.point_id, s.until,
        (s.since at time zone u.time_zone)::date as first,
        ((s.until - interval '1 microsecond') at time zone u.time_zone)::date as last
    from unnest($1::int4[], $2::timestamptz[], $3::timestamptz[]) as s (point_id, since, until)
    join balance_point b using (point_id)
    join unit u using (unit_id)
),
days as (
    select unit_id, carrier, first + n as day from touched cross join lateral generate_series(0, last - first) as n
    union
    select t.unit_id, t.carrier, later.day
    from touched t
    join unit_day later on later.unit_id = t.unit_id and later.carrier = t.carrier and later.day > t.last
    where not exists (select from consumption_15min c where c.point_id = t.point_id and c.ts >= t.until and c.ts >= $4)
),
stocked as (
    select distinct d.unit_id, d.carrier, before.last_day as taken, after.last_day as taken_next
    from days d
    cross join lateral (
        select max(last_day) as last_day from balance_entry e
        where e.unit_id = d.unit_id and e.kind = 'stock' and e.carrier = d.carrier and e.last_day < d.day
    ) before
    cross join lateral (
        select min(last_day) as last_day from balance_entry e
        where e.unit_id = d.unit_id and e.kind = 'stock' and e.carrier = d.carrier and e.last_day >= d.day
    ) after
    where before.last_day is not null and after.last_day is not null
)
select unit_id, carrier, day from days
union
select unit_id, carrier, taken + n from stocked cross join lateral generate_series(1, taken_next - taken) as n
order by 1, 2, 3;

-- name: marked_days
-- The days from $2 to $3 of units $1, both included and maybe infinite, that have or should have a row, per carrier. Of a
-- carrier with stock takings all that lies between the takings around them, or after the last one.
with marks as (select * from unnest($1::int4[], $2::date[], $3::date[]) as m (unit_id, since, until)),
stocked as (
    select m.unit_id, s.carrier, s.first + 1 as first, s.last,
        coalesce(before.last_day + 1, m.since) as since, coalesce(after.last_day, 'infinity') as until
    from marks m
    cross join lateral (
        select e.subject as carrier, min(b.last_day) as first, max(b.last_day) as last
        from (select distinct subject from entry where unit_id = m.unit_id and kind = 'stock') e
        left join balance_entry b on b.unit_id = m.unit_id and b.kind = 'stock' and b.carrier = e.subject
        group by e.subject
    ) s
    cross join lateral (
        select max(last_day) as last_day from balance_entry e
        where e.unit_id = m.unit_id and e.kind = 'stock' and e.carrier = s.carrier and e.last_day < m.since
    ) before
    cross join lateral (
        select min(last_day) as last_day from balance_entry e
        where e.unit_id = m.unit_id and e.kind = 'stock' and e.carrier = s.carrier and e.last_day > m.until
    ) after
),
widened as (
    select unit_id, null as carrier, since, until from marks
    union all
    select unit_id, carrier, since, until from stocked
)
select d.unit_id, d.carrier, d.day
from widened w join unit_day d on d.unit_id = w.unit_id and d.day between w.since and w.until
    and d.carrier = coalesce(w.carrier, d.carrier)
union
select e.unit_id, e.carrier, greatest(e.first_day, w.since) + n
from widened w
join balance_entry e on e.unit_id = w.unit_id and e.kind <> 'stock' and e.carrier = coalesce(w.carrier, e.carrier)
    and e.first_day <= w.until and e.last_day >= w.since
cross join lateral generate_series(0, least(e.last_day, w.until) - greatest(e.first_day, w.since)) as n
union
select unit_id, carrier, greatest(first, since) + n
from stocked cross join lateral generate_series(0, least(last, until) - greatest(first, since)) as n
where first is not null
order by 1, 2, 3;

-- name: metered_days
-- The days of units $1 that have hours, per carrier.
select distinct h.unit_id, h.carrier, (h.ts at time zone u.time_zone)::date as day
from unit_hour h join unit u using (unit_id)
where h.unit_id = any($1::int4[])
order by 1, 2, 3;

-- name: dropped_until
-- Up to when upkeep has dropped the chunks of $1; null when it never did.
select max(until) from upkeep_run where relation = $1 and action = 'chunks_dropped';

-- name: drop_hours
-- Take away the hours of units $1 from $2 on; null: all of them.
delete from unit_hour where unit_id = any($1::int4[]) and ts >= coalesce($2::timestamptz, '-infinity');

-- name: drop_months
-- Take away the months of units $1.
delete from unit_month where unit_id = any($1::int4[]);

-- name: metered_stretches
-- From the first to the last quarter hour of each point in the balance of units $1.
select b.point_id, first.ts as since, last.ts + interval '15 minutes' as until
from balance_point b
cross join lateral (select ts from consumption_15min where point_id = b.point_id order by ts limit 1) first
cross join lateral (select ts from consumption_15min where point_id = b.point_id order by ts desc limit 1) last
where b.unit_id = any($1::int4[])
order by b.point_id;

-- name: take_marks
-- Take away the marks of units $1.
delete from unit_dirty where unit_id = any($1::int4[])
returning unit_id, since, until, hours;

-- name: write_days
-- Compute the days of the given units and carriers again: what was metered from their hours, where $4 says so or no meter
-- had a part in what stands, or else as it stands; what is filled in from entries. Where a day lies between two stock takings, all days between them must be
-- given. A day of which nothing is known goes away; one that has no factor is an error. $5, $6: bounds of all these days.
-- Everything is looked up per day, so that a plan made for few days serves for many.
with keys as (
    select k.unit_id, k.carrier, k.day, day_start(k.day, u.time_zone) as since,
        day_start(k.day + 1, u.time_zone) as until,
        k.metered or not exists (
            select from unit_day d
            where d.unit_id = k.unit_id and d.day = k.day and d.carrier = k.carrier and d.metered_quality is not null
        ) as from_hours
    from unnest($1::int4[], $2::text[], $3::date[], $4::bool[]) as k (unit_id, carrier, day, metered)
    join unit u using (unit_id)
),
known as (
    select k.*, m.*, e.*, before.taken, after.taken_next, before.stock, after.stock_next,
        before.taken is not null and after.taken_next is not null as between_takings,
        before.taken is not null and after.taken_next is null as after_takings
    from keys k
    cross join lateral (
        select * from metered_of_day(k.unit_id, k.carrier, k.since, k.until, $5, $6) where k.from_hours
        union all
        select coalesce(max(purchased), 0), coalesce(max(renewable), 0), coalesce(max(produced), 0),
            coalesce(max(sold), 0), coalesce(max(feedstock), 0), max(metered_quality), null,
            coalesce(max(covered_s), 0)
        from unit_day d
        where not k.from_hours and d.unit_id = k.unit_id and d.day = k.day and d.carrier = k.carrier
        having not k.from_hours
    ) m
    cross join lateral (
        select
            coalesce(sum(part) filter (where kind = 'purchase'), 0) as entered_purchased,
            coalesce(sum(part) filter (where kind = 'sale'), 0) as entered_sold,
            coalesce(sum(part) filter (where kind = 'feedstock'), 0) as entered_feedstock,
            count(*) > 0 as entered, coalesce(bool_or(kind = 'purchase'), false) as bought
        from (
            select kind, spread_part(amount, first_day, last_day, k.day, k.day) as part
            from balance_entry b
            where b.unit_id = k.unit_id and b.carrier = k.carrier and b.kind in ('purchase', 'sale', 'feedstock')
                and b.first_day <= k.day and b.last_day >= k.day
        ) parts
    ) e
    left join lateral (
        select last_day as taken, amount as stock from balance_entry b
        where b.unit_id = k.unit_id and b.carrier = k.carrier and b.kind = 'stock' and b.last_day < k.day
        order by last_day desc, first_day desc limit 1
    ) before on true
    left join lateral (
        select last_day as taken_next, amount as stock_next from balance_entry b
        where b.unit_id = k.unit_id and b.carrier = k.carrier and b.kind = 'stock' and b.last_day >= k.day
        order by last_day, first_day desc limit 1
    ) after on true
),
flows as (
    select k.*, purchased + entered_purchased + renewable - sold - entered_sold as flow,
        metered_quality is not null or entered or between_takings as stands,
        greatest(metered_quality, unknown, (
            select quality from failures_of_day(k.unit_id, k.carrier, k.day, k.since, k.until)
        )) as flow_quality
    from known k
),
used as (
    select f.*, sum(flow) over period + stock - stock_next as used_between, max(flow_quality) over period as worst
    from flows f
    window period as (partition by unit_id, carrier, taken, taken_next)
),
balanced as (
    -- Between takings each day's amount is made of all days' flows, so that it is no better than the worst of them.
    select u.*,
        case when between_takings then spread_part(used_between, taken + 1, taken_next, day, day) else flow end as amount,
        case
            when between_takings then greatest(worst, case when used_between < 0 then 3 else 1 end)
            else greatest(flow_quality, case when after_takings or bought then 2 when entered then 1 end)
        end::int2 as quality,
        case when entered or between_takings or after_takings then 3::int2 end as method
    from used u
),
bare as (
    delete from unit_day d using flows f
    where not f.stands and (d.unit_id, d.day, d.carrier) = (f.unit_id, f.day, f.carrier)
)
insert into unit_day as old (
    unit_id, day, carrier, amount, kgce, kgce_equal, kgco2, quality, provisional, ready, purchased, renewable, produced,
    sold, feedstock, entered_purchased, entered_sold, entered_feedstock, stock_decrease, feedstock_kgce,
    feedstock_kgce_equal, method, metered_quality, covered_s, due_s
)
select
    b.unit_id, b.day, b.carrier, trim_scale(b.amount), trim_scale(b.amount * f.kgce),
    trim_scale(b.amount * f.kgce_equal),
    trim_scale((b.amount - renewable - feedstock - entered_feedstock) * f.kgco2), b.quality, f.provisional,
    case when r.points = 0 then b.until when r.points = r.delivered then r.ready end,
    trim_scale(purchased), trim_scale(renewable), trim_scale(produced), trim_scale(sold), trim_scale(feedstock),
    trim_scale(entered_purchased), trim_scale(entered_sold), trim_scale(entered_feedstock), trim_scale(b.amount - flow),
    trim_scale((feedstock + entered_feedstock) * f.kgce), trim_scale((feedstock + entered_feedstock) * f.kgce_equal),
    b.method, b.metered_quality, b.covered_s, (r.points * extract(epoch from b.until - b.since))::int4
from balanced b
left join lateral (
    select kgce, kgce_equal, kgco2, provisional from factor_in_force
    where unit_id = b.unit_id and carrier = b.carrier and valid_from <= b.day and valid_to > b.day
    offset 0
) f on true
cross join lateral (
    select count(*) as points, count(coalesce(within.ready, earlier.ready)) as delivered,
        min(coalesce(within.ready, earlier.ready)) as ready
    from balance_point p
    left join lateral (
        select ready from consumption_15min
        where point_id = p.point_id and ts >= b.since and ts < b.until and ts >= $5 and ts < $6
        order by ts desc limit 1
    ) within on true
    left join lateral (
        select ready from consumption_15min
        where within.ready is null and point_id = p.point_id and ts < b.since
        order by ts desc limit 1
    ) earlier on true
    where p.unit_id = b.unit_id and p.carrier = b.carrier and p.flow <> 'produced'
) r
where b.stands
on conflict (unit_id, day, carrier) do update
set (amount, kgce, kgce_equal, kgco2, quality, provisional, ready, purchased, renewable, produced, sold, feedstock,
     entered_purchased, entered_sold, entered_feedstock, stock_decrease, feedstock_kgce, feedstock_kgce_equal, method,
     metered_quality, covered_s, due_s)
    = (excluded.amount, excluded.kgce, excluded.kgce_equal, excluded.kgco2, excluded.quality, excluded.provisional,
       excluded.ready, excluded.purchased, excluded.renewable, excluded.produced, excluded.sold, excluded.feedstock,
       excluded.entered_purchased, excluded.entered_sold, excluded.entered_feedstock, excluded.stock_decrease,
       excluded.feedstock_kgce, excluded.feedstock_kgce_equal, excluded.method, excluded.metered_quality,
       excluded.covered_s, excluded.due_s)
where old.* is distinct from excluded.*;

-- name: write_months
-- Sum the days of the given units and carriers up again, per calendar month and, of units that have them, per statistics
-- month. A month without a day goes away.
with months as (
    select distinct k.unit_id, k.carrier, m.kind, m.month, m.first, m.last
    from unnest($1::int4[], $2::text[], $3::date[]) as k (unit_id, carrier, day)
    join unit u using (unit_id)
    cross join lateral (select date_trunc('month', k.day)::date as own) c
    cross join lateral (
        select 'month' as kind, own as month, own as first, (own + interval '1 month')::date - 1 as last
        union all
        select 'statistics_month', named,
            (named - interval '1 month')::date + u.statistics_day - 1, named + u.statistics_day - 2
        from (
            select case when extract(day from k.day) >= u.statistics_day then (own + interval '1 month')::date else own end
                as named
        ) n
        where u.statistics_day > 1
    ) m
),
sums as (
    select m.unit_id, m.kind, m.month, m.carrier, s.*
    from months m
    cross join lateral (
        select
            trim_scale(sum(amount)) as amount, trim_scale(sum(kgce)) as kgce, trim_scale(sum(kgce_equal)) as kgce_equal,
            trim_scale(sum(kgco2)) as kgco2, trim_scale(sum(purchased + entered_purchased)) as purchased,
            trim_scale(sum(renewable)) as renewable, trim_scale(sum(produced)) as produced,
            trim_scale(sum(sold + entered_sold)) as sold, trim_scale(sum(feedstock + entered_feedstock)) as feedstock,
            trim_scale(sum(stock_decrease)) as stock_decrease, trim_scale(sum(feedstock_kgce)) as feedstock_kgce,
            trim_scale(sum(feedstock_kgce_equal)) as feedstock_kgce_equal, max(quality) as quality,
            bool_or(provisional) as provisional, bool_or(method is not null) as by_hand,
            sum(covered_s) as covered_s, sum(due_s) as due_s, max(ready) as ready, count(*)::int2 as days,
            count(metered_quality)::int2 as metered_days
        from unit_day d
        where d.unit_id = m.unit_id and d.day between m.first and m.last and d.carrier = m.carrier
        offset 0
    ) s
),
bare as (
    delete from unit_month o using sums s
    where s.days = 0 and (o.unit_id, o.kind, o.month, o.carrier) = (s.unit_id, s.kind, s.month, s.carrier)
)
insert into unit_month as old (
    unit_id, kind, month, carrier, amount, kgce, kgce_equal, kgco2, purchased, renewable, produced, sold, feedstock,
    stock_decrease, feedstock_kgce, feedstock_kgce_equal, quality, provisional, by_hand, covered_s, due_s, ready, days,
    metered_days
)
select * from sums where days > 0
on conflict (unit_id, kind, month, carrier) do update
set (amount, kgce, kgce_equal, kgco2, purchased, renewable, produced, sold, feedstock, stock_decrease, feedstock_kgce,
     feedstock_kgce_equal, quality, provisional, by_hand, covered_s, due_s, ready, days, metered_days)
    = (excluded.amount, excluded.kgce, excluded.kgce_equal, excluded.kgco2, excluded.purchased, excluded.renewable,
       excluded.produced, excluded.sold, excluded.feedstock, excluded.stock_decrease, excluded.feedstock_kgce,
       excluded.feedstock_kgce_equal, excluded.quality, excluded.provisional, excluded.by_hand, excluded.covered_s,
       excluded.due_s, excluded.ready, excluded.days, excluded.metered_days)
where old.* is distinct from excluded.*;
