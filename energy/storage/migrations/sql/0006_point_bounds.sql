-- 0006_point_bounds: what values a point may show, and a version by which a registry in memory knows that it is old.

alter table point add column low float8;
alter table point add column high float8;
alter table point add column max_rate float8 check (max_rate > 0);
alter table point add constraint point_bounds check (low < high);
comment on column point.low is 'Least value that is accepted, in `unit`; null for no bound.';
comment on column point.high is 'Greatest value that is accepted, in `unit`; null for no bound.';
comment on column point.max_rate is 'Greatest change per hour that is plausible, in `unit`; faster ones are stored and flagged; null for no bound.';

create table registry_version (
    one     boolean primary key default true check (one),
    version int8 not null
);
insert into registry_version (version) values (1);
comment on table registry_version is 'One row; its version grows with every change of the registry.';

create table reading_flags (
    point_id int4 not null,
    ts       timestamptz not null,
    flag     text not null,
    detail   text not null,
    batch    int8 not null,
    primary key (point_id, ts, flag)
);
comment on table reading_flags is 'Hints on stored readings that look wrong (rate: changed faster than the point''s max_rate); insert-only, and never a reason to refuse one.';
