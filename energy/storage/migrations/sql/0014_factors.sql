-- 0014_factors: factors by grid region, and those that a unit measured itself.

create table grid_region (
    province text primary key check (province ~ '^[0-9]{2}$'),
    region   text not null
);
comment on table grid_region is 'Regional grid by province (first two digits of the district, GB/T 2260); written from the data files.';

alter table carrier_factor add column region text not null default '';
alter table carrier_factor drop constraint carrier_factor_pkey;
alter table carrier_factor add primary key (carrier, region, valid_from);
comment on column carrier_factor.region is 'Regional grid whose CO2 factor it is; empty where the region does not matter.';
