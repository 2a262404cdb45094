-- 0006_point_bounds: what values a point may show, and a version by which a registry in memory knows that it is old.

alter table point add column low float8;
alter table point add column high float8;
alter table point add column max_rate float8 check (max_rate > 0 and max_rate < 'infinity');
alter table point add constraint point_bounds check (
    low < high and low <> '-infinity' and high <> 'infinity' and low <> 'nan' and high <> 'nan'
);
alter table point add constraint point_code check (code ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$');
comment on column point.low is 'Least value that is accepted, in `unit`; null for no bound.';
comment on column point.high is 'Greatest value that is accepted, in `unit`; null for no bound.';
comment on column point.max_rate is 'Greatest change per hour that is plausible, in `unit`; faster ones are stored and flagged; null for no bound.';

create table registry_version (
    one     boolean primary key default true check (one),
    version int8 not null
);
insert into registry_version (version) values (1);
comment on table registry_version is 'One row; its version grows with every change of the registry, by whatever hand.';

-- A statement that changed nothing, such as an upsert of what is there, leaves the version alone.
create function registry_changed() returns trigger language plpgsql as $$
begin
    if exists (select from touched) then
        update registry_version set version = version + 1;
        perform pg_notify('registry', '');
    end if;
    return null;
end
$$;
create function registry_truncated() returns trigger language plpgsql as $$
begin
    update registry_version set version = version + 1;
    perform pg_notify('registry', '');
    return null;
end
$$;
do $$
declare
    relation text;
begin
    foreach relation in array array['unit', 'gateway', 'meter', 'point'] loop
        execute format('create trigger registry_inserted after insert on %I referencing new table as touched
            for each statement execute function registry_changed()', relation);
        execute format('create trigger registry_updated after update on %I referencing new table as touched
            for each statement execute function registry_changed()', relation);
        execute format('create trigger registry_deleted after delete on %I referencing old table as touched
            for each statement execute function registry_changed()', relation);
        execute format('create trigger registry_truncated after truncate on %I
            for each statement execute function registry_truncated()', relation);
    end loop;
end
$$;

create table reading_flags (
    point_id int4 not null,
    ts       timestamptz not null,
    flag     text not null,
    detail   text not null,
    batch    int8 not null,
    primary key (point_id, ts, flag)
);
comment on table reading_flags is 'Hints on stored readings that look wrong (rate: changed faster than the point''s max_rate); insert-only, never complete, and never a reason to refuse a reading.';
