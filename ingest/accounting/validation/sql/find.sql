-- name: each
-- Findings, the newest first; null for any: $1 unit, $2 point, $3 check, $4 severity, $5 first day, $6 last day; $7 at most.
select unit, meter, point, carrier, time_zone, day, "check", severity, since, until, detail::text as detail
from board.finding join unit u on u.code = unit
where ($1::text is null or unit = $1) and ($2::text is null or point = $2) and ($3::text is null or "check" = $3)
    and ($4::text is null or severity = $4) and ($5::date is null or day >= $5) and ($6::date is null or day <= $6)
order by day desc, unit, point, since, "check" limit $7;

-- name: classes
-- Classes that points name, with the carriers of their meters and how many there are.
select p.class, m.carrier, count(*)::int8 as points
from point p join meter m using (meter_id)
where p.class <> '' group by p.class, m.carrier order by p.class, m.carrier;
