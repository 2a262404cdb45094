-- name: lock
-- One accounting step at a time per database ("qw_accou"); whoever comes second does not wait but goes away.
-- It makes overlapping batches and the days of one unit safe without ordering row locks: see docs/accounting.md.
select pg_try_advisory_xact_lock(8175543449906474869);

-- name: take
-- Take up to $1 dirty batches away and say what must be computed again: per register the stretches of quarter hours
-- each with the span of readings that it needs; always at least one row, with the number of batches taken and of those
-- that were waiting. $2: readings below so many quanta are surely usable.
-- A stretch runs from the usable reading before what is dirty to the one after it: only pairs in there can have changed.
-- Contested readings are passed over: what is found is then surely effective, and the stretch at worst a little longer.
-- Where none but contested ones lie on a side, the stretch takes in all of them.
with taken as (
    delete from derivation_dirty
    where batch in (select batch from derivation_dirty order by batch limit $1 for update skip locked)
    returning points, since, until
),
marks as (
    select p.point_id, m.since, m.until, (p.quantum * $2)::float8 as most
    from taken cross join unnest(points, since, until) as m (point_id, since, until)
    join point p using (point_id)
    where p.quantity = 'register'
),
merged as (
    select m.point_id, m.most, range_agg(tstzrange(
        date_bin('15 minutes', coalesce(
            before.ts,
            (select min(c.ts) from reading_conflicts c where c.point_id = m.point_id and c.ts < m.since),
            m.since
        ), 'epoch'),
        date_bin('15 minutes', coalesce(
            after.ts,
            (select max(c.ts) from reading_conflicts c where c.point_id = m.point_id and c.ts > m.until),
            m.until
        ) + interval '899.999999 seconds', 'epoch')
    )) as stretches
    from marks m
    left join lateral (
        select r.ts from readings r
        where r.point_id = m.point_id and r.ts < m.since and abs(r.value) < m.most
            and not exists (select from reading_conflicts c where c.point_id = r.point_id and c.ts = r.ts)
        order by r.ts desc limit 1
    ) before on true
    left join lateral (
        select r.ts from readings r
        where r.point_id = m.point_id and r.ts > m.until and abs(r.value) < m.most
            and not exists (select from reading_conflicts c where c.point_id = r.point_id and c.ts = r.ts)
        order by r.ts limit 1
    ) after on true
    group by m.point_id, m.most
),
stretches as (
    select point_id, most, lower(stretch) as since, upper(stretch) as until
    from merged cross join unnest(stretches) as stretch
),
spans as (
    select s.point_id, s.since, s.until,
        coalesce(
            before.ts,
            (select min(c.ts) from reading_conflicts c where c.point_id = s.point_id and c.ts < s.since),
            s.since
        ) as read_since,
        coalesce(
            after.ts,
            (select max(c.ts) from reading_conflicts c where c.point_id = s.point_id and c.ts > s.until),
            s.until
        ) as read_until,
        p.quantum::float8 as quantum, p.wrap, p.interval_s
    from stretches s
    join point p using (point_id)
    left join lateral (
        select r.ts from readings r
        where r.point_id = s.point_id and r.ts <= s.since and abs(r.value) < s.most
            and not exists (select from reading_conflicts c where c.point_id = r.point_id and c.ts = r.ts)
        order by r.ts desc limit 1
    ) before on true
    left join lateral (
        select r.ts from readings r
        where r.point_id = s.point_id and r.ts >= s.until and abs(r.value) < s.most
            and not exists (select from reading_conflicts c where c.point_id = r.point_id and c.ts = r.ts)
        order by r.ts limit 1
    ) after on true
)
select t.batches, (select count(*) from derivation_dirty) as waiting, s.*
from (select count(*) as batches from taken) t
left join spans s on true
order by s.point_id, s.since;

-- name: readings
-- The effective readings of each span, sorted by (number of the span from 0, time); for binary COPY.
-- offset 0 keeps the view apart, so that point and time reach its indexes instead of being filtered afterwards.
select (s.number - 1)::int4 as series, e.ts, e.value, e.quality
from unnest($1::int4[], $2::timestamptz[], $3::timestamptz[])
    with ordinality as s (point_id, since, until, number)
cross join lateral (
    select r.ts, r.value, r.quality from readings_effective r
    where r.point_id = s.point_id and r.ts between s.since and s.until
    offset 0
) e
order by s.number, e.ts

-- name: forget
-- Take away the quarter hours of the given stretches that no pair of readings touches any more.
delete from consumption_15min c
using unnest($1::int4[], $2::timestamptz[], $3::timestamptz[]) as s (point_id, since, until)
where c.point_id = s.point_id and c.ts >= s.since and c.ts < s.until;

-- name: write
-- Write quarter hours; what is already there and the same is left alone. Times are ms since 1970.
insert into consumption_15min (point_id, ts, quanta, quality, covered_s, ready)
select point_id, 'epoch'::timestamptz + start * interval '1 ms', quanta, quality, covered_s,
    'epoch'::timestamptz + ready * interval '1 ms'
from unnest($1::int4[], $2::int8[], $3::int8[], $4::int2[], $5::int2[], $6::int8[])
    as c (point_id, start, quanta, quality, covered_s, ready)
on conflict (point_id, ts) do update
set (quanta, quality, covered_s, ready) = (excluded.quanta, excluded.quality, excluded.covered_s, excluded.ready)
where (consumption_15min.quanta, consumption_15min.quality, consumption_15min.covered_s, consumption_15min.ready)
    is distinct from (excluded.quanta, excluded.quality, excluded.covered_s, excluded.ready);

-- name: notify_totals
-- Wake whoever judges totals; delivered at commit.
select pg_notify('totals', '');
