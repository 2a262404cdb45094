-- 0014_factors: factors by grid region, those that a unit measured itself, and which of them holds for whom.

create table grid_region (
    prefix text primary key check (prefix ~ '^[0-9]{2}([0-9]{2})?$'),
    region text not null check (region <> '')
);
comment on table grid_region is 'Regional grid by the first two digits of the district (GB/T 2260), or the first four where a province is divided; written from the data files.';

create view unit_region as
select u.unit_id, coalesce(city.region, province.region, 'national') as region
from unit u
left join grid_region city on city.prefix = left(u.district, 4)
left join grid_region province on province.prefix = left(u.district, 2);
comment on view unit_region is 'Regional grid of each unit by its district; national where the data files name none.';

-- Rows of the schema before this one are of the region that was set for the whole deployment: the next sync replaces them.
alter table carrier_factor add column region text not null default 'national';
alter table carrier_factor add column valid_to date;
alter table carrier_factor add column kgco2_per_gj numeric;
update carrier_factor f
set valid_to = coalesce((
    select min(later.valid_from) from carrier_factor later
    where later.carrier = f.carrier and later.valid_from > f.valid_from
), 'infinity');
alter table carrier_factor alter column valid_to set not null;
alter table carrier_factor add check (valid_to > valid_from);
alter table carrier_factor drop constraint carrier_factor_pkey;
alter table carrier_factor add primary key (carrier, region, valid_from);
comment on column carrier_factor.region is 'Regional grid of the units for which it holds. Every carrier has rows for each, also where they are all alike: so one look by carrier and region finds it.';
comment on column carrier_factor.valid_to is 'First day on which it does not hold any more; infinity for the last one.';
comment on column carrier_factor.kgco2_per_gj is 'CO2 per GJ of calorific value, for those who measured theirs; null where the calorific value does not decide.';

create table unit_factor (
    unit_factor_id   int8 primary key generated always as identity,
    unit_id          int4 not null references unit,
    carrier          text not null,
    valid_from       date not null,
    valid_to         date not null default 'infinity' check (valid_to > valid_from),
    unit             text not null,
    ncv_gj           numeric not null check (ncv_gj > 0),
    carbon_tc_per_gj numeric check (carbon_tc_per_gj > 0),
    oxidation        numeric check (oxidation > 0 and oxidation <= 1),
    kgce             numeric not null check (kgce > 0),
    kgco2            numeric check (kgco2 > 0),
    source           text not null check (source <> ''),
    author           text not null check (author <> ''),
    reason           text not null check (reason <> ''),
    recorded_at      timestamptz not null,
    replaces         int8 references unit_factor,
    undone_at        timestamptz,
    undone_by        text,
    undone_why       text,
    check ((carbon_tc_per_gj is null) = (oxidation is null) and (carbon_tc_per_gj is null) = (kgco2 is null)),
    check ((undone_at is null) = (undone_by is null) and (undone_at is null) = (undone_why is null))
);
create unique index unit_factor_in_force on unit_factor (unit_id, carrier, valid_from) where undone_at is null;
comment on table unit_factor is 'Calorific value and carbon content that a unit measured itself (实测), per `unit`, the base unit of the carrier; kgce and kgco2 follow from them. A record holds until valid_to, or until the next one begins. An undone record stays, and does nothing; the one that it replaced holds again.';

create table unit_factor_stretch (
    unit_id        int4 not null references unit,
    carrier        text not null,
    since          date not null,
    until          date not null check (until > since),
    unit_factor_id int8 references unit_factor,
    primary key (unit_id, carrier, since)
);
comment on table unit_factor_stretch is 'Which record of unit_factor holds from since until before until: of each unit and carrier that has one, all days; null where the common factor does. Follows from unit_factor.';

create view factor_in_force as
select
    r.unit_id, c.carrier,
    greatest(c.valid_from, s.since) as valid_from, least(c.valid_to, s.until) as valid_to, c.unit,
    coalesce(o.kgce, c.kgce) as kgce,
    coalesce(o.kgce, c.kgce_equal) as kgce_equal,
    coalesce(o.kgco2, round(o.ncv_gj * c.kgco2_per_gj, 9), c.kgco2) as kgco2,
    -- Of a unit's own figures only a CO2 that neither it nor the tables have is still to come.
    case
        when o.unit_factor_id is null then c.provisional
        else coalesce(o.kgco2, c.kgco2_per_gj) is null
    end as provisional,
    case
        when o.unit_factor_id is null then c.source
        when o.kgco2 is null then 'measured by the unit: ' || o.source || '; what it did not measure: ' || c.source
        else 'measured by the unit: ' || o.source
    end as source,
    c.region, o.unit_factor_id
from unit_region r
join carrier_factor c on c.region = r.region
left join unit_factor_stretch s
    on s.unit_id = r.unit_id and s.carrier = c.carrier and s.since < c.valid_to and s.until > c.valid_from
left join unit_factor o using (unit_factor_id);
comment on view factor_in_force is 'The factor of each unit, carrier and day: exactly one row has valid_from <= day < valid_to. A record of the unit goes before the common factor; of electricity it is that of the unit''s regional grid.';

-- A unit that moves to another grid has other factors: its days are totalled again. The mark has no bounds, since a step
-- under way may still write days by the old ones; a lock that waits for it would be one that it may wait for.
create function mark_moved_unit() returns trigger language plpgsql as $$
begin
    insert into unit_dirty (unit_id, since, until) values (new.unit_id, '-infinity', 'infinity');
    return null;
end $$;
create trigger unit_moved after update of district on unit
    for each row when (old.district is distinct from new.district) execute function mark_moved_unit();

create or replace view board.unit_day as
select
    u.code as unit, u.name_zh as unit_name_zh, u.name_en as unit_name_en, u.district, u.industry,
    d.day, d.carrier, d.amount, f.unit as unit_of_measure,
    d.kgce / 1000 as tce, d.kgce_equal / 1000 as tce_equal, d.kgco2 / 1000 as tco2,
    (array['measured', 'estimated', 'substituted', 'suspect', 'missing'])[d.quality + 1] as quality,
    d.provisional, d.ready, f.source as factor_source
from unit_day d
join unit u using (unit_id)
join factor_in_force f
    on f.unit_id = d.unit_id and f.carrier = d.carrier and d.day >= f.valid_from and d.day < f.valid_to;
