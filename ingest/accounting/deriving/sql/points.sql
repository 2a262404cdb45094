-- What deriving must know of points.

-- name: version
-- The version of the registry.
select version from registry_version;

-- name: rates
-- Units of measure of powers and flows, each with the carrier of which they make an amount in time.
select distinct unit, carrier from counted_point where quantity = 'rate';

-- name: load
-- The points that consumption is derived from, sorted; $1 to $3: how much an hour of a rate ($1) makes of a carrier
-- ($2); $4, $5: numbers of quantities; $6: only these. Greatest rates of registers alone are rates of consumption.
select p.point_id, p.unit_id, k.kind, p.quantum::float8 as quantum, coalesce(s.scale, 1) as scale,
    coalesce(p.wrap, 'NaN') as wrap,
    case when p.quantity in ('register', 'net_register') then coalesce(p.max_rate, 'NaN') else 'NaN'::float8 end,
    p.resolution, p.float32, p.interval_s, p.flow <> 'internal',
    exists (select from meter m where m.check_id = p.meter_id)
from counted_point p
join unnest($4::text[], $5::int2[]) as k (quantity, kind) using (quantity)
left join unnest($1::text[], $2::text[], $3::float8[]) as s (unit, carrier, scale)
    on p.quantity = 'rate' and s.unit = p.unit and s.carrier = p.carrier
where $6::int4[] is null or p.point_id = any($6::int4[])
order by p.point_id
