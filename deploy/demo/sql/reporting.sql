-- name: heard
-- Whether the unit of point $1 has heard that a quota of its is broken, and the period is over.
select exists (
    select from alert a
    where a.rule = 'breach' and (a.standing ->> 'said')::boolean and a.unit_id = (
        select m.unit_id from point p join meter m using (meter_id) where p.code = $1
    )
)
