-- name: write
-- Factors by carrier and day; changed ones are changed.
insert into carrier_factor (carrier, valid_from, unit, kgce, kgce_equal, kgco2, provisional, source)
select * from unnest($1::text[], $2::date[], $3::text[], $4::numeric[], $5::numeric[], $6::numeric[], $7::bool[], $8::text[])
on conflict (carrier, region, valid_from) do update
set (unit, kgce, kgce_equal, kgco2, provisional, source) = (excluded.unit, excluded.kgce, excluded.kgce_equal,
    excluded.kgco2, excluded.provisional, excluded.source)
where (carrier_factor.unit, carrier_factor.kgce, carrier_factor.kgce_equal, carrier_factor.kgco2,
    carrier_factor.provisional, carrier_factor.source) is distinct from (excluded.unit, excluded.kgce,
    excluded.kgce_equal, excluded.kgco2, excluded.provisional, excluded.source);

-- name: drop
-- Take away factors that the data files do not have any more, of the carriers that they know.
delete from carrier_factor f
where f.carrier = any($1::text[])
    and not exists (
        select from unnest($1::text[], $2::date[]) as k (carrier, valid_from)
        where k.carrier = f.carrier and k.valid_from = f.valid_from
    );

-- name: restate
-- State every day's coal and CO2 anew where the factor of its day is another one now.
update unit_day d
set (kgce, kgce_equal, kgco2, provisional)
    = (d.amount * f.kgce, d.amount * f.kgce_equal, d.amount * f.kgco2, f.provisional)
from (
    select carrier, valid_from, kgce, kgce_equal, kgco2, provisional,
        lead(valid_from, 1, 'infinity') over (partition by carrier order by valid_from) as valid_to
    from carrier_factor
) f
where f.carrier = d.carrier and d.day >= f.valid_from and d.day < f.valid_to
    and (d.kgce, d.kgce_equal, d.kgco2, d.provisional)
        is distinct from (d.amount * f.kgce, d.amount * f.kgce_equal, d.amount * f.kgco2, f.provisional);
