-- 0011_intervals: consumption per quarter hour with its method and flags; who derives what.

alter table consumption_15min alter column quanta drop not null;
alter table consumption_15min add column method int2 not null default 0;
alter table consumption_15min add column flags int4 not null default 0;
comment on column consumption_15min.quanta is 'Consumption in quanta of the point; null when it is missing (quality 4), never 0 instead.';
comment on column consumption_15min.quality is '0 measured, 1 estimated, 2 substituted, 3 suspect, 4 missing.';
comment on column consumption_15min.method is 'How it was found: energy/consumption.py, Method.';
comment on column consumption_15min.flags is 'What was noticed: energy/consumption.py, Flag.';

create table gap (
    point_id int4 not null,
    began    timestamptz not null,
    ended    timestamptz not null check (ended > began),
    quanta   int8,
    primary key (point_id, began)
);
comment on table gap is 'Pairs of readings too far apart for a straight line; quanta is what the register says of them, null when nothing does. Their course depends on other intervals: when those change, they are derived anew.';

create table unit_dirty (
    mark_id int8 primary key generated always as identity,
    unit_id int4 not null references unit on delete cascade,
    since   date not null,
    until   date not null check (until >= since)
);
comment on table unit_dirty is 'Days (both included, in the unit''s zone) of units whose totals must be computed again without an interval having changed: entries, factors, registry.';

create table day_dirty (
    mark_id int8 primary key generated always as identity,
    block   int4 not null,
    day     date not null,
    taken   boolean not null default false
);
create index day_dirty_block_day on day_dirty (block, day);
comment on table day_dirty is 'Days (UTC) in which intervals of a block of points (point_id / 1000) changed and that rollups have not done since. A day that is marked is not marked again before it is taken.';
