-- What people say about readings: read by derivation, written with the marks that let it derive anew.

-- name: in_force
-- The edits in force of points, each with what an amount is in quanta of its point; times are ms since 1970.
select e.point_id, e.kind, (extract(epoch from e.since) * 1000)::int8 as since,
    (extract(epoch from e.until) * 1000)::int8 as until, e.old_end, e.new_start, e.ratio::float8 as ratio,
    round(e.amount / p.quantum)::int8 as quanta
from edit e join point p using (point_id)
where e.undone_at is null and e.point_id = any($1::int4[])
order by e.point_id, e.since, e.edit_id;
