-- 0019_quotas: quotas of units and groups, of all kinds, versioned, with their documents.

drop view board.quota_status, board.flagged, board.quota_history;

create table quota_group (
    code    text not null,
    unit_id int4 not null references unit,
    primary key (code, unit_id)
);
comment on table quota_group is 'Groups of units that quotas are set for and that the registry does not know, such as the members of an enterprise group.';
create index quota_group_unit on quota_group (unit_id);

alter table quota alter column unit_id drop not null;
alter table quota drop constraint quota_period_check;
alter table quota add check (period in ('day', 'statistics_month', 'month', 'quarter', 'year'));
alter table quota add column subject text not null default 'unit'
    check (subject in ('unit', 'group', 'district', 'city', 'industry', 'size_class'));
alter table quota add column key text;
alter table quota add column kind text not null default 'quota' check (kind in ('quota', 'budget'));
alter table quota add column product text not null default '';
alter table quota add column area_m2 numeric check (area_m2 > 0);
alter table quota add column bands jsonb not null default '[]';
alter table quota add column profile jsonb not null default '{"kind": "even"}';
alter table quota add column min_elapsed float8;
alter table quota add column version int4 not null default 1;

-- What earlier versions left to its default is written out; how long a pace must last is the rules' business from now on.
update quota q set
    key = u.code,
    bands = coalesce(q.rule -> 'bands',
        '[{"share": 0.8, "severity": "notice", "colour": "blue"}, {"share": 0.9, "severity": "attention", "colour": "yellow"}]'),
    min_elapsed = coalesce((q.rule ->> 'min_elapsed')::float8, case q.period when 'day' then 0.25 when 'year' then 0.02 else 0.03 end)
from unit u where u.unit_id = q.unit_id;

alter table quota alter column key set not null;
alter table quota alter column min_elapsed set not null;
alter table quota add check ((subject = 'unit') = (unit_id is not null));
create index quota_subject on quota (subject, key);
create index quota_of_unit on quota (unit_id);
comment on table quota is 'Quotas in force and past: of whom (subject, key; unit_id where it is a unit; view quota_unit), measure (tce, tce_equal, tco2, assessed_tce, assessed_tce_equal, a carrier, demand, kgce_per_output and its like, tce_per_value, tce_equal_per_value), period, limit_value in limit_unit (the measure''s base unit; where area_m2 is given, that of the whole area), dated, from a document; how it is watched.';

create table quota_version (
    quota_id    int4 not null references quota,
    version     int4 not null,
    spec        jsonb not null,
    author      text not null,
    recorded_at timestamptz not null,
    primary key (quota_id, version)
);
comment on table quota_version is 'Every text a quota has had, as its file says it, insert-only; evidence names the version it was judged by. quota.version is the one that counts.';

insert into quota_version (quota_id, version, spec, author, recorded_at)
select quota_id, 1, jsonb_strip_nulls(jsonb_build_object(
        'code', code, 'subject', subject, 'key', key, 'measure', measure, 'period', period, 'limit', limit_value::text,
        'limit_unit', limit_unit, 'valid_from', valid_from, 'valid_to', valid_to,
        'source', left(btrim(regexp_replace(source, '\s+', ' ', 'g')), 256), 'bands', bands,
        'min_elapsed', case when min_elapsed <> case period when 'day' then 0.25 when 'year' then 0.02 else 0.03 end
            then min_elapsed end
    )), 'migration', '1970-01-01T00:00:00Z'
from quota;

alter table quota drop column rule;

create view quota_unit as
select quota_id, unit_id from quota where subject = 'unit'
union all
select q.quota_id, g.unit_id from quota q join quota_group g on g.code = q.key where q.subject = 'group'
union all
select q.quota_id, g.unit_id from quota q join unit_group g on g.grouping = q.subject and g.key = q.key
where q.subject not in ('unit', 'group'); -- said, so that few quotas are held against all units, not the other way round
comment on view quota_unit is 'Whose use counts against each quota: its unit, the members of its group, or all units of its district, city, industry or size class.';
