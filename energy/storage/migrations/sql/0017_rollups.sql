-- 0017_rollups: consumption per hour, day and month of each point.

create table consumption_hour (
    point_id int4 not null, ts timestamptz not null, quanta int8, quality int2 not null, covered_s int4 not null,
    flags int4 not null, ready timestamptz not null
);
create table consumption_day (
    point_id int4 not null, day date not null, quanta int8, quality int2 not null, covered_s int4 not null,
    flags int4 not null, ready timestamptz not null, primary key (point_id, day)
);
create table consumption_month (
    point_id int4 not null, month date not null, quanta int8, quality int2 not null, covered_s int8 not null,
    flags int4 not null, ready timestamptz not null, primary key (point_id, month)
);
select create_hypertable('consumption_hour', by_range('ts', interval '30 days'), create_default_indexes => false);
create unique index consumption_hour_point_ts on consumption_hour (point_id, ts);
