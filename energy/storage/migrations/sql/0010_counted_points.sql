-- 0010_counted_points: what accounting must know of units, meters and points.

alter table unit add column size_class int2 check (size_class between 1 and 6);
alter table unit add column statistics_day int2 not null default 1 check (statistics_day between 1 and 28);
comment on column unit.size_class is 'Size class of the enterprise record (1 below 5 000 tce a year … 6 above 3 million); null when not recorded.';
comment on column unit.statistics_day is 'Day on which the unit''s statistics month begins: 26 makes it run from the 26th to the 25th, named by the month in which it ends; 1 is the calendar month.';

alter table meter add column parent_id int4 references meter check (parent_id <> meter_id);
alter table meter add column check_id int4 references meter check (check_id <> meter_id);
create index meter_check on meter (check_id) where check_id is not null;
comment on column meter.parent_id is 'The meter upstream, which measures all that this one does.';
comment on column meter.check_id is 'The check meter: one that measures the same, and stands in for the course of a gap.';

alter table point add column flow text
    check (flow in ('purchased', 'renewable', 'produced', 'sold', 'feedstock', 'internal'));
alter table point add column resolution float8 not null default 0 check (resolution >= 0 and resolution < 'infinity');
alter table point add column float32 boolean not null default false;
alter table point add column class text not null default '';
comment on column point.quantity is 'register, net_register, interval and rate are what consumption is derived from; any other derives nothing.';
comment on column point.quantum is 'Size of one quantum of consumption, in the base unit of the meter''s carrier.';
comment on column point.flow is 'How it counts in the unit''s balance; null: purchased for registers and interval values of level 1, internal for all others.';
comment on column point.resolution is 'Smallest step that the register can show, in `unit`; 0 when not known.';
comment on column point.float32 is 'The register is a float32, whose step grows with its value.';
comment on column point.class is 'Class of points whose parameters of checks apply; empty for that of the carrier.';

create view counted_point as
select
    p.point_id, p.code, p.meter_id, m.unit_id, m.carrier, m.level, m.parent_id, m.check_id, p.quantity, p.unit,
    p.quantum, p.wrap, p.interval_s, p.max_rate, p.resolution, p.float32, p.class,
    case
        when p.flow is not null then p.flow
        when m.level = 1 and m.carrier <> 'production' and p.quantity in ('register', 'net_register', 'interval') then 'purchased'
        else 'internal'
    end as flow
from point p join meter m using (meter_id)
where p.quantity in ('register', 'net_register', 'interval', 'rate');
comment on view counted_point is 'Points that consumption is derived from, each with its meter, unit and how it counts in the balance.';
