-- name: units
-- The units of these codes.
select code, unit_id from unit where code = any($1::text[]);

-- name: in_force
-- The records in force of these units and carriers.
select f.unit_factor_id, f.unit_id, f.carrier, f.valid_from, f.valid_to, f.ncv_gj, f.carbon_tc_per_gj, f.oxidation,
    f.kgce, f.kgco2, f.source
from unit_factor f
join unnest($1::int4[], $2::text[]) as k (unit_id, carrier) using (unit_id, carrier)
where f.undone_at is null;

-- name: write
-- Write records, each with the number of the one that it replaces.
insert into unit_factor (unit_id, carrier, valid_from, valid_to, unit, ncv_gj, carbon_tc_per_gj, oxidation, kgce, kgco2,
                         source, replaces, author, reason, recorded_at)
select r.*, $13, $14, $15
from unnest($1::int4[], $2::text[], $3::date[], $4::date[], $5::text[], $6::numeric[], $7::numeric[], $8::numeric[],
            $9::numeric[], $10::numeric[], $11::text[], $12::int8[]) as r;

-- name: undo
-- Undo records: they stay, and do nothing.
update unit_factor set undone_at = $2, undone_by = $3, undone_why = $4
where unit_factor_id = any($1::int8[]) and undone_at is null
returning unit_id, carrier;

-- name: restore
-- Let a record hold again that was replaced.
update unit_factor set undone_at = null, undone_by = null, undone_why = null where unit_factor_id = $1;

-- name: state_of
-- Whose record it is, which one it replaced, and whether it is undone.
select unit_id, carrier, replaces, undone_by, undone_why, undone_at is not null as undone
from unit_factor where unit_factor_id = $1;

-- name: forget_stretches
-- Take away which record holds when, of these units and carriers.
delete from unit_factor_stretch s
using unnest($1::int4[], $2::text[]) as k (unit_id, carrier)
where (s.unit_id, s.carrier) = (k.unit_id, k.carrier);

-- name: write_stretches
-- Write which record holds when.
insert into unit_factor_stretch (unit_id, carrier, since, until, unit_factor_id)
select * from unnest($1::int4[], $2::text[], $3::date[], $4::date[], $5::int8[]);

-- name: held
-- The factors in force of these units and carriers, without where they come from.
select f.unit_id, f.carrier, f.valid_from, f.valid_to, f.unit, f.kgce, f.kgce_equal, f.kgco2, f.provisional
from factor_in_force f
join unnest($1::int4[], $2::text[]) as k (unit_id, carrier) using (unit_id, carrier);

-- name: recorded
-- At most $2 records of unit $1 (null: of all), the latest first; undone ones too.
select f.unit_factor_id, u.code as unit, f.carrier, f.valid_from, nullif(f.valid_to, 'infinity') as valid_to, f.ncv_gj,
    f.unit as unit_of_measure, f.carbon_tc_per_gj, f.oxidation, f.kgce, f.kgco2, f.source, f.author, f.reason,
    f.recorded_at, f.undone_at, f.undone_by, f.undone_why
from unit_factor f join unit u using (unit_id)
where $1::text is null or u.code = $1
order by f.unit_factor_id desc
limit $2;
