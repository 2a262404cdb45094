-- What people say about readings: read by derivation, written with the marks that let it derive anew.

-- name: in_force
-- The edits in force of points, each with what an amount is in quanta of its point; times are ms since 1970.
select e.point_id, e.kind, (extract(epoch from e.since) * 1000)::int8 as since,
    (extract(epoch from e.until) * 1000)::int8 as until, e.old_end, e.new_start, e.ratio::float8 as ratio,
    round(e.amount / p.quantum)::int8 as quanta
from edit e join point p using (point_id)
where e.undone_at is null and e.point_id = any($1::int4[])
order by e.point_id, e.since, e.edit_id;

-- name: points
-- Points by code, with what must be known to edit them; locked, so that no two people edit one at the same time.
select p.point_id, p.code, p.quantity, p.quantum, d.unit_of_measure as unit, d.time_zone
from point p join described_point d using (point_id)
where p.code = any($1::text[])
order by p.point_id for no key update of p;

-- name: point_of
-- The code of the point of an edit.
select p.code from edit e join point p using (point_id) where e.edit_id = $1;

-- name: standing
-- The edits in force of some points.
select edit_id, point_id, kind, since, until, old_end, new_start, ratio, amount
from edit where undone_at is null and point_id = any($1::int4[])
order by point_id, since, edit_id;

-- name: add
-- Write edits; their numbers come back in the order in which they were given.
insert into edit (point_id, kind, since, until, old_end, new_start, ratio, amount, unit, author, reason, document,
                  recorded_at)
select point_id, kind, since, until, old_end, new_start, ratio, amount, unit, author, reason, document, $13
from unnest($1::int4[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::float8[], $6::float8[], $7::numeric[],
            $8::numeric[], $9::text[], $10::text[], $11::text[], $12::text[])
    with ordinality as g (point_id, kind, since, until, old_end, new_start, ratio, amount, unit, author, reason,
                          document, number)
order by number
returning edit_id;

-- name: beside
-- The usable readings beside replacements, within 30 days of them: the last before $2 and the first from $3 on, with what
-- is plausible at the point; in the order in which they were given.
select (extract(epoch from b.ts) * 1000)::int8 as before_ms, b.value as before,
    (extract(epoch from a.ts) * 1000)::int8 as after_ms, a.value as after, p.max_rate, p.wrap, p.resolution
from unnest($1::int4[], $2::timestamptz[], $3::timestamptz[])
    with ordinality as g (point_id, since, until, number)
join point p using (point_id)
left join lateral (
    select ts, value from readings r
    where r.point_id = g.point_id and ts < g.since and ts >= g.since - interval '30 days'
        and quality < 3 and value <> 'NaN' order by ts desc limit 1
) b on true
left join lateral (
    select ts, value from readings r
    where r.point_id = g.point_id and ts >= g.until and ts < g.until + interval '30 days'
        and quality < 3 and value <> 'NaN' order by ts limit 1
) a on true
order by g.number;

-- name: undo
-- Undo an edit; it stays.
update edit set undone_at = $2, undone_by = $3, undone_why = $4 where edit_id = $1;

-- name: mark
-- Let derivation compute anew what edits touch, from their times on to their ends, or with none for good.
with marked as (
    insert into derivation_dirty (batch, points, since, until)
    select nextval('batch_id'), array_agg(point_id), array_agg(since), array_agg(until)
    from (
        select point_id, min(since) as since, max(coalesce(until, 'infinity')) as until
        from unnest($1::int4[], $2::timestamptz[], $3::timestamptz[]) as g (point_id, since, until)
        group by point_id order by point_id
    ) each_once
    returning batch
)
select pg_notify('readings', batch::text) from marked;

-- name: recorded
-- Edits, undone ones too, the latest first: of a point ($1), of a unit ($2), in force or not ($3), one ($4); at most $5.
select e.edit_id, e.unit, e.meter, e.point, u.time_zone, e.kind, e.since, e.until, e.old_end, e.new_start, e.ratio,
    e.amount, e.unit_of_measure, e.author, e.reason, e.document, e.recorded_at, e.in_force, e.undone_at, e.undone_by,
    e.undone_why
from board.edit e join unit u on u.code = e.unit
where ($1::text is null or e.point = $1) and ($2::text is null or e.unit = $2)
    and ($3::bool is null or e.in_force = $3) and ($4::int8 is null or e.edit_id = $4)
order by e.edit_id desc limit $5;
