-- name: upsert_units
-- Units by code; an unchanged row is left alone, so that applying twice writes nothing.
insert into unit (code, name_zh, name_en, district, industry, time_zone, size_class, statistics_day)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int2[], $8::int2[])
on conflict (code) do update
set (name_zh, name_en, district, industry, time_zone, size_class, statistics_day)
    = (excluded.name_zh, excluded.name_en, excluded.district, excluded.industry, excluded.time_zone,
       excluded.size_class, excluded.statistics_day)
where (unit.name_zh, unit.name_en, unit.district, unit.industry, unit.time_zone, unit.size_class, unit.statistics_day)
    is distinct from (excluded.name_zh, excluded.name_en, excluded.district, excluded.industry, excluded.time_zone,
                      excluded.size_class, excluded.statistics_day);

-- name: upsert_gateways
-- Gateways by code, their unit found by its code.
insert into gateway (code, region, unit_id)
select g.code, g.region, u.unit_id
from unnest($1::text[], $2::text[], $3::text[]) as g (code, region, unit)
join unit u on u.code = g.unit
on conflict (code) do update
set (region, unit_id) = (excluded.region, excluded.unit_id)
where (gateway.region, gateway.unit_id) is distinct from (excluded.region, excluded.unit_id);

-- name: upsert_meters
-- Meters by code, their unit found by its code; which meter is above or beside another is written by `relate_meters`.
insert into meter (code, unit_id, carrier, level, profile, name_zh, name_en)
select m.code, u.unit_id, m.carrier, m.level, m.profile, m.name_zh, m.name_en
from unnest($1::text[], $2::text[], $3::text[], $4::int2[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
    as m (code, unit, carrier, level, profile, name_zh, name_en, parent, check_meter)
join unit u on u.code = m.unit
on conflict (code) do update
set (unit_id, carrier, level, profile, name_zh, name_en)
    = (excluded.unit_id, excluded.carrier, excluded.level, excluded.profile, excluded.name_zh, excluded.name_en)
where (meter.unit_id, meter.carrier, meter.level, meter.profile, meter.name_zh, meter.name_en) is distinct from
    (excluded.unit_id, excluded.carrier, excluded.level, excluded.profile, excluded.name_zh, excluded.name_en);

-- name: relate_meters
-- Parents and check meters, found by their codes once all meters are there.
update meter set (parent_id, check_id) = (parent.meter_id, beside.meter_id)
from unnest($1::text[], $2::text[], $3::text[]) as m (code, parent, check_meter)
left join meter parent on parent.code = m.parent
left join meter beside on beside.code = m.check_meter
where meter.code = m.code
    and (meter.parent_id, meter.check_id) is distinct from (parent.meter_id, beside.meter_id);

-- name: upsert_points
-- Points by code, meter and gateway found by theirs; the point's id outlives a change of gateway.
insert into point (code, meter_id, gateway_id, unit, quantity, quantum, wrap, interval_s, low, high, max_rate, flow,
                   resolution, float32, class)
select p.code, m.meter_id, g.gateway_id, p.unit, p.quantity, p.quantum, p.wrap, p.interval_s, p.low, p.high, p.max_rate,
    p.flow, p.resolution, p.float32, p.class
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::numeric[], $7::float8[], $8::int4[],
            $9::float8[], $10::float8[], $11::float8[], $12::text[], $13::float8[], $14::bool[], $15::text[])
    as p (code, meter, gateway, unit, quantity, quantum, wrap, interval_s, low, high, max_rate, flow, resolution,
          float32, class)
join meter m on m.code = p.meter
join gateway g on g.code = p.gateway
on conflict (code) do update
set (meter_id, gateway_id, unit, quantity, quantum, wrap, interval_s, low, high, max_rate, flow, resolution, float32,
     class)
    = (excluded.meter_id, excluded.gateway_id, excluded.unit, excluded.quantity, excluded.quantum, excluded.wrap,
       excluded.interval_s, excluded.low, excluded.high, excluded.max_rate, excluded.flow, excluded.resolution,
       excluded.float32, excluded.class)
where (point.meter_id, point.gateway_id, point.unit, point.quantity, point.quantum, point.wrap, point.interval_s,
       point.low, point.high, point.max_rate, point.flow, point.resolution, point.float32, point.class)
    is distinct from (excluded.meter_id, excluded.gateway_id, excluded.unit, excluded.quantity, excluded.quantum,
                      excluded.wrap, excluded.interval_s, excluded.low, excluded.high, excluded.max_rate, excluded.flow,
                      excluded.resolution, excluded.float32, excluded.class);

-- name: find_points
-- The points of these codes, each with the gateway that may write it.
select p.code, p.point_id, g.gateway_id, g.code as gateway, p.low, p.high, p.max_rate
from point p join gateway g using (gateway_id)
where p.code = any($1::text[]);

-- name: unknown
-- Which of a unit's ($1) and a point's ($2) codes nobody registered, null for none asked.
select 'unit' as what, $1 as code where $1::text is not null and not exists (select from unit where code = $1)
union all
select 'point', $2 where $2::text is not null and not exists (select from point where code = $2);

-- name: version
-- What grows with every change of the registry.
select version from registry_version;

-- name: unit_codes
-- All units, to see which ones were meant.
select code from unit order by code;
