-- name: lock
-- One at a time writes factors: two workers that start together would both mark the same days ("qw_facto").
select pg_advisory_xact_lock(8176108541839635567);

-- name: stop_totals
-- Wait until nobody is writing totals by the old factors, and let nobody begin before the new ones are committed:
-- else a total that is being computed would be missed by the marks. Reading goes on.
lock table unit_day in share mode;

-- name: factors
-- The factors in force, without where they come from: another source alone changes no result.
select carrier, region, valid_from, valid_to, unit, kgce, kgce_equal, kgco2, kgco2_per_gj, provisional, source
from carrier_factor;

-- name: write
-- Write the factors; what is the same is left alone.
insert into carrier_factor (carrier, region, valid_from, valid_to, unit, kgce, kgce_equal, kgco2, kgco2_per_gj,
                            provisional, source)
select * from unnest($1::text[], $2::text[], $3::date[], $4::date[], $5::text[], $6::numeric[], $7::numeric[],
                     $8::numeric[], $9::numeric[], $10::bool[], $11::text[])
on conflict (carrier, region, valid_from) do update
set (valid_to, unit, kgce, kgce_equal, kgco2, kgco2_per_gj, provisional, source) = (excluded.valid_to, excluded.unit,
    excluded.kgce, excluded.kgce_equal, excluded.kgco2, excluded.kgco2_per_gj, excluded.provisional, excluded.source)
where (carrier_factor.valid_to, carrier_factor.unit, carrier_factor.kgce, carrier_factor.kgce_equal,
    carrier_factor.kgco2, carrier_factor.kgco2_per_gj, carrier_factor.provisional, carrier_factor.source)
    is distinct from (excluded.valid_to, excluded.unit, excluded.kgce, excluded.kgce_equal, excluded.kgco2,
    excluded.kgco2_per_gj, excluded.provisional, excluded.source);

-- name: drop
-- Take away the factors that the data files do not have any more.
delete from carrier_factor f
where not exists (
    select from unnest($1::text[], $2::text[], $3::date[]) as k (carrier, region, valid_from)
    where (k.carrier, k.region, k.valid_from) = (f.carrier, f.region, f.valid_from)
);

-- name: regions
-- Which regional grid each district belongs to.
select prefix, region from grid_region;

-- name: write_regions
-- Write the regional grids, and take away those that the data files do not have any more.
with given as (
    select prefix, region from unnest($1::text[], $2::text[]) as g (prefix, region)
), gone as (
    delete from grid_region g where not exists (select from given where given.prefix = g.prefix)
)
insert into grid_region (prefix, region) select prefix, region from given
on conflict (prefix) do update set region = excluded.region where grid_region.region <> excluded.region;

-- name: unit_regions
-- The regional grid of every unit.
select unit_id, region from unit_region;

-- name: mark
-- Mark the days that have totals of a carrier whose factor changed: $1 carriers, $2 regions and $3 units (null: all), and
-- from $4 until before $5.
insert into unit_dirty (unit_id, since, until)
select d.unit_id, min(d.day), max(d.day)
from unnest($1::text[], $2::text[], $3::int4[], $4::date[], $5::date[]) as c (carrier, region, unit_id, since, until)
join unit_region r on (c.region is null or c.region = r.region) and (c.unit_id is null or c.unit_id = r.unit_id)
join unit_day d on d.unit_id = r.unit_id and d.carrier = c.carrier and d.day >= c.since and d.day < c.until
group by d.unit_id, c.since, c.until;
